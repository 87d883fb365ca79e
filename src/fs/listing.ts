/** What the walk says of a directory that it did not list to the end. */
import type { AbsentEntry, ByDesign } from '../contracts/evidence.ts';
import { State } from './kinds.ts';
import type { Tree } from './tree.ts';

interface NotListed {
  readonly outcome: AbsentEntry['outcome'] | 'truncated';
  readonly reason: string;
  readonly byDesign?: ByDesign;
}

const REASONS: Readonly<Record<number, NotListed>> = {
  [State.unlistable]: { outcome: 'denied', reason: 'it could not be listed' },
  [State.deep]: { outcome: 'skipped', reason: 'not listed: it is 512 levels deep' },
  [State.kernel]: {
    outcome: 'skipped',
    byDesign: 'kernel-view',
    reason: 'not listed: a view of the kernel (procfs, sysfs or the like) is mounted here',
  },
  [State.cut]: {
    outcome: 'truncated',
    reason: 'not listed to the end: the limit of entries (AMBER_MAX_ENTRIES) was reached',
  },
  [State.long]: { outcome: 'skipped', reason: 'not listed: too many entries with paths over 1,024 bytes' },
  [State.served]: { outcome: 'skipped', reason: 'not looked at' },
  [State.late]: { outcome: 'skipped', reason: 'not listed to the end: the time for the inventory was over' },
};

/**
 * Outcome and reason for a directory whose own metadata is there and whose entries are not all known; undefined if they
 * are.
 */
export function whyNotListed(tree: Tree, entry: number): NotListed | undefined {
  const why = REASONS[tree.state(entry)];
  const problem = tree.problem(entry);
  if (why === undefined || problem === undefined) return why;
  if (tree.state(entry) === State.served) return { outcome: why.outcome, reason: `${why.reason}: ${problem}` };
  const denied = problem === 'EACCES' || problem === 'EPERM';
  return { outcome: denied ? 'denied' : 'failed', reason: `${why.reason} (${problem})` };
}
