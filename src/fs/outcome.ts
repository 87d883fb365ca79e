/** What a system error means for the item that was asked for. */
import type { AbsentEntry } from '../contracts/evidence.ts';
import { describeError, systemCode } from '../errors.ts';

export interface Absence {
  readonly outcome: AbsentEntry['outcome'];
  readonly reason: string;
}

const MEANINGS: Readonly<Record<string, Absence>> = {
  ENOENT: { outcome: 'missing', reason: 'it is gone (ENOENT)' },
  ENOTDIR: { outcome: 'missing', reason: 'a directory on its path is none any more (ENOTDIR)' },
  ESTALE: { outcome: 'missing', reason: 'it is gone (ESTALE)' },
  EACCES: { outcome: 'denied', reason: 'permission denied (EACCES)' },
  EPERM: { outcome: 'denied', reason: 'not permitted (EPERM)' },
  EAGAIN: { outcome: 'failed', reason: 'another process holds a lease on it (EAGAIN)' },
  EMFILE: { outcome: 'failed', reason: 'the process has no descriptor left (EMFILE)' },
  ENFILE: { outcome: 'failed', reason: 'the system has no descriptor left (ENFILE)' },
};

/** Reads Node's `code`; what has none is described. */
export function absenceOf(cause: unknown): Absence {
  const code = systemCode(cause);
  const known = code === undefined ? undefined : MEANINGS[code];
  return (
    known ?? { outcome: 'failed', reason: code === undefined ? describeError(cause) : `the system answered ${code}` }
  );
}
