/** The completeness of the evidence in words, beside the state of the commit. */
import type { CaptureManifest } from '../../seal/commit.ts';
import { completenessOf, type Completeness, type Shortfalls } from '../../seal/completeness.ts';
import { field, text } from '../view/process-tree.ts';

/** As the manifest says; of an older one as its items say, where they were all read, and else as its outcomes say. */
export function completenessIn(manifest: CaptureManifest, counted?: Shortfalls): Completeness {
  const said = manifest.completeness;
  const isSaid =
    (field(said, 'state') === 'complete' || field(said, 'state') === 'partial') &&
    typeof (field(said, 'outcomes') ?? 0) === 'object';
  const ended = typeof manifest.endedEarly === 'string' ? manifest.endedEarly : undefined;
  if (isSaid && said !== undefined) return said;
  if (counted !== undefined)
    return counted.result(manifest.segments.filter(({ state }) => state === 'lost').length, ended);
  return completenessOf(manifest.outcomes, { isWhole: manifest.state === 'whole' }, ended);
}

/** `complete`, or `partial: 10 skipped, 1 denied (the time of the capture was over)`. */
export function completenessText(manifest: CaptureManifest, counted?: Shortfalls): string {
  const { state, outcomes, reasons } = completenessIn(manifest, counted);
  const counts = Object.entries(outcomes)
    .map(([outcome, count]) => `${text(count)} ${outcome}`)
    .join(', ');
  const first = Array.isArray(reasons) ? text(field(reasons[0], 'reason')) : '';
  const why = first === '' ? '' : ` (${first}${reasons.length > 1 ? ', …' : ''})`;
  return `${state}${counts === '' ? '' : `: ${counts}`}${why}`;
}
