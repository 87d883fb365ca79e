/** Somebody with the uid of the function writes lines into its log: he can add what he likes, and take nothing back. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decodeLogEvidence } from '../../../src/case/log/evidence.ts';
import { openLocal } from '../../../src/case/store/open.ts';
import { readLogDigests } from '../../../src/case/log/lines.ts';
import { verifyCapture, type VerifyResult } from '../../../src/case/verify/verify.ts';
import { writeLogEvidence } from '../../../src/ship/log.ts';
import { bytesEntry, CAPTURE_ID, makeCapture, type MadeCapture } from '../../case/captures.ts';
import { one, readManifest, writeManifest } from '../../case/forge.ts';
import { failed } from './watched.ts';

async function verify(made: MadeCapture, log: string): Promise<VerifyResult & { findings: string }> {
  const result = await verifyCapture(await openLocal(made.folder), {
    log: (captureId) => readLogDigests(one(Buffer.from(log)), captureId),
  });
  return { ...result, findings: result.checks.flatMap((check) => check.findings).join('\n') };
}

const forged = (line: Readonly<Record<string, unknown>>): string =>
  `${JSON.stringify({ amber: 'segment', capture: CAPTURE_ID, state: 'stored', chain: null, ...line })}\n`;
const DIGEST = 'f'.repeat(64);

describe('forged lines in the log', () => {
  for (const when of ['before', 'behind'] as const) {
    test(`another digest of a segment, ${when} ours: verify tells that there are two`, async () => {
      const made = await makeCapture();
      const line = forged({ segment: 1, sha256: DIGEST });
      const result = await verify(made, when === 'before' ? line + made.log : made.log + line);
      assert.equal(result.verdict, 'failed');
      assert.deepEqual(failed(result), ['log']);
      assert.match(result.findings, /2 different digests for segment 1: somebody has tampered/u);
    });
  }

  test('another digest of manifest.json: verify tells that there are two', async () => {
    const made = await makeCapture();
    const line = `${JSON.stringify({ amber: 'capture', capture: CAPTURE_ID, state: 'whole', manifest: DIGEST })}\n`;
    const result = await verify(made, made.log + line);
    assert.match(result.findings, /2 different digests for manifest\.json/u);
  });

  test('a segment that never was: verify misses it', async () => {
    const made = await makeCapture();
    const result = await verify(made, made.log + forged({ segment: 99, sha256: DIGEST }));
    assert.match(
      result.findings,
      /segment 99 \(no name, SHA-256 f{64}\) is named in the log, not stored: removed, or never there/u,
    );
  });

  test('lines of other captures change nothing', async () => {
    const made = await makeCapture();
    const noise = Array.from({ length: 100 }, (_, index) =>
      forged({ capture: `0197c0de-0000-7000-8000-${String(index).padStart(12, '0')}`, segment: 0, sha256: DIGEST }),
    ).join('');
    assert.equal((await verify(made, noise + made.log + noise)).verdict, 'verified');
  });

  test('half a line and text around ours change nothing', async () => {
    const made = await makeCapture();
    const lines = made.log
      .split('\n')
      .map((line) => `2025-06-30T09:16:41.000Z\tid\tINFO\t{"amber":"segment","capture":"\u001b[2K${line}`)
      .join('\n');
    assert.equal((await verify(made, lines)).verdict, 'verified');
  });

  test('a second summary of a failed capture stands beside ours, it does not replace it', async () => {
    const lines: string[] = [];
    await writeLogEvidence({ captureId: CAPTURE_ID, summary: { processes: ['what was there'] } }, (line) =>
      lines.push(line),
    );
    await writeLogEvidence({ captureId: CAPTURE_ID, summary: { processes: ['nothing of note'] } }, (line) =>
      lines.push(line),
    );
    const decoded = decodeLogEvidence(lines);
    assert.deepEqual(
      decoded.map(({ captureId, summary }) => [captureId, summary]),
      [
        [CAPTURE_ID, { processes: ['what was there'] }],
        [CAPTURE_ID, { processes: ['nothing of note'] }],
      ],
    );
  });
});

describe('a capture that was made up', () => {
  test('with log lines to match it verifies: digests prove that nothing changed since, not who made it, and verify says so', async () => {
    const made = await makeCapture({ entries: [bytesEntry('live_response/processes.json', '{"processes":[]}')] });
    const result = await verify(made, made.log);
    assert.equal(result.verdict, 'verified');
    const sender = result.checks.find(({ name }) => name === 'sender');
    assert.equal(sender?.state, 'not-checked');
    assert.match(sender.detail, /not signed/u);
  });

  test('in place of ours, the log tells: whoever swaps all objects cannot take our lines back', async () => {
    const ours = await makeCapture();
    const theirs = await makeCapture({ entries: [bytesEntry('live_response/processes.json', '{"processes":[]}')] });
    const result = await verify(theirs, ours.log + theirs.log);
    assert.equal(result.verdict, 'failed');
    assert.match(result.findings, /different digests for segment 0/u);
  });

  test('with a manifest.json that was changed, the log tells', async () => {
    const made = await makeCapture();
    writeManifest(made.folder, { ...readManifest(made.folder), cause: { trigger: 'flag', reason: 'nothing of note' } });
    const result = await verify(made, made.log);
    assert.deepEqual(failed(result), ['log']);
    assert.match(result.findings, /manifest\.json is [0-9a-f]{64}, the log says/u);
  });
});
