/** What `amber verify` is asked, and its exit code. */
import type { LogIndex } from '../case/log/lines.ts';
import type { VerifyResult } from '../case/verify/verify.ts';
import type { AgeIdentity } from '../seal/age-open.ts';
import type { Collected } from './verify-one.ts';

export interface VerifyCommand {
  readonly identity: AgeIdentity | undefined;
  readonly logPath: string | undefined;
  readonly collected: Collected | undefined;
  /** Where it was read already: a pipe can be read once. */
  readonly log?: LogIndex | undefined;
}

/** A failed or cut capture is a problem; one that could not be read is not. */
export function exitOf(results: readonly VerifyResult[]): number {
  if (results.some(({ verdict }) => verdict === 'failed' || verdict === 'cut')) return 1;
  return results.every(({ verdict, log }) => verdict === 'verified' && log !== 'not-read') ? 0 : 3;
}
