/** How many captures a case has, and how many of them are verified: `amber verify --all` and `amber report` say it. */
import type { Absent } from '../case/log/absent.ts';
import type { LogIndex } from '../case/log/lines.ts';
import { byCapture, copiesAmong, countVerified } from '../case/verify/copies.ts';
import type { VerifyResult } from '../case/verify/verify.ts';
import { many } from '../many.ts';

export interface CaseCount {
  /** Captures that were judged; copies of one count once. */
  readonly judged: number;
  readonly verified: number;
  /** Those of which two copies cannot both be it. */
  readonly contradictory: number;
  /** Captures that only the log names: not stored, and not found in what could be read. */
  readonly gone: number;
  readonly notFound: number;
  /** All of them, with what could not be read. */
  readonly all: number;
}

interface Counted {
  readonly results: readonly VerifyResult[];
  readonly absent: Absent | undefined;
  /** Captures and folders that could not be read. */
  readonly unread: number;
}

export function countCase({ results, absent, unread }: Counted): CaseCount {
  const captures = byCapture(results);
  const missing = absent?.captures ?? [];
  const gone = missing.filter(({ state }) => state === 'not-stored').length;
  const notFound = missing.length - gone;
  return {
    judged: captures.length,
    verified: countVerified(results),
    contradictory: copiesAmong(results).filter(({ contradictory }) => contradictory).length,
    gone,
    notFound,
    // What was not found may be what was not read.
    all: captures.length + gone + Math.max(unread, notFound),
  };
}

/** `1 of 2 verified`, with what only the log names, and what is not known of it. */
export function countText(count: CaseCount, log: LogIndex | undefined): string {
  return `${count.verified} of ${count.all} verified${restText(count, log)}`;
}

/** What only the log names, and what is not known of it. */
export function restText({ gone, notFound }: CaseCount, log: LogIndex | undefined): string {
  const told = [
    [gone, 'stored'],
    [notFound, 'found in what could be read'],
  ] as const;
  const unseen = told
    .filter(([count]) => count > 0)
    .map(([count, what]) => `; ${many(count, 'is', 'are')} named in the log, not ${what}`)
    .join('');
  return `${unseen}${gapsText(log)}`;
}

/** The log is the list of what must exist: what stands in the rest of it is not known. */
function gapsText(log: LogIndex | undefined): string {
  if (log === undefined || log.notRead.length === 0) return '';
  return `; ${log.isUnread ? 'the log' : 'a part of the log'} was not read, so captures that it names may be missing`;
}
