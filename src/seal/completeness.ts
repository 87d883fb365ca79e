/**
 * Whether a capture has the evidence that it was to collect. That is another question than its state: `whole` says that
 * every segment is stored, and a capture whose time was over after three items can be whole.
 */
import type { ManifestItem, Outcome } from '../contracts/evidence.ts';

type Counts = Readonly<Partial<Record<Outcome, number>>>;

export interface Completeness {
  /** `partial`: something that was there, and was wanted, is not in it or not all of it. */
  readonly state: 'complete' | 'partial';
  /** Such items by outcome. */
  readonly outcomes: Counts;
  /** And by reason, the most frequent first, bounded. */
  readonly reasons: readonly { readonly reason: string; readonly count: number }[];
}

/** What is gone before it can be read is no shortfall of the capture: processes end. */
const SHORT: ReadonlySet<string> = new Set<Outcome>(['truncated', 'denied', 'skipped', 'timed-out', 'failed']);
/** Captures that are older than the member `byDesign` tell by these words alone that an item was skipped on purpose. */
const OLD_WORDS =
  /^(?:the same file as |hard link to |its bytes are left out by policy|not a regular file|a socket has no tar type|not listed: a view of the kernel|a capture that this extension has parked|no detector has looked)/u;
const MAX_REASONS = 12;
const MAX_REASON = 120;
const OTHER = 'other reasons';

type Judged = Pick<ManifestItem, 'outcome' | 'reason' | 'byDesign'>;

/** Counts shortfalls as items go by. */
export class Shortfalls {
  readonly #outcomes: Partial<Record<Outcome, number>> = {};
  readonly #reasons = new Map<string, number>();

  /** Whether an item is one. */
  isShort({ outcome, byDesign }: Judged): boolean {
    return SHORT.has(outcome) && (outcome !== 'skipped' || byDesign === undefined);
  }

  add(item: Judged): void {
    if (!this.isShort(item)) return;
    const { outcome, reason = 'no reason was given' } = item;
    this.#outcomes[outcome] = (this.#outcomes[outcome] ?? 0) + 1;
    const cut = reason.slice(0, MAX_REASON);
    const name = this.#reasons.has(cut) || this.#reasons.size < MAX_REASONS ? cut : OTHER;
    this.#reasons.set(name, (this.#reasons.get(name) ?? 0) + 1);
  }

  /** @param ended - why the host ended it early, where it did */
  result(lost: number, ended: string | undefined): Completeness {
    const reasons = [...this.#reasons]
      .map(([reason, count]) => ({ reason, count }))
      .sort((one, other) => other.count - one.count);
    const more = [
      ...(lost > 0 ? [{ reason: 'segments could not be stored', count: lost }] : []),
      ...(ended === undefined ? [] : [{ reason: `ended early: ${ended}`.slice(0, MAX_REASON), count: 1 }]),
    ];
    return {
      state: reasons.length + more.length > 0 ? 'partial' : 'complete',
      outcomes: this.#outcomes,
      reasons: [...more, ...reasons],
    };
  }
}

/**
 * Counts the items of a capture that has no completeness of its own: it is older than `byDesign`, or its manifest is
 * gone.
 */
export class OldShortfalls extends Shortfalls {
  override isShort(item: Judged): boolean {
    return super.isShort(item) && (item.outcome !== 'skipped' || !OLD_WORDS.test(item.reason ?? ''));
  }
}

/** Of such a capture whose items were not read. What was skipped on purpose cannot be told from the rest there. */
export function completenessOf(
  outcomes: Counts,
  { isWhole }: { readonly isWhole: boolean },
  ended: string | undefined,
): Completeness {
  const short = Object.entries(outcomes).filter(([outcome, count]) => SHORT.has(outcome) && count > 0);
  const partial = short.length > 0 || !isWhole || ended !== undefined;
  return { state: partial ? 'partial' : 'complete', outcomes: Object.fromEntries(short), reasons: [] };
}
