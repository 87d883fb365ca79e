/** Mappings that are not stored, gathered by reason: a process has hundreds, and each has to be accounted for. */
import type { AbsentEntry, BytePath } from '../contracts/evidence.ts';
import { defined } from '../defined.ts';
import { BY_DESIGN } from './memory-regions.ts';
import { many } from '../many.ts';

/** Ranges named for one reason; the bytes of the rest are counted. */
const MAX_RANGES = 2000;

interface Skipped {
  readonly ranges: string[];
  count: number;
  bytes: number;
}

export interface SkippedRegions {
  readonly add: (reason: string, range: string, bytes: number) => void;
  /** One line of the manifest a reason. */
  readonly entries: () => readonly AbsentEntry[];
}

export function skippedRegions(folder: BytePath, source: BytePath): SkippedRegions {
  const reasons = new Map<string, Skipped>();
  return {
    add: (reason, range, bytes) => {
      const found = reasons.get(reason) ?? { ranges: [], count: 0, bytes: 0 };
      reasons.set(reason, found);
      found.count += 1;
      found.bytes += bytes;
      if (found.ranges.length < MAX_RANGES) found.ranges.push(range);
    },
    entries: () =>
      [...reasons].map(
        ([reason, found], index): AbsentEntry => ({
          kind: 'absent',
          path: `${folder}/not-stored-${index}`,
          source,
          method: 'proc-mem',
          outcome: outcomeOf(reason),
          ...designOf(reason),
          reason: `${many(found.count, 'mapping')}, ${many(found.bytes, 'byte')}: ${reason}`,
          notes: () => ({ ranges: found.ranges, unlisted: found.count - found.ranges.length }),
        }),
      ),
  };
}

function designOf(reason: string): Pick<AbsentEntry, 'byDesign'> {
  const byDesign = BY_DESIGN.get(reason);
  return defined({ byDesign });
}

function outcomeOf(reason: string): AbsentEntry['outcome'] {
  if (reason.includes('no answer') || reason.includes('time budget')) return 'timed-out';
  return reason.includes('process ended') ? 'missing' : 'skipped';
}
