/** The Python of the layer is typed strictly and linted, by the pinned versions of both tools. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { hasPeer, missing } from '../../peers.ts';
import { STARTS_BOTH } from '../../sandbox/clients.ts';

/** From the virtual environment of the tests, else from PATH. */
function programOf(name: string): string | undefined {
  const own = resolve('test/peers/venv/bin', name);
  if (existsSync(own)) return own;
  return hasPeer(name) ? name : undefined;
}

for (const [name, ...args] of [
  ['mypy', '--cache-dir=/dev/null', 'lambda_amber'],
  ['ruff', 'check', '--no-cache', '.'],
  ['ruff', 'format', '--no-cache', '--check', '.'],
] as const) {
  test(`${name} ${args[0]}`, { skip: STARTS_BOTH }, (t) => {
    const program = programOf(name);
    if (program === undefined) return void missing(t, `${name} (pip, test/peers/requirements.txt)`);
    const pinned = new RegExp(`^${name}==(.+)$`, 'mu').exec(readFileSync('test/peers/requirements.txt', 'utf8'))?.[1];
    const { stdout: version } = spawnSync(program, ['--version'], { encoding: 'utf8' });
    assert.ok(version.includes(pinned ?? 'a pinned version'), `${version.trim()}, ${String(pinned)} is pinned`);
    const { status, stdout, stderr } = spawnSync(program, args, { cwd: 'layer/python', encoding: 'utf8' });
    assert.equal(status, 0, `${stdout}${stderr}`);
  });
}
