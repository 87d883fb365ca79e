import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { program } from '../cli/program.ts';
import { awsProxy } from '../servers/aws-proxy.ts';
import { moto, MOTO_ENV, stopMoto } from '../servers/moto.ts';
import { collect, freshFolder, lines, readTarball } from './scene.ts';

const ONCE = fileURLToPath(new URL('collect-once.ts', import.meta.url));

after(stopMoto);

test('a collection that is killed has lost nothing that it noted; the next one has the rest', async (t) => {
  const server = await moto(t);
  if (server === undefined) return;
  Object.assign(process.env, MOTO_ENV);
  const packages = freshFolder();
  const made = await server.fill(packages, '--streams', '250', '--events', '20000');
  const proxy = await awsProxy(server.endpoint, packages);
  proxy.delayMs = 500;
  try {
    const out = freshFolder();
    const statePath = join(out, 'state.jsonl');
    const child = spawn(process.execPath, [ONCE, proxy.endpoint, out, 'versions,logs', '', '', statePath, '64KiB'], {
      stdio: 'ignore',
      env: { ...process.env, ...MOTO_ENV },
    });
    const gone = new Promise((resolve) => child.once('exit', resolve));
    const noted = (): string[] =>
      existsSync(statePath)
        ? readFileSync(statePath, 'utf8')
            .split('\n')
            .filter((line) => line.includes('"series":"logs'))
        : [];
    while (noted().length < 40 && child.exitCode === null) await sleep(5);
    child.kill('SIGKILL');
    await gone;
    assert.ok(noted().length >= 40, 'it was killed in the middle');
    const [cut = ''] = globSync(`${out}/account=*/**/capture=*`);
    const salvaged = join(freshFolder(), 'salvaged');
    const { code, err } = await program(['salvage', cut, '--to', salvaged]);
    assert.ok(code === 0 || code === 1, err);
    const ids = new Set<string>();
    const take = (body: Buffer): void => {
      for (const { logStreamName, eventId } of lines<{ logStreamName: string; eventId: string }>(body))
        ids.add(`${logStreamName} ${eventId}`);
    };
    for (const line of noted()) {
      const { path } = JSON.parse(line.replace(/\}[^}]*$/u, '}')) as { path: string };
      const [file] = globSync(
        `${salvaged}/**/${
          path
            .split('/')
            .at(-1)
            ?.replaceAll(/[[\]$]/gu, '?') ?? ''
        }`,
      );
      assert.ok(file !== undefined, `${path} was noted, and is not there`);
      take(readFileSync(file));
    }
    const before = ids.size;
    proxy.delayMs = 0;
    const { report } = await collect(proxy.endpoint, { sources: ['versions', 'logs'], statePath }, {}, out);
    assert.ok(report.resumed >= 40);
    assert.equal(report.unfinished, false);
    for (const [path, body] of await readTarball(report.location))
      if (path.startsWith('logs/') && /-\d{4}\.jsonl$/u.test(path)) take(body);
    t.diagnostic(
      `${noted().length || report.resumed} items noted, ${before} events safe before the kill, ${ids.size} of ${made.events} after the second run`,
    );
    assert.equal(ids.size, made.events);
  } finally {
    await proxy.close();
  }
});
