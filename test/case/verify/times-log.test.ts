/** A manifest.json that was stored late: what the log that was given says of it, and the advice where none was. */
import { match } from 'node:assert/strict';
import { test } from 'node:test';
import { openLocal, type OpenCapture } from '../../../src/case/store/open.ts';
import { verifyCapture, type VerifyOptions } from '../../../src/case/verify/verify.ts';
import { makeCapture } from '../captures.ts';
import { withLog } from '../checking.ts';
import { sha256 } from '../forge.ts';

/** As a bucket tells its times: manifest.json came half a year after the capture. */
async function late(folder: string): Promise<OpenCapture> {
  const capture = await openLocal(folder);
  const objects = capture.objects.map((object) => ({
    ...object,
    modified: object.name === 'manifest.json' ? '2026-01-01T00:00:00.000Z' : '2025-06-30T09:16:41.000Z',
  }));
  return { ...capture, objects };
}

test('a late manifest.json: the log has its digest, another one, none, or was not given', async () => {
  const { folder, log, manifest } = await makeCapture({ apart: true });
  const told = async (options: VerifyOptions): Promise<string> =>
    (await verifyCapture(await late(folder), options)).checks.find(({ name }) => name === 'times')?.detail ?? '';
  const digest = /"manifest":"[0-9a-f]{64}"/u;
  const other = manifest.captureId.replace(/aa$/u, 'cc');
  for (const [options, expected] of [
    [{}, /copied here \(--log FILE tells\)$/u],
    [withLog(log), /copied here \(the log has its digest, so it was copied\)$/u],
    [
      withLog(log.replace(digest, `"manifest":"${sha256('x')}"`)),
      /\(the log has another digest, so it was rewritten\)$/u,
    ],
    [withLog(log.replace(digest, '"x":1')), /\(the log has no digest of it\)$/u],
    [
      withLog(log.replaceAll(manifest.captureId, other).replaceAll(/[0-9a-f]{64}/gu, sha256('y'))),
      /\(the log that was given has no line of this capture\)$/u,
    ],
  ] as const)
    match(await told(options), expected);
});
