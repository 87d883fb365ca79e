/** What a log that was given says of a capture. To give one is advised only where none was given. */
import { many } from '../../many.ts';
import type { LogDigests, LogIndex } from '../log/lines.ts';

/** An intruder may have written the line, so nobody knows that the object was ever there. */
export const ABSENT = 'is named in the log, not stored: removed, or never there';

export interface GivenLog {
  /** Undefined where no log was given. */
  readonly index: LogIndex | undefined;
  /** Its lines of this capture; undefined where it has none. */
  readonly log: LogDigests | undefined;
}

interface Sentences {
  /** Where no log was given. */
  readonly advice: string;
  /** Where it has lines of the capture. */
  readonly said: (log: LogDigests) => string;
}

export function byLog({ index, log }: GivenLog, { advice, said }: Sentences): string {
  if (log !== undefined) return said(log);
  if (index === undefined) return advice;
  return index.notRead.length > 0
    ? 'the log that was given could not all be read, and what was read has no line of this capture'
    : 'the log that was given has no line of this capture';
}

/** Of manifest.json that is not there. */
export function uncommittedText({ committed, states, ends }: LogDigests): string {
  if (committed.size > 0 || states.has('whole')) return 'the log says that it was stored';
  return ends.size === 0
    ? 'the log has no last line of the capture'
    : `the log calls the capture ${[...states].join(' and ')}, and has no digest of a manifest.json that was stored`;
}

/** Of manifest.json that was stored late. */
export function lateText(manifestSha256: string | undefined, { manifest }: LogDigests): string {
  if (manifest.size === 0) return 'the log has no digest of it';
  return manifestSha256 !== undefined && manifest.has(manifestSha256)
    ? 'the log has its digest, so it was copied'
    : 'the log has another digest, so it was rewritten';
}

/** Which digests of a capture are those of the log. */
interface Held {
  readonly anchored: number;
  readonly marker: 'none' | 'same' | 'unsaid';
  readonly whole: boolean;
}

/** Undefined where no digest of the capture is the one of the log. */
export function heldText({ anchored, marker, whole }: Held): string | undefined {
  if (anchored === 0 && marker === 'same') return 'manifest.json has the digest that the log holds';
  if (anchored === 0 && whole) return 'the whole has the digest that the log holds';
  if (anchored === 0) return undefined;
  return (
    `${many(anchored, 'segment has', 'segments have')} the digest that the log holds` +
    { none: '', same: ', and so has manifest.json', unsaid: '; it has no digest of manifest.json' }[marker]
  );
}
