/** What a recorded Python process has left, in a capture: told, and without the secrets that it holds. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';
import { buildPackage } from '../../built.ts';
import { STARTS_BOTH } from '../../sandbox/clients.ts';
import { absent, pythonOf, VERSIONS } from './pythons.ts';
import { act } from './recorded.ts';

const folder = mkdtempSync(join(tmpdir(), 'amber-python-captured-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const NAMES = ['header', 'user', 'query', 'argv', 'child', 'execve', 'spawn', 'code', 'variable', 'environment'];
const CAPTURE = `
import { withCapture, capture } from ${JSON.stringify(resolve('dist/index.js'))};
const handler = withCapture(async () => capture('test'));
console.log(JSON.stringify(await handler({}, {})));
`;

/** All bytes of a capture that another process of the same sandbox makes. */
function captured(place: string): string {
  const script = join(place, 'capture.mjs');
  writeFileSync(script, CAPTURE);
  execFileSync(process.execPath, [script], {
    env: {
      PATH: process.env['PATH'],
      AWS_REGION: 'eu-central-1',
      AMBER_DESTINATION: `file://${place}/out`,
      AMBER_WRITABLE: place,
      AMBER_CODE: place,
      AMBER_RECORD: 'off',
      AMBER_COLLECT: '-code,-executables,-systeminformation,-writable,-served,-environment,-procfs',
    },
  });
  const tars = globSync(`${place}/out/**/*.tar.zst`);
  return tars.map((path) => zstdDecompressSync(readFileSync(path)).toString('latin1')).join('');
}

for (const version of VERSIONS) {
  test(`Python ${version}: what is left is told, and no secret of it`, { skip: STARTS_BOTH }, async (t) => {
    const program = pythonOf(version);
    if (program === undefined) return void absent(t, version);
    buildPackage();
    const place = mkdtempSync(join(folder, 'case-'));
    const secrets = Object.fromEntries(NAMES.map((name) => [name, `${name}${randomBytes(12).toString('hex')}`]));
    const planted = join(place, 'planted.json');
    writeFileSync(planted, JSON.stringify(secrets));
    const env = { PLANTED: planted };
    await act(
      program,
      ['plain', 'planted'],
      ({ pid, bytes }) => {
        const tar = captured(place);
        for (const told of [
          '"kind":"spawn","subject":"/bin/sh"',
          '"kind":"execve"',
          '"kind":"code"',
          '"kind":"variable"',
        ])
          assert.ok(tar.includes(told), told);
        assert.ok(tar.includes(`live_response/runtime-${pid}.json`));
        assert.match(tar, /"name":"lambda_amber\.ring","file":"/u);
        assert.match(tar, /DB_PASSWORD/u);
        // They do stand in the ring, or this test proves nothing.
        assert.ok(['header', 'argv', 'execve', 'spawn', 'code'].every((name) => bytes.includes(secrets[name] ?? '-')));
        assert.deepEqual(
          NAMES.filter((name) => tar.includes(secrets[name] ?? '-')),
          [],
        );
      },
      env,
    );
  });
}
