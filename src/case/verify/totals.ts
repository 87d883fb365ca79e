/** Counts the items of all manifest parts again, to hold the sums in manifest.json against. */
import type { ManifestItem } from '../../contracts/evidence.ts';
import type { CaptureManifest } from '../../seal/commit.ts';
import { many } from '../../many.ts';
import { holdsMark } from '../../secrets/mark.ts';
import { Exceptions } from '../../seal/manifest.ts';
import { ItemShortfalls } from '../store/completeness.ts';
import { field } from '../view/process-tree.ts';

/** Collectors times outcomes: more different names than this are an attack on our memory. */
const MAX_KEYS = 10_000;

interface Count {
  readonly collector: string;
  readonly outcome: string;
  times: number;
}

export class Totals {
  readonly #counts = new Map<string, Count>();
  /** That of the item before: mostly it is the same. */
  #last: Count | undefined;
  items = 0;
  redactions = 0;
  readonly shortfalls: ItemShortfalls = new ItemShortfalls();
  readonly #exceptions = new Exceptions();

  add(item: ManifestItem): void {
    this.items += 1;
    this.shortfalls.add(item);
    this.#exceptions.add(item);
    this.redactions += item.redactions?.length ?? 0;
    if (this.#last?.collector !== item.collector || this.#last.outcome !== item.outcome) this.#last = this.#count(item);
    if (this.#last !== undefined) this.#last.times += 1;
  }

  #count({ collector, outcome }: ManifestItem): Count | undefined {
    const key = `${collector} ${outcome}`;
    const known = this.#counts.get(key);
    if (known !== undefined || this.#counts.size >= MAX_KEYS) return known;
    const count = { collector, outcome, times: 0 };
    this.#counts.set(key, count);
    return count;
  }

  /** What does not add up, in words. */
  differences(manifest: CaptureManifest): readonly string[] {
    const wrong: string[] = [];
    const claimed = new Map<string, number>();
    const outcomes = new Map<string, number>();
    for (const [collector, counts] of Object.entries(manifest.collectors)) {
      for (const [outcome, count] of Object.entries(counts)) {
        claimed.set(`${collector} ${outcome}`, count);
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + count);
      }
    }
    for (const key of new Set([...claimed.keys(), ...this.#counts.keys()])) {
      const [said, counted] = [claimed.get(key) ?? 0, this.#counts.get(key)?.times ?? 0];
      if (said !== counted) wrong.push(`manifest.json counts ${many(said, 'time')} "${key}", the parts ${counted}`);
    }
    for (const key of new Set([...outcomes.keys(), ...Object.keys(manifest.outcomes)])) {
      const [said, sum] = [(manifest.outcomes as Record<string, number>)[key] ?? 0, outcomes.get(key) ?? 0];
      if (said !== sum)
        wrong.push(`manifest.json counts ${many(said, 'time')} "${key}" in all and ${many(sum, 'time')} by collector`);
    }
    if (manifest.redactions !== this.redactions)
      wrong.push(`manifest.json counts ${many(manifest.redactions, 'redaction')}, the parts ${this.redactions}`);
    return [...wrong, ...this.#exceptionsWrong(manifest)];
  }

  /** The first items that were not simply collected, one by one: manifest.json repeats them for who reads it alone. */
  #exceptionsWrong({ exceptions }: CaptureManifest): readonly string[] {
    const counted = this.#exceptions.all();
    if (exceptions.length !== counted.length)
      return [`manifest.json names ${many(exceptions.length, 'exception')}, the parts ${counted.length}`];
    const place = exceptions.findIndex((one, index) => !isSame(one, counted[index]));
    const [said, found] = [exceptions[place], counted[place]].map((one) => JSON.stringify(exceptionOf(one)));
    return place < 0 ? [] : [`exception ${place + 1} is ${said ?? ''} in manifest.json, ${found ?? ''} in the parts`];
  }
}

const NAMES = ['path', 'outcome', 'collector', 'reason'] as const;

function exceptionOf(item: unknown): Readonly<Record<string, unknown>> {
  return Object.fromEntries(NAMES.map((name) => [name, field(item, name)]));
}

/** A redacted text says nothing. */
function isSame(said: unknown, found: unknown): boolean {
  return NAMES.every((name) => {
    const [one, other] = [field(said, name), field(found, name)];
    return one === other || [one, other].some((value) => typeof value === 'string' && holdsMark(value));
  });
}
