/**
 * A commit marker by somebody who has seen the segments: every digest in it is right, and it names the first ones only.
 */
import { openCapture } from '../../../src/case/store/open.ts';
import { inMemory, type Objects } from '../faults/bucket.ts';
import { digest } from '../faults/judge.ts';
import { storedBytes, tarBytes } from '../../../src/case/tar/segment-bytes.ts';
import { piecesOf } from '../../case/forge.ts';
import { FORMAT } from '../../../src/seal/commit.ts';

export async function forgedMarker(captureId: string, objects: Objects, segments: number): Promise<string> {
  const capture = await openCapture(inMemory('memory:/', objects));
  let tarOffset = 0;
  const named = [];
  const heads: string[] = [];
  for (const part of capture.parts.slice(0, segments)) {
    const pieces: Buffer[] = [];
    for await (const chunk of tarBytes(storedBytes(capture, part), part, undefined)) pieces.push(chunk);
    const tar = Buffer.concat(pieces);
    const head = piecesOf(tar).findLast(({ path }) => path.startsWith('manifest/'));
    const chainHead = head === undefined ? null : digest(head.body);
    if (chainHead !== null) heads.push(chainHead);
    const body = objects.get(part.object) ?? Buffer.alloc(0);
    named.push({
      number: part.number,
      name: part.object,
      bytes: body.length,
      sha256: digest(body),
      tarOffset,
      tarBytes: tar.length,
      tier: 'volatile',
      continues: false,
      chainHead,
      state: 'stored',
    });
    tarOffset += tar.length;
  }
  const joined = Buffer.concat(
    capture.parts.slice(0, segments).map(({ object }) => objects.get(object) ?? Buffer.alloc(0)),
  );
  return JSON.stringify({
    format: FORMAT,
    captureId,
    state: 'whole',
    cause: { trigger: 'flag', reason: 'forged' },
    identity: {},
    tool: {},
    compression: 'zstd',
    recipient: null,
    clocks: { started: new Date().toISOString() },
    segments: named,
    tarball: { sha256: digest(joined), bytes: joined.length, tarBytes: tarOffset },
    chain: { head: heads.at(-1) ?? null, parts: heads.length },
    outcomes: {},
    collectors: {},
    exceptions: [],
    redactions: 0,
    cost: {},
    limits: {},
  });
}
