/** A `completeness` in manifest.json that its items do not bear out: what the items say is told. */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { openIdentity } from '../../src/seal/age-open.ts';
import type { CaptureManifest } from '../../src/seal/commit.ts';
import { freshFolder, makeCapture, type MakeOptions } from '../case/captures.ts';
import { IDENTITY } from '../case/checking.ts';
import { readManifest, writeManifest } from '../case/forge.ts';
import { program } from './program.ts';

const COMPLETE = { state: 'complete', outcomes: {}, reasons: [] } as const;
const SKIPPED = {
  state: 'partial',
  outcomes: { denied: 1, skipped: 1 },
  reasons: [{ reason: 'x', count: 2 }],
} as const;

let key = '';
before(() => {
  key = join(freshFolder(), 'key.txt');
  writeFileSync(key, IDENTITY);
});

async function edited(completeness: CaptureManifest['completeness'], options: MakeOptions = {}): Promise<string> {
  const { folder } = await makeCapture(options);
  const manifest = readManifest(folder);
  assert.equal(manifest.completeness?.state, 'partial');
  const forged = { ...manifest, completeness };
  if (options.recipient === undefined) writeManifest(folder, forged);
  else {
    writeFileSync(join(folder, 'manifest.json'), JSON.stringify(forged));
    rmSync(join(folder, 'SHA256SUMS'), { force: true });
  }
  return folder;
}

describe('completeness', () => {
  for (const [name, forged] of Object.entries({ complete: COMPLETE, 'one more skipped': SKIPPED }))
    test(`${name}: verify fails, show and report tell what the items say`, async () => {
      const folder = await edited(forged);
      const { code, out } = await program(['verify', folder]);
      assert.equal(code, 1, out);
      assert.match(
        out,
        /FAILED +outcomes .*\n +- manifest\.json says .*, the lines of the parts say partial: 1 denied$/mu,
      );
      const shown = await program(['show', folder]);
      assert.match(shown.out, /^evidence +partial: 1 denied \(EACCES\); FALSE: manifest\.json says /mu);
    });

  test('without the identity the outcomes beside it contradict it; with it the items do', async () => {
    const folder = await edited(COMPLETE, { apart: true, recipient: openIdentity(IDENTITY).recipients[0]! });
    const [closed, opened] = [await program(['verify', folder]), await program(['verify', folder, '-i', key])];
    assert.deepEqual([closed.code, opened.code], [1, 1]);
    assert.match(closed.out, /manifest\.json says complete, its outcomes say partial: 1 denied/u);
    assert.match(opened.out, /manifest\.json says complete, the lines of the parts say partial: 1 denied/u);
    const listed = await program(['captures', folder]);
    assert.equal(listed.code, 1);
    assert.match(listed.out, / partial: 1 denied /u);
  });

  test('of a sealed capture is not checked without the identity', async () => {
    const { folder } = await makeCapture({ apart: true, recipient: openIdentity(IDENTITY).recipients[0]! });
    const manifest = readManifest(folder);
    const outcomes = { ...manifest.outcomes, denied: 0 };
    writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ ...manifest, completeness: COMPLETE, outcomes }));
    const [closed, opened] = [await program(['verify', folder]), await program(['verify', folder, '-i', key])];
    assert.match(closed.out, /; evidence not checked \(manifest\.json says complete\)$/mu);
    assert.deepEqual([closed.code, opened.code], [0, 1]);
  });

  for (const name of ['completeness', String.raw`\u0063ompleteness`])
    test(`that stands there twice, as ${name}, makes manifest.json none`, async () => {
      const { folder } = await makeCapture();
      const path = join(folder, 'manifest.json');
      const text = JSON.stringify(readManifest(folder));
      writeFileSync(path, `{"${name}":${JSON.stringify(COMPLETE)},${text.slice(1)}`);
      const { code, out } = await program(['verify', folder]);
      assert.equal(code, 1, out);
      assert.match(out, /manifest\.json is not usable: it has "completeness" twice in one object/u);
    });

  test('one that was taken out is counted from the items', async () => {
    const folder = await edited(undefined);
    assert.match((await program(['verify', folder])).out, /evidence partial: 1 denied/u);
  });
});
