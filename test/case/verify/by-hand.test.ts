/** The responder's guide's way of verifying a capture with sha256sum, tar and jq alone, command by command. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { blockOf } from '../../docs/markdown.ts';
import { requirePeer } from '../../peers.ts';
import { bytesEntry, freshFolder, makeCapture, noise, type MadeCapture } from '../captures.ts';
import { partWith, putTogether, takeApart } from '../forge.ts';

const block = (begins: string): string => blockOf('src/cli/README.md', 'sh', begins);
/** In a folder that was pulled. */
const SUMS = block('sha256sum -c');
/** 1. Digests: these are to be compared with the lines of the log. */
const DIGESTS = block('sha256sum capture');
/** 2. Chain: each part names the digest of the one before it; prints the head. */
const CHAIN = block('mkdir parts');
/** 3. Entries: the digest of each file, computed by tar without writing any of them, beside the one of its line. */
const ENTRIES = block('cat capture');
/** Age files are opened first. */
const OPEN = block('for f in capture');

function shell(script: string, cwd: string): { stdout: string; status: number | null } {
  const { stdout, status, stderr } = spawnSync('bash', ['-c', script], { cwd, encoding: 'utf8' });
  assert.equal(stderr, '');
  return { stdout, status };
}

const PEERS = ['bash', 'tar', 'zstd', 'sha256sum', 'jq', 'diff'];

describe('by hand', () => {
  const entries = [
    bytesEntry('a', 'one'),
    bytesEntry('[root]/tmp/b c', noise(100_000, 1)),
    'files',
    bytesEntry('[root]/tmp/large', noise(600_000, 2)),
    bytesEntry('empty', ''),
  ] as const;

  test('segments of a bucket: digests as in the log, whole chain, every entry', async (t) => {
    if (!requirePeer(t, ...PEERS)) return;
    const made = await makeCapture({ entries: [...entries], apart: true });
    const { stdout } = shell(DIGESTS, made.folder);
    for (const { sha256, name } of made.segments)
      assert.ok(stdout.includes(`${sha256}  ${name}\n`) && made.log.includes(sha256));
    assert.ok(
      stdout.includes(`${made.manifest.tarball.sha256}  -`) &&
        made.log.includes(made.manifest.tarball.sha256 ?? 'none'),
    );
    assert.equal(shell(CHAIN, made.folder).stdout, `head "${made.manifest.chain.head ?? ''}"\n`);
    assert.deepEqual(shell(ENTRIES, made.folder), { stdout: '', status: 0 });
  });

  test('a joined tarball: SHA256SUMS, and what was tampered with shows', async (t) => {
    if (!requirePeer(t, ...PEERS)) return;
    const made: MadeCapture = await makeCapture({
      entries: [...entries.slice(0, 2), 'files', bytesEntry('empty', '')],
    });
    assert.equal(shell(SUMS, made.folder).status, 0);
    const segments = await takeApart(made.folder);
    putTogether(
      made.folder,
      segments.map((pieces) =>
        pieces.map((piece) =>
          piece.path === 'manifest/0000.jsonl'
            ? partWith(piece, (lines) => lines.map((line) => line.replace('"method":"test"', '"method":"tesT"')))
            : piece,
        ),
      ),
    );
    assert.match(shell(CHAIN, made.folder).stdout, /^BROKEN before parts\/manifest\/0001\.jsonl$/mu);
    assert.equal(shell(ENTRIES, made.folder).status, 0);
    putTogether(
      made.folder,
      segments.map((pieces) => pieces.filter(({ path }) => path !== 'a')),
    );
    assert.match(shell(ENTRIES, made.folder).stdout, /^< [0-9a-f]{64} {2}a$/mu);
    writeFileSync(join(made.folder, 'manifest.json'), '{}');
    assert.notEqual(spawnSync('sha256sum', ['-c', '--status', 'SHA256SUMS'], { cwd: made.folder }).status, 0);
  });

  test('age files are opened first', async (t) => {
    if (!requirePeer(t, ...PEERS, 'age', 'age-keygen')) return;
    const home = freshFolder();
    execFileSync('age-keygen', ['-o', join(home, 'key.txt')], { stdio: 'ignore' });
    const recipient = execFileSync('age-keygen', ['-y', join(home, 'key.txt')], { encoding: 'utf8' }).trim();
    const made = await makeCapture({ entries: [...entries], apart: true, recipient });
    copyFileSync(join(home, 'key.txt'), join(made.folder, 'key.txt'));
    assert.deepEqual(shell(OPEN, made.folder), { stdout: '', status: 0 });
    assert.equal(shell(CHAIN, made.folder).stdout, `head "${made.manifest.chain.head ?? ''}"\n`);
    assert.deepEqual(shell(ENTRIES, made.folder), { stdout: '', status: 0 });
  });
});
