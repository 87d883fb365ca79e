/** `amber timeline`: what captures and collections tell, in the order in which it happened. */
import type { FileHandle } from 'node:fs/promises';
import { asciiJson } from '../case/view/ascii.ts';
import type { Timeline, TimelineShare, TimelineWindow } from '../case/timeline/timeline.ts';
import type { TimelineRow } from '../case/timeline/event.ts';
import { demandSafeLines } from '../case/view/safe-names.ts';
import type { OpenCapture } from '../case/store/open.ts';
import type { LeaveOut } from '../case/store/store.ts';
import { AmberError, isAmberError } from '../errors.ts';
import type { AgeIdentity } from '../seal/age-open.ts';
import { WINDOW_OPTIONS, windowOption } from './aws-options.ts';
import { identityOption, IDENTITY_OPTION, S3_OPTIONS, s3Options, textOption, type Command } from './command.ts';
import { LEFT_OUT, leftOutLines } from './left-out.ts';
import { captureLocation } from './location.ts';
import type { Output } from './output.ts';
import type { Values } from './option-values.ts';
import { many } from '../many.ts';

export const timeline: Command = {
  name: 'timeline',
  summary: 'Merges captures and collections of a case into one timeline.',
  usage: 'LOCATION [ID] [--since TIME] [--until TIME] [--source NAMES] [--jsonl | --csv] [--to FILE]',
  details: `
Reads every capture and collection at LOCATION or below it, and writes one line an event, in the order of time (UTC):
begin and end of captures, starts of processes, times of files, findings, events of the black box, log events,
CloudTrail, GuardDuty, and what was made or changed in the control plane. --jsonl and --csv have the columns that
Timesketch imports; --json is one document with the events and a summary. Clocks are not set against each other: a
sandbox may be off (capture.json tells by how much).
What the sandbox tells of itself, file times above all, is what an intruder let it tell.
It is sorted in files in the folder for temporary files (TMPDIR), which takes as much room as the timeline as JSON
lines; memory stays the same, whatever the number of events. A message is cut after 8192 characters, another column
after 2048.
${LEFT_OUT}
Exit code 0: all was read. 1: a capture is cut, damaged or sealed. 3: one or a folder could not be read.
Needs s3:ListBucket and s3:GetObject.

  amber timeline ./case --since 2025-06-30T09:00Z --source logs,cloudtrail,findings
  amber timeline ./case --jsonl --to case.jsonl`,
  options: {
    source: {
      type: 'string',
      value: 'NAMES',
      description:
        'Only these, separated by commas: capture, processes, files, findings, recorded, logs, cloudtrail, ' +
        'guardduty, control-plane.',
    },
    jsonl: { type: 'boolean', description: 'JSON lines for Timesketch.' },
    csv: { type: 'boolean', description: 'CSV for Timesketch; a cell that would be a formula gets an apostrophe.' },
    to: { type: 'string', value: 'FILE', description: 'Write the events there; the file must not exist.' },
    ...WINDOW_OPTIONS,
    ...IDENTITY_OPTION,
    ...S3_OPTIONS,
  },
  run: async (invocation) => {
    const { values, out } = invocation;
    const location = captureLocation(invocation);
    const form = formOf(values);
    const window = await windowOf(values);
    const to = textOption(values, 'to');
    const { demandFree } = await import('../case/store/target.ts');
    if (to !== undefined) demandFree(to);
    const identity = await identityOption(values);
    const { Timeline } = await import('../case/timeline/timeline.ts');
    const { openAll, openPlace } = await import('../case/store/locate.ts');
    const place = await openPlace(location, s3Options(values));
    const made = new Timeline(window);
    const { leave, unread, notFollowed } = leftOutLines(out);
    const shares: TimelineShare[] = [];
    const meter = out.meter('reading');
    try {
      for await (const capture of openAll(place, { leave })) {
        const share = await shareOf(made, capture, { identity, leave, onProgress: meter.update });
        if (share !== undefined) shares.push(share);
      }
      meter.end();
      if (shares.length + unread.length === 0)
        throw new AmberError('CASE_MISSING', `There is no capture in ${place.store.location} or below it.`);
      await tell(made, shares, { form, to, out, unread, notFollowed });
    } finally {
      meter.end();
      made.close();
      place.close();
    }
    if (shares.some(({ problem }) => problem !== undefined)) return 1;
    return unread.length > 0 ? 3 : 0;
  },
};

interface Adding {
  readonly identity: AgeIdentity | undefined;
  readonly leave: LeaveOut;
  readonly onProgress: (done: number, total: number) => void;
}

/** One that cannot be read keeps no other from the timeline. */
async function shareOf(
  made: Timeline,
  capture: OpenCapture,
  { identity, leave, onProgress }: Adding,
): Promise<TimelineShare | undefined> {
  try {
    return await made.add(capture, identity, onProgress);
  } catch (cause) {
    if (!isAmberError(cause) || !cause.code.startsWith('CASE_')) throw cause;
    leave({ path: capture.location, kind: 'unread', why: `${cause.code}: ${cause.message}` });
    return undefined;
  }
}

type Form = 'text' | 'jsonl' | 'csv' | 'json';

function formOf(values: Values): Form {
  const forms = (['jsonl', 'csv'] as const).filter((name) => values[name] === true);
  if (forms.length > 1) throw new AmberError('USAGE', 'Give --jsonl or --csv, not both.');
  const to = textOption(values, 'to');
  if (values['json'] === true && to === undefined && forms.length > 0)
    throw new AmberError(
      'USAGE',
      `--json has the events in its document; for ${forms[0] ?? ''} beside it name a file with --to.`,
    );
  return forms[0] ?? (values['json'] === true ? (to === undefined ? 'json' : 'jsonl') : 'text');
}

async function windowOf(values: Values): Promise<TimelineWindow> {
  const { SOURCE_NAMES } = await import('../case/timeline/sources.ts');
  const asked = textOption(values, 'source');
  const sources = new Set(asked?.split(',').map((name) => name.trim()) ?? SOURCE_NAMES);
  const unknown = [...sources].find((name) => !SOURCE_NAMES.includes(name));
  if (unknown !== undefined)
    throw new AmberError(
      'USAGE',
      `--source has ${JSON.stringify(unknown)}; expected names out of ${SOURCE_NAMES.join(', ')}, for example ` +
        '--source logs,cloudtrail.',
    );
  const { sinceMs, untilMs } = windowOption(values);
  return {
    sources,
    since: sinceMs === undefined ? -Infinity : sinceMs * 1000,
    until: untilMs === undefined ? Infinity : untilMs * 1000,
  };
}

interface Telling {
  readonly form: Form;
  readonly to: string | undefined;
  readonly out: Output;
  readonly unread: readonly string[];
  readonly notFollowed: readonly string[];
}

async function tell(
  made: Timeline,
  shares: readonly TimelineShare[],
  { form, to, out, ...left }: Telling,
): Promise<void> {
  const told = (): object => ({ ...summary(made, shares), ...left });
  if (to !== undefined) {
    const { fillFile } = await import('../case/store/target.ts');
    await fillFile(to, (file) => events(made, form, { write: (text) => written(file, text), isUnread: () => false }));
    out.json({ file: to, ...told() });
  } else if (form === 'json') {
    await out.write('{"events":[\n');
    await events(made, form, out);
    await out.write(`],\n${asciiJson(told()).slice(1)}\n`);
  } else await events(made, form, out);
  const total = Object.values(made.counts).reduce((sum, count) => sum + count, 0);
  if (!out.wantsJson)
    out.note(
      `${to === undefined ? '' : `${to}: `}${many(total, 'event')} of ${many(shares.length, 'capture')}${
        total === 0
          ? ''
          : ` (${Object.entries(made.counts)
              .map(([name, count]) => `${count} ${name}`)
              .join(', ')})`
      }`,
    );
  for (const { location, problem, unusable } of out.wantsJson ? [] : shares) {
    if (problem !== undefined) out.note(`PROBLEM: ${location}: ${problem}`);
    if (unusable > 0)
      out.note(
        `${location}: ${many(unusable, 'row has', 'rows have')} no time that can be used, and ` +
          `${unusable === 1 ? 'is' : 'are'} left out`,
      );
  }
}

function summary(made: Timeline, shares: readonly TimelineShare[]): object {
  return { sources: made.counts, captures: shares };
}

async function written(file: FileHandle, text: string): Promise<void> {
  demandSafeLines(text);
  await file.writeFile(text);
}

/** Where the events go, and whether anybody is there to read them. */
type Sink = Pick<Output, 'write' | 'isUnread'>;

const PIECE = 64 * 1024;

/** All events in one of the forms, in pieces that are waited for. */
async function events(made: Timeline, form: Form, { write, isUnread }: Sink): Promise<void> {
  const { csvHead, csvLine, textLine } = await import('../case/timeline/text.ts');
  let piece = form === 'csv' ? `${csvHead()}\n` : '';
  let first = true;
  for (const { json } of made.rows()) {
    if (isUnread()) return;
    if (form === 'jsonl') piece += `${json}\n`;
    else if (form === 'json') piece += first ? `${json}\n` : `,${json}\n`;
    else piece += `${(form === 'csv' ? csvLine : textLine)(JSON.parse(json) as TimelineRow)}\n`;
    first = false;
    if (piece.length < PIECE) continue;
    await write(piece);
    piece = '';
  }
  await write(piece);
}
