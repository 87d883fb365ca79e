/** `amber captures`: what lies below a destination. */
import { renderText } from '../case/view/safe-names.ts';
import type { CaptureSummary } from '../case/store/list.ts';
import { missingText } from '../case/store/run.ts';
import { size } from '../case/view/size.ts';
import { onePositional, S3_OPTIONS, s3Options, TWO_WORDS, type Command } from './command.ts';
import { LEFT_OUT, leftOutLines } from './left-out.ts';
import { table, type Output } from './output.ts';
import { many } from '../many.ts';

export const captures: Command = {
  name: 'captures',
  summary: 'Lists the captures below a destination.',
  usage: 'LOCATION',
  details: `
One line a capture, oldest first: when, the state of its commit, which function, what started it, its size, how complete
its evidence is, how many items could not be collected, and the beginning of
its id that other commands take in its place (\`amber show LOCATION ID\`).
${TWO_WORDS}
The state is what a listing tells, by names and sizes alone; digests are for \`amber verify\`. A capture with other
names or sizes than manifest.json has is \`not as committed\`. One of which segments were removed is \`not all there\`.
${LEFT_OUT}
Exit code 0: all of them are whole. 1: one is cut, not all there, or not as committed. 3: there is no capture, or one or
a folder could not be read. Needs s3:ListBucket, and s3:GetObject for manifest.json.

  amber captures s3://evidence-bucket/amber
  amber captures .amber/demo/evidence --json`,
  options: S3_OPTIONS,
  run: async (invocation) => {
    const { values, out } = invocation;
    const { openPlace } = await import('../case/store/locate.ts');
    const { apartText } = await import('../case/store/completeness.ts');
    const { listCaptures } = await import('../case/store/list.ts');
    const { leave, unread, notFollowed } = leftOutLines(out);
    const place = await openPlace(onePositional(invocation, 'LOCATION'), s3Options(values));
    try {
      const found = [];
      // Who names a file asks for its capture, not for those in folders beside it.
      for await (const capture of listCaptures(place.store, leave))
        if (place.only === undefined || capture.location === place.store.location) found.push(capture);
      found.sort((one, other) => ((one.started ?? '') < (other.started ?? '') ? -1 : 1));
      out.json({ location: place.store.location, captures: found, unread, notFollowed });
      if (found.length === 0)
        out.note(
          `There is no capture ${unread.length === 0 ? '' : 'in what could be read '}below ${place.store.location}`,
        );
      const ids = shortIds(found.flatMap(({ captureId }) => captureId ?? []));
      const rows = found.map((capture) => [
        (capture.started ?? 'unknown time').replace('T', ' ').replace(/\.\d+Z$/u, 'Z'),
        capture.state + (capture.sealed ? ', sealed' : '') + (capture.endedEarly === undefined ? '' : ', ended early'),
        renderText(capture.functionName ?? '?'),
        renderText(capture.trigger ?? '?'),
        sizeOf(capture),
        renderText(capture.completeness ?? 'not known', 100),
        capture.apart === undefined ? 'not known' : renderText(apartText(capture.apart), 100) || 'none',
        renderText(capture.location),
        ids.get(capture.captureId ?? '') ?? '?',
      ]);
      if (rows.length > 0)
        for (const line of table([
          ['STARTED', 'STATE', 'FUNCTION', 'TRIGGER', 'SIZE', 'EVIDENCE', 'NO SHORTFALL', 'LOCATION', 'ID'],
          ...rows,
        ]))
          out.line(line);
      tellProblems(found, out);
      for (const [id, copies] of Map.groupBy(found, ({ captureId }) => captureId)) {
        if (id !== undefined && copies.length > 1)
          out.note(
            `Capture ${renderText(id)} is there ${many(copies.length, 'time')}: ${copies
              .slice(0, MAX_NUMBERS)
              .map(({ location }) => renderText(location))
              .join(' ')} (\`amber verify --all\` compares them)`,
          );
      }
      return exitOf(found, unread.length);
    } finally {
      place.close();
    }
  },
};

/** As everywhere: 1 for a problem that was found, 3 for what could not be read, or is not there at all. */
function exitOf(found: readonly CaptureSummary[], unread: number): number {
  if (found.some(({ state }) => state !== 'whole' && state !== 'unreadable')) return 1;
  return unread > 0 || found.length === 0 || found.some(({ state }) => state === 'unreadable') ? 3 : 0;
}

function tellProblems(found: readonly CaptureSummary[], out: Output): void {
  for (const { location, state, removed, segments, problems } of found) {
    const gone = removed.length === 0 ? [] : [`${missingText(removed)}, of ${segments} that manifest.json names`];
    for (const problem of [...gone, ...problems])
      out.note(`${state === 'unreadable' ? 'NOT READ' : 'PROBLEM'}: ${renderText(location)}: ${problem}`);
  }
}

/** What is there, of how many; without manifest.json nobody knows how many there were. */
function sizeOf({ bytes, segments, missing, completeness }: CaptureSummary): string {
  if (missing.length === 0) return `${size(bytes)} in ${segments}`;
  const count = completeness === undefined ? String(segments) : `${segments - missing.length} of ${segments}`;
  return (
    `${size(bytes)} in ${count}, without ` +
    `${missing.slice(0, MAX_NUMBERS).join(', ')}${missing.length > MAX_NUMBERS ? ' …' : ''}`
  );
}

const MAX_NUMBERS = 10;
const MIN_ID = 8;

/** The shortest beginning of each id that no other one has. */
function shortIds(ids: readonly string[]): ReadonlyMap<string, string> {
  const sorted = [...new Set(ids)].sort();
  return new Map(
    sorted.map((id, index) => {
      const shared = Math.max(sharedLength(id, sorted[index - 1] ?? ''), sharedLength(id, sorted[index + 1] ?? ''));
      return [id, renderText(id.slice(0, Math.max(MIN_ID, shared + 1)))];
    }),
  );
}

function sharedLength(one: string, other: string): number {
  let length = 0;
  while (length < one.length && one[length] === other[length]) length += 1;
  return length;
}
