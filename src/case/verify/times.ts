/**
 * What the times tell at which a store took the objects (S3's LastModified): nothing of a capture is newer than its
 * commit.
 */
import type { CheckList } from './checks.ts';
import { byLog, lateText, type GivenLog } from './given-log.ts';
import { markerText } from '../store/marker.ts';
import type { OpenCapture } from '../store/open.ts';
import type { Digests } from './outside.ts';

/** Longest life of an invocation, and so of a capture (Lambda quotas: 900 s), milliseconds. */
const LONGEST_MS = 900_000;
/** Clocks of the sandbox and of the store, and whole seconds of LastModified. */
const SLACK_MS = 60_000;
const MAX_TOLD = 10;

/**
 * An object that was put over has other bytes; one of the same bytes may have been copied in place, which is said
 * alone.
 */
export function checkTimes(capture: OpenCapture, checks: CheckList, digests: Digests, given: GivenLog): void {
  const times = new Map(
    capture.objects.flatMap(({ name, modified }) => (modified === undefined ? [] : [[name, modified] as const])),
  );
  const marker = times.get('manifest.json');
  const { manifest } = capture;
  if (times.size === 0) return;
  if (marker === undefined || manifest === undefined) {
    checks.skip('times', `${markerText(capture)} to compare the times of the segments with`);
    return;
  }
  const same: string[] = [];
  for (const [{ object, committed, range }, { sha256 }] of digests.bySegment) {
    const modified = times.get(object);
    // One that is called lost was acknowledged later, in order.
    if (
      range !== undefined ||
      committed === undefined ||
      committed.state === 'lost' ||
      modified === undefined ||
      modified <= marker
    )
      continue;
    const told = `${object} was stored at ${modified}, after manifest.json (${marker})`;
    if (sha256 === committed.sha256) same.push(told);
    else checks.fail('times', `${told}, and has other bytes: it was put over`);
  }
  for (const { object } of capture.unexpectedObjects) {
    const modified = times.get(object);
    if (modified !== undefined && modified > marker)
      checks.fail(
        'times',
        `${JSON.stringify(object)} was stored at ${modified}, after manifest.json (${marker}): it was added`,
      );
  }
  const rewritten = lateMarker(capture, marker, given);
  const said = [
    ...(rewritten === undefined ? [] : [rewritten]),
    ...same.slice(0, MAX_TOLD).map((told) => `${told}, with the bytes that it names: a copy in place?`),
  ];
  if (same.length > MAX_TOLD) said.push(`and ${same.length - MAX_TOLD} more`);
  if (said.length > 0) checks.skip('times', said.join('; '));
  else checks.ok('times', `nothing was stored after manifest.json (${marker})`);
}

/**
 * A capture that was copied, and one that was parked, come later as well: the log tells, so this is no failure by
 * itself.
 */
function lateMarker(
  { manifest, manifestSha256, objects }: OpenCapture,
  marker: string,
  given: GivenLog,
): string | undefined {
  if (manifest === undefined || objects.some(({ name }) => name === 'parked.json')) return undefined;
  const { ended, destinationOffsetSeconds: offset } = manifest.clocks;
  const endedMs = Date.parse(ended) + (typeof offset === 'number' ? offset * 1000 : 0);
  const budgetMs = Math.max(LONGEST_MS, manifest.limits['maxMs'] ?? 0);
  if (!(Date.parse(marker) > endedMs + budgetMs + SLACK_MS)) return undefined;
  const which = byLog(given, { advice: '--log FILE tells', said: (log) => lateText(manifestSha256, log) });
  return (
    `manifest.json was stored at ${marker}, and the capture ended at ${ended}: it was rewritten, or all of it was ` +
    `copied here (${which})`
  );
}
