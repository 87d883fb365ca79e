/**
 * Segments under other names than their own, and segments that manifest.json hides: by whoever writes into the bucket.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { openLocal } from '../../../src/case/store/open.ts';
import { pull } from '../../../src/case/store/pull.ts';
import { salvage } from '../../../src/case/salvage/salvage.ts';
import type { SalvageRecord } from '../../../src/case/salvage/contents.ts';
import { verifyCapture, type VerifyResult } from '../../../src/case/verify/verify.ts';
import type { CaptureManifest } from '../../../src/seal/commit.ts';
import { freshFolder, makeCapture, type MadeCapture } from '../captures.ts';

const OWN = 'capture-0001.tar.zst';
const OTHER = 'capture-0001-0123abcd.tar.zst';

/** A capture as in a bucket, of which segment 1 was stored under another name; `squat` stands under its own. */
async function renamed(squat?: Uint8Array): Promise<MadeCapture> {
  const made = await makeCapture({ apart: true });
  renameSync(join(made.folder, OWN), join(made.folder, OTHER));
  if (squat !== undefined) writeFileSync(join(made.folder, OWN), squat);
  const manifest: CaptureManifest = {
    ...made.manifest,
    segments: made.manifest.segments.map((segment) => ({
      ...segment,
      name: segment.number === 1 ? OTHER : segment.name,
    })),
  };
  writeFileSync(join(made.folder, 'manifest.json'), `${JSON.stringify(manifest)}\n`);
  return made;
}

async function findings(folder: string): Promise<VerifyResult & { findings: string }> {
  const result = await verifyCapture(await openLocal(folder));
  return { ...result, findings: result.checks.flatMap((check) => check.findings).join('\n') };
}

async function wholeEntries(folder: string): Promise<string[]> {
  const records: SalvageRecord[] = [];
  await salvage(await openLocal(folder), { onRecord: (record) => records.push(record) });
  return records
    .filter(({ state }) => state === 'whole')
    .map(({ path }) => path)
    .sort();
}

describe('a segment under another name', () => {
  test('verifies, by the name in manifest.json', async () => {
    const { folder } = await renamed();
    const result = await findings(folder);
    assert.equal(result.verdict, 'verified', result.findings);
  });

  test('is taken without manifest.json as well, and what stands under its own name is told', async () => {
    const { folder } = await renamed(Buffer.from('junk'));
    const all = await wholeEntries((await makeCapture({ apart: true })).folder);
    rmSync(join(folder, 'manifest.json'));
    const capture = await openLocal(folder);
    assert.deepEqual([capture.missing, capture.unexpectedObjects.map(({ object }) => object)], [[], [OWN]]);
    assert.match(
      (await findings(folder)).findings,
      /"capture-0001\.tar\.zst" does not belong: segment 1 is there twice/u,
    );
    assert.deepEqual(await wholeEntries(folder), all);
  });

  test('is joined by pull, and the other one is brought home beside it', async () => {
    const { folder } = await renamed(Buffer.from('junk'));
    const target = join(freshFolder(), 'pulled');
    const result = await pull(await openLocal(folder), target);
    assert.match(result.problems.join(), /capture-0001\.tar\.zst does not belong/u);
    assert.equal(readFileSync(join(target, OWN), 'utf8'), 'junk');
    assert.ok(existsSync(join(target, 'capture.tar.zst')));
  });
});

describe('a manifest.json that names the first segments only', () => {
  test('hides nothing from verify, salvage and pull', async () => {
    const made = await makeCapture({ apart: true });
    const all = await wholeEntries(made.folder);
    const forged: CaptureManifest = { ...made.manifest, segments: made.manifest.segments.slice(0, 1) };
    writeFileSync(join(made.folder, 'manifest.json'), JSON.stringify(forged));
    const hidden = made.manifest.segments.slice(1).map(({ name }) => name);
    const result = await findings(made.folder);
    assert.equal(result.verdict, 'failed');
    assert.ok(hidden.every((name) => result.findings.includes(name)));
    assert.deepEqual(await wholeEntries(made.folder), all);
    const target = join(freshFolder(), 'pulled');
    await pull(await openLocal(made.folder), target);
    assert.ok(hidden.every((name) => existsSync(join(target, name))));
  });
});
