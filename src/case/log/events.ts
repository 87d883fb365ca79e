/** The events of log streams in a collection. */
import type { AgeIdentity } from '../../seal/age-open.ts';
import { rowsAt } from '../tar/collected-rows.ts';
import type { Place } from '../store/locate.ts';
import type { LeaveOut } from '../store/store.ts';
import type { LogEvent } from '../../contracts/log-event.ts';

/** `logs/GROUP/STREAM-0000.jsonl`; not `streams.jsonl`. */
const STREAM = /(?:^|\/)logs\/.+-\d{4,9}\.jsonl$/u;

/** All events at a place; `leave` as for the rows. @throws AmberError CASE_*, ARCHIVE_CORRUPT, IDENTITY_INVALID. */
export function eventsAt(place: Place, identity: AgeIdentity | undefined, leave?: LeaveOut): AsyncGenerator<LogEvent> {
  return rowsAt(place, identity, { path: STREAM, parse: eventOf }, leave);
}

function eventOf(line: string): LogEvent | undefined {
  if (line === '') return undefined;
  try {
    const { timestamp, logStreamName, message } = JSON.parse(line) as Readonly<Record<string, unknown>>;
    if (typeof timestamp !== 'number' || typeof message !== 'string') return undefined;
    return { timestamp, logStream: typeof logStreamName === 'string' ? logStreamName : '', message };
  } catch {
    return undefined; // a line that is no event: the tarball belongs to its writer
  }
}
