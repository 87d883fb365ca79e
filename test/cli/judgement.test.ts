/** The exit code is that of the judgement, whoever reads the output, and whatever was given beside the capture. */
import { deepEqual, equal, match } from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { appendFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { freshFolder, makeCapture } from '../case/captures.ts';
import { COMMAND, program } from './program.ts';

/** The exit code where nobody reads standard output: every write fails with EPIPE. */
async function unread(argv: readonly string[]): Promise<number> {
  const child = spawn('bash', ['-c', '"$NODE" "$AMBER" "$@" | true; exit "${PIPESTATUS[0]}"', '-', ...argv], {
    env: { PATH: '/usr/bin:/bin', HOME: '/nonexistent', NODE: process.execPath, AMBER: COMMAND },
    stdio: ['ignore', 'ignore', 'ignore'],
  });
  return new Promise((resolve) => child.once('close', (code) => resolve(code ?? -1)));
}

let base: string;
let good: string;
let bad: string;
let noCapture: string;
before(async () => {
  base = freshFolder();
  good = (await makeCapture({ into: join(base, 'one') })).folder;
  bad = (await makeCapture({ apart: true, captureId: '0197c0de-0000-7000-8000-0000000000bb' })).folder;
  appendFileSync(join(bad, 'capture-0000.tar.zst'), 'x');
  rmSync(join(bad, 'capture-0001.tar.zst'));
  noCapture = join(freshFolder(), 'passwd');
  writeFileSync(noCapture, 'root:x:0:0:root:/root:/bin/bash\n');
});

test('a reader that goes away takes no judgement away', async () => {
  for (const command of ['verify', 'show', 'salvage', 'timeline', 'captures'])
    for (const more of [[], ['--json']])
      for (const [place, code] of [
        [good, 0],
        [bad, 1],
        [noCapture, 2],
        ['/nonexistent/place', 3],
      ] as const) {
        const argv = [command, place, ...more];
        deepEqual([argv, (await program(argv)).code], [argv, code]);
        deepEqual([argv, await unread(argv)], [argv, code]);
      }
});

test('a reader that goes away in the middle of a long result does not hold the command up', async () => {
  const entries = Array.from({ length: 3000 }, (_, index) => ({
    kind: 'json' as const,
    path: `live_response/${index}.json`,
    source: 'x',
    method: 'api' as const,
    value: { index },
  }));
  const { folder } = await makeCapture({ entries });
  for (const command of ['salvage', 'verify'])
    equal(await unread([command, folder]), (await program([command, folder])).code);
});

describe('an identity that opens nothing', () => {
  test('keeps no digest from being compared, alone and with --all', async () => {
    const recipient = await identityToRecipient(await generateX25519Identity());
    const wrong = join(freshFolder(), 'wrong.txt');
    writeFileSync(wrong, `${await generateX25519Identity()}\n`);
    const sealed = await makeCapture({ apart: true, recipient });
    for (const all of [[], ['--all']]) {
      const { code, out, err } = await program(['verify', sealed.folder, '-i', wrong, ...all]);
      deepEqual([code, err], [3, ''], out);
      match(out, /^ok +SHA-256 of every segment: \d+ segments have the digests of manifest\.json$/mu);
      match(
        out,
        new RegExp(
          `^not verified: the identity, of age1\\w+, does not open the segments; give the one of ${recipient}; what was read holds$`,
          'mu',
        ),
      );
    }
    for (const command of [['salvage'], ['decrypt', '--to', join(freshFolder(), 'out.tar.zst')]]) {
      const { code, err } = await program([...command, sealed.folder, '-i', wrong]);
      deepEqual([command[0], code], [command[0], 3], err);
      match(err, /^amber: CASE_UNREADABLE: .*(?:identity|identities) /u);
    }
    const shown = await program(['show', sealed.folder, '-i', wrong]);
    equal(shown.code, 1, shown.err);
    match(shown.out, /^function +checkout/mu);
    appendFileSync(join(sealed.folder, 'capture-0001.tar.zst.age'), 'x');
    for (const all of [[], ['--all']]) {
      const { code, out } = await program(['verify', sealed.folder, '-i', wrong, ...all]);
      equal(code, 1, out);
      match(out, /^FAILED: SHA-256 of every segment: /mu);
    }
  });
});

describe('what was typed', () => {
  test('is wrong usage where it fits several captures: they are named', async () => {
    await makeCapture({ into: join(base, 'two'), captureId: '0197c0de-0000-7000-8000-0000000000cc' });
    for (const command of ['verify', 'show', 'salvage', 'pull'])
      for (const argv of [
        [command, base],
        [command, base, '0197'],
      ]) {
        const { code, err, out } = await program(argv, { cwd: freshFolder() });
        deepEqual([code, out], [2, ''], argv.join(' '));
        match(err, /^amber: USAGE: .* several captures below .*; expected one of .*0000aa .*0000cc; for example /u);
      }
  });

  test('is wrong usage where it is a file that no capture is in', async () => {
    const fifo = '/dev/null';
    for (const [command, ...more] of [
      ['verify'],
      ['verify', '--all'],
      ['show'],
      ['salvage'],
      ['captures'],
      ['pull'],
      ['timeline'],
      ['report'],
    ] as const)
      for (const place of [noCapture, join(good, 'manifest.json'), fifo]) {
        const argv = [command, place, ...more];
        const { code, err, out } = await program(argv, { cwd: freshFolder() });
        deepEqual([argv, code, out], [argv, 2, '']);
        match(
          err,
          /^amber: USAGE: .*(?:is no capture|is a file beside the segments|is neither a file nor a folder).*; for example amber .+\.\n$/u,
        );
      }
  });

  test('of a tarball is asked of its folder alone', async () => {
    const { out } = await program(['captures', join(good, 'capture.tar.zst'), '--json']);
    equal((JSON.parse(out) as { captures: unknown[] }).captures.length, 1);
  });
});
