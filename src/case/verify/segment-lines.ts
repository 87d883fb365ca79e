/** The one line that the log has of a segment, beside its digest: size and state against what is stored. */
import type { LogDigests } from '../log/lines.ts';
import { saidIn } from '../log/statement.ts';
import type { OpenCapture } from '../store/open.ts';
import { list, type Digests } from './outside.ts';
import { many } from '../../many.ts';

/**
 * A segment whose answer was lost is `lost` in its line, and may be stored all the same: manifest.json says lost then,
 * too. One that was acknowledged behind the commit is `lost` in manifest.json alone.
 *
 * @returns segments that the log calls lost and that are there, in words; empty where there are none.
 */
export function compareLines(
  { manifest, parts }: OpenCapture,
  { bySegment }: Digests,
  { segments }: LogDigests,
  fail: (text: string) => void,
): string {
  const found = new Map([...bySegment].map(([{ number }, { bytes }]) => [number, bytes]));
  const committed = new Map(manifest?.segments.map((segment) => [segment.number, segment]));
  const stored = new Set(parts.map(({ number }) => number));
  const late: number[] = [];
  for (const [number, { says }] of segments) {
    const [line, ...others] = says;
    // Two lines are two findings already, and neither of them is believed.
    if (line === undefined || others.length > 0) continue;
    const [state, bytes] = [saidIn('segment', line, 'state'), saidIn('segment', line, 'bytes')];
    const named = committed.get(number);
    const sizes = [
      ['', found.get(number)],
      [' in manifest.json', named?.bytes],
    ] as const;
    const wrong = sizes.find(([, size]) => bytes !== '' && size !== undefined && String(size) !== bytes);
    if (wrong !== undefined)
      fail(`segment ${number} has ${many(wrong[1] ?? 0, 'byte')}${wrong[0]}, the log says ${bytes}`);
    if (state !== 'lost') continue;
    if (named !== undefined && named.state !== 'lost')
      fail(`the log says that segment ${number} was lost, manifest.json says that it was stored (${named.state})`);
    else if (stored.has(number)) late.push(number);
  }
  return late.length === 0
    ? ''
    : `${late.length === 1 ? 'segment' : 'segments'} ${list(late)}, which the log calls lost, ` +
        `${late.length === 1 ? 'is' : 'are'} there: no answer of the destination had come`;
}
