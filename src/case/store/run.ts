/** The segments that one reader can read one after the other, and what keeps it from reading all. */
import { many } from '../../many.ts';
import type { CapturePart, OpenCapture } from './open.ts';
import { surplus } from './surplus.ts';

export interface Run {
  readonly parts: readonly CapturePart[];
  /** What of the capture is not in `parts`, in words; undefined where nothing is known to be missing. */
  readonly problem: string | undefined;
}

/** From the first of `parts` to the first number that is not there. Of one segment alone nobody expects the others. */
export function runOf({ alone, manifestProblem, unexpectedObjects }: OpenCapture, parts: readonly CapturePart[]): Run {
  const problems = manifestProblem === undefined ? [] : [`manifest.json is not usable: ${manifestProblem}`];
  const emptied = new Set(unexpectedObjects.filter(({ bytes }) => bytes === 0).map(({ number }) => number));
  const state = (number: number): string => `segment ${number} is ${emptied.has(number) ? 'empty' : 'not there'}`;
  const begin = parts[0]?.number ?? 0;
  if (begin > 0 && !alone) problems.push(begin === 1 ? state(0) : `segments 0 to ${begin - 1} are not there`);
  const end = parts.findIndex(({ number }, index) => number !== undefined && number !== begin + index);
  if (end >= 0) problems.push(`${state(begin + end)}; what comes behind it is left out (\`amber salvage\` reads it)`);
  return {
    parts: end < 0 ? parts : parts.slice(0, end),
    problem: problems.length === 0 ? undefined : problems.join('; '),
  };
}

const MAX_FOREIGN = 3;

/** What lies there and is not told by a reader of the contents: objects that do not belong, names that do not fit. */
export function besideText(capture: OpenCapture): string | undefined {
  const { unexpectedObjects, misplaced } = capture;
  const longer = surplus(capture);
  const foreign = unexpectedObjects.filter(({ bytes }) => bytes > 0);
  const told = foreign.slice(0, MAX_FOREIGN).map(({ object, why }) => `${object} does not belong: ${why}`);
  const more =
    foreign.length > MAX_FOREIGN
      ? [`${many(foreign.length - MAX_FOREIGN, 'more object does', 'more objects do')} not belong`]
      : [];
  const all = [...misplaced, ...(longer === undefined ? [] : [longer.text]), ...told, ...more];
  return all.length === 0 ? undefined : all.join('; ');
}

/** Parts with another size than manifest.json names: segments that were swapped, cut or changed. */
export function sizesText({ parts }: OpenCapture): string | undefined {
  const other = parts.flatMap(({ object, number, range, bytes, committed }) => {
    if (committed === undefined || committed.bytes === bytes) return [];
    const what = range === undefined ? object : `segment ${number ?? 0} in ${object}`;
    return [`${what} has ${many(bytes, 'byte')}, manifest.json says ${committed.bytes}`];
  });
  const more =
    other.length > MAX_FOREIGN ? [`${many(other.length - MAX_FOREIGN, 'more segment')} of another size`] : [];
  return other.length === 0 ? undefined : [...other.slice(0, MAX_FOREIGN), ...more].join('; ');
}

/** What lies there otherwise than it should, whatever its contents say: names, sizes, kinds of objects, the commit. */
export function placeText(capture: OpenCapture): string | undefined {
  const said = [besideText(capture), sizesText(capture), strangeText(capture), commitText(capture)];
  return said.reduce(joined, undefined);
}

/** Objects that are no bytes of a capture, and have a name of it: empty ones, links, folders, FIFOs. */
function strangeText({ alone, odd, unexpectedObjects }: OpenCapture): string | undefined {
  const told = alone
    ? []
    : [
        ...[...odd].flatMap(([name, kind]) => (name === 'manifest.json' ? [] : [`${name} is not a file: ${kind}`])),
        ...unexpectedObjects.flatMap(({ object, bytes }) => (bytes === 0 ? [`${object} is empty`] : [])),
      ];
  const more = told.length > MAX_FOREIGN ? [`${many(told.length - MAX_FOREIGN, 'more object')} of this kind`] : [];
  return told.length === 0 ? undefined : [...told.slice(0, MAX_FOREIGN), ...more].join('; ');
}

/** Why it is not whole. A file that was named itself is shown as it is. */
function commitText(capture: OpenCapture): string | undefined {
  const { alone, manifest, manifestProblem, location, store } = capture;
  if (alone) return 'one segment alone was given: give the folder for all of them';
  if (manifest !== undefined)
    return manifest.state === 'cut' ? 'manifest.json says that segments were lost' : undefined;
  return manifestProblem === undefined && location === store.location ? 'there is no manifest.json' : undefined;
}

/** Two problems in one sentence. */
export function joined(one: string | undefined, other: string | undefined): string | undefined {
  return one === undefined || other === undefined ? (one ?? other) : `${one}; ${other}`;
}

const MAX_NUMBERS = 100;

/** `1 segment is not there: number 0`. */
export function missingText(numbers: readonly number[]): string {
  const [are, name] = numbers.length === 1 ? ['segment is', 'number'] : ['segments are', 'numbers'];
  return (
    `${numbers.length} ${are} not there: ${name} ` +
    `${numbers.slice(0, MAX_NUMBERS).join(', ')}${numbers.length > MAX_NUMBERS ? ' …' : ''}`
  );
}
