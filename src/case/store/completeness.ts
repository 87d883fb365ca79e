/**
 * The completeness of the evidence in words, beside the state of the commit. What the items say counts before what
 * manifest.json says of them: an intruder who may write there can edit its word.
 */
import type { ManifestItem } from '../../contracts/evidence.ts';
import type { CaptureManifest } from '../../seal/commit.ts';
import { completenessOf, OldShortfalls, Shortfalls, type Completeness } from '../../seal/completeness.ts';
import { field, text } from '../view/process-tree.ts';

/** Counts the items of a capture by the rule of today, and by that of captures that do not count them themselves. */
export class ItemShortfalls {
  readonly own: Shortfalls = new Shortfalls();
  readonly old: OldShortfalls = new OldShortfalls();

  add(item: ManifestItem): void {
    this.own.add(item);
    this.old.add(item);
  }

  /** By the rule that the capture goes by. */
  of(manifest: CaptureManifest | undefined): Shortfalls {
    return manifest === undefined || saidBy(manifest) === undefined ? this.old : this.own;
  }
}

/** As the items say, where they were all read; else as the manifest says, where its own outcomes do not contradict. */
export function completenessIn(manifest: CaptureManifest, counted?: ItemShortfalls): Completeness {
  const said = saidBy(manifest);
  if (counted !== undefined) return counted.of(manifest).result(lostIn(manifest), endedIn(manifest));
  if (said === undefined)
    return completenessOf(manifest.outcomes, { isWhole: manifest.state === 'whole' }, endedIn(manifest));
  const outcomes = byOutcomes(manifest, said);
  const state = isShort(manifest, outcomes) ? 'partial' : 'complete';
  return state === said.state && same(outcomes, said.outcomes) ? said : { state, outcomes, reasons: [] };
}

/** Why the word in manifest.json is not what its items or its outcomes say; undefined where it is. */
export function completenessProblem(manifest: CaptureManifest, counted?: ItemShortfalls): string | undefined {
  const said = saidBy(manifest);
  if (said === undefined)
    return manifest.completeness === undefined ? undefined : 'its completeness is not what it should be';
  const found = completenessIn(manifest, counted);
  if (found.state === said.state && same(found.outcomes, said.outcomes)) return undefined;
  const who = counted === undefined ? 'its outcomes' : 'the lines of the parts';
  return `manifest.json says ${wordsOf({ ...said, reasons: [] })}, ${who} say ${wordsOf({ ...found, reasons: [] })}`;
}

/** `complete`, or `partial: 10 skipped, 1 denied (the time of the capture was over)`. */
export function completenessText(manifest: CaptureManifest, counted?: ItemShortfalls): string {
  return wordsOf(completenessIn(manifest, counted));
}

/** Outcomes of what is among the evidence as it should be. */
export const FINE: ReadonlySet<string> = new Set(['collected', 'changed', 'empty']);

/** Items that are not among the evidence as they should be, by outcome. */
export function notCollected(outcomes: Completeness['outcomes']): Completeness['outcomes'] {
  return Object.fromEntries(Object.entries(outcomes).filter(([outcome, count]) => !FINE.has(outcome) && count > 0));
}

/** Those of them that are no shortfall: skipped by design, or gone before they could be read. */
export function apartIn(manifest: CaptureManifest, counted?: ItemShortfalls): Completeness['outcomes'] {
  const short = completenessIn(manifest, counted).outcomes as Readonly<Record<string, number>>;
  const rest = Object.entries(manifest.outcomes).map(([outcome, count]) => [outcome, count - (short[outcome] ?? 0)]);
  return notCollected(Object.fromEntries(rest) as Completeness['outcomes']);
}

/** `22 skipped by design, 2 missing`. */
export function apartText(apart: Completeness['outcomes']): string {
  return Object.entries(apart)
    .map(([outcome, count]) => `${count} ${text(outcome)}${outcome === 'skipped' ? ' by design' : ''}`)
    .join(', ');
}

function wordsOf({ state, outcomes, reasons }: Completeness): string {
  const counts = Object.entries(outcomes)
    .map(([outcome, count]) => `${text(count)} ${outcome}`)
    .join(', ');
  const first = Array.isArray(reasons) ? text(field(reasons[0], 'reason')) : '';
  const why = first === '' ? '' : ` (${first}${reasons.length > 1 ? ', …' : ''})`;
  return `${state}${counts === '' ? '' : `: ${counts}`}${why}`;
}

/** Undefined where it says nothing, or nothing that can be read. */
function saidBy({ completeness }: CaptureManifest): Completeness | undefined {
  const state = field(completeness, 'state');
  const isSaid =
    (state === 'complete' || state === 'partial') && typeof (field(completeness, 'outcomes') ?? 0) === 'object';
  return isSaid ? completeness : undefined;
}

const lostIn = ({ segments }: CaptureManifest): number => segments.filter(({ state }) => state === 'lost').length;

function endedIn({ endedEarly }: CaptureManifest): string | undefined {
  return typeof endedEarly === 'string' ? endedEarly : undefined;
}

/** Outcomes that are a shortfall whatever the reason. Of `skipped` some are on purpose, as the manifest says. */
const ALWAYS = ['truncated', 'denied', 'timed-out', 'failed'] as const;

function byOutcomes({ outcomes }: CaptureManifest, said: Completeness): Completeness['outcomes'] {
  const told: unknown = field(said.outcomes, 'skipped');
  const skipped = typeof told === 'number' ? Math.min(told, outcomes.skipped ?? 0) : 0;
  const counts = [...ALWAYS.map((name) => [name, outcomes[name] ?? 0] as const), ['skipped', skipped] as const];
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}

function isShort(manifest: CaptureManifest, outcomes: Completeness['outcomes']): boolean {
  return Object.keys(outcomes).length > 0 || lostIn(manifest) > 0 || endedIn(manifest) !== undefined;
}

function same(one: Completeness['outcomes'], other: Completeness['outcomes']): boolean {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]) as Set<keyof Completeness['outcomes']>;
  return [...names].every((name) => (one[name] ?? 0) === (other[name] ?? 0));
}
