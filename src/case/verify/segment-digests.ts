/** The stored bytes against the digests of manifest.json: of every segment, and of the whole. */
import { many } from '../../many.ts';
import { isUnnamed, markerText } from '../store/marker.ts';
import type { OpenCapture } from '../store/open.ts';
import type { CheckList } from './checks.ts';
import type { PartsRead } from './parts.ts';

export function checkDigests(capture: OpenCapture, checks: CheckList, digests: PartsRead): void {
  let compared = 0;
  for (const [part, { sha256, bytes }] of digests.bySegment) {
    if (part.committed === undefined) continue;
    compared += 1;
    if (bytes !== part.committed.bytes)
      checks.fail(
        'segments',
        `${part.committed.name} has ${many(bytes, 'byte')}, manifest.json says ${part.committed.bytes}`,
      );
    else if (sha256 !== part.committed.sha256)
      checks.fail('segments', `${part.committed.name} is ${sha256}, manifest.json says ${part.committed.sha256}`);
  }
  if (compared > 0)
    checks.ok('segments', `${many(compared, 'segment has', 'segments have')} the digests of manifest.json`);
  else if (capture.manifest === undefined) checks.skip('segments', `${markerText(capture)} to compare with`);
  else checks.skip('segments', isUnnamed(capture) ? 'one file alone was given' : 'no segment is there');
  checkWhole(capture, checks, digests);
}

function checkWhole(capture: OpenCapture, checks: CheckList, digests: PartsRead): void {
  const { manifest } = capture;
  if (manifest === undefined) {
    checks.skip('whole', `${markerText(capture)} to compare with; what is there has ${digests.whole}`);
  } else if (isUnnamed(capture) && (capture.alone || manifest.recipient !== null)) {
    checks.skip('whole', `one file alone was given, which has ${digests.whole}`);
  } else if (!isUnnamed(capture) && capture.parts.length < manifest.segments.length) {
    checks.skip('whole', `not all segments are there; what is there has ${digests.whole}`);
  } else if (digests.unread.length > 0) {
    checks.skip('whole', `not all segments could be read; what was read has ${digests.whole}`);
  } else if (manifest.tarball.sha256 === null) {
    checks.skip(
      'whole',
      'manifest.json has no SHA-256 of the whole ("sha256": null), as at the end of a small sandbox, where ' +
        'there is no ' +
        `time for one: the SHA-256 of each segment stands for it. That of the joined segments is ${digests.whole}`,
    );
  } else if (digests.whole !== manifest.tarball.sha256) {
    checks.fail('whole', `the joined segments are ${digests.whole}, manifest.json says ${manifest.tarball.sha256}`);
  } else checks.ok('whole', digests.whole);
}
