/** What keeps one capture from being read keeps no hit of another from being told: damage, or no identity for it. */
import { deepEqual, equal, match } from 'node:assert/strict';
import { readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { bytesEntry, freshFolder, makeCapture, noise, type MakeOptions } from '../case/captures.ts';
import { program } from './program.ts';

const HIT = 'sh: 1: nc: not found';
const row = (message: string): string => `${JSON.stringify({ timestamp: 1, logStreamName: 's', message })}\n`;

async function collection(message: string, options: MakeOptions = {}): Promise<string> {
  const stream = bytesEntry('logs/aws/lambda/checkout/stream-0000.jsonl', row(message));
  const entries = [stream, 'files', bytesEntry('[root]/tmp/large', noise(600_000, 1))] as const;
  return (await makeCapture({ apart: true, entries, ...options })).folder;
}

const TARBALL = 'capture.tar.zst';
const SECOND = 'capture-0001.tar.zst';

function flip(path: string): void {
  const bytes = readFileSync(path);
  bytes[0]! ^= 0x40;
  writeFileSync(path, bytes);
}

/** What the second collection suffers, and what is said of it. */
const CASES: Readonly<Record<string, readonly [MakeOptions, (folder: string) => void, RegExp]>> = {
  'a flipped segment': [{}, (folder) => flip(join(folder, 'capture-0000.tar.zst')), /ARCHIVE_CORRUPT: /u],
  'a segment that is not there': [{}, (folder) => rmSync(join(folder, SECOND)), /ARCHIVE_CORRUPT: segment 1 is not/u],
  'a cut tarball': [{ apart: false }, (folder) => truncateSync(join(folder, TARBALL), 5000), /ARCHIVE_CORRUPT: /u],
};

async function hunted(bad: string, message: string): Promise<void> {
  const base = freshFolder();
  renameSync(bad, join(base, 'a'));
  renameSync(await collection(message), join(base, 'b'));
  const { code, out, err } = await program(['hunt', '--offline', base]);
  const lines = err.split('\n').filter((line) => line !== '');
  deepEqual([lines.length, lines[0]?.startsWith(`NOT READ: ${base}/a/: `)], [1, true], err);
  equal(code, message === HIT ? 1 : 3, out);
  match(out, message === HIT ? /shell-errors/u : /^0 hits in \d+ log events?$/mu);
  const { unread } = JSON.parse((await program(['hunt', '--offline', base, '--json'])).out) as { unread: string[] };
  deepEqual([unread.length, `NOT READ: ${unread[0] ?? ''}`], [1, lines[0]]);
}

describe('a hunt over a case passes over', () => {
  for (const [what, [options, spoil, why]] of Object.entries(CASES))
    test(`${what}, and tells the hits of the others`, async () => {
      for (const message of [HIT, 'all is well']) {
        const bad = await collection('all is well', options);
        spoil(bad);
        const alone = await program(['hunt', '--offline', bad]);
        deepEqual([alone.code, why.test(alone.err)], [3, true], alone.err);
        await hunted(bad, message);
      }
    });

  test('a sealed one without an identity, and with that of another', async () => {
    const recipient = await identityToRecipient(await generateX25519Identity());
    for (const message of [HIT, 'all is well']) await hunted(await collection(HIT, { recipient }), message);
    const key = join(freshFolder(), 'key.txt');
    writeFileSync(key, `${await generateX25519Identity()}\n`);
    const sealed = await collection(HIT, { recipient });
    const { code, err } = await program(['hunt', '--offline', sealed, '-i', key]);
    deepEqual([code, /^NOT READ: .*IDENTITY_INVALID: /mu.test(err)], [3, true], err);
  });
});
