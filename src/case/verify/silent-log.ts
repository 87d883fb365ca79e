/** A log that was given and says nothing of a capture: that proves nothing, and is told. */
import type { LogIndex } from '../log/lines.ts';
import { malformedText } from '../log/malformed.ts';

/** Ids of other captures that are told one by one. */
const MAX_TOLD = 10;

/** A log that says nothing of a capture: `not-read`, or read, and it has `no-line` of this capture. */
export interface SilentLog {
  readonly state: 'not-read' | 'no-line';
  /** Why. */
  readonly text: string;
}

/** Of a capture of which it has no line. A rotated log, or one of a later time, has those of others. */
export function silentLog(index: LogIndex): SilentLog {
  const unread = unreadText(index);
  if (unread !== undefined) return { state: 'not-read', text: unread };
  const malformed = index.malformed === 0 ? '' : `; ${malformedText(index.malformed)}`;
  if (index.records === 0 && malformed !== '')
    return { state: 'not-read', text: `not read: there is no whole line of Amber in it${malformed.replace(';', ':')}` };
  const others = index.captures === 0 ? '' : `, only of ${someIds(index)}`;
  return {
    state: 'no-line',
    text: `there is no line of this capture in it${others}; is it the log of this function and time?${malformed}`,
  };
}

export function unreadText({ notRead }: LogIndex): string | undefined {
  return notRead.length === 0 ? undefined : `not read: ${notRead.join('; ')}`;
}

/** An id as JSON has it, since anybody may have written it. */
export const shown = (id: string): string => JSON.stringify(id).slice(1, -1);

function someIds(index: LogIndex): string {
  const ids: string[] = [];
  for (const id of index.ids()) if (ids.push(shown(id)) === MAX_TOLD) break;
  const more = index.captures - ids.length;
  return `${ids.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
