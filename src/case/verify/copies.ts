/**
 * Captures that a place holds more than once: a case folder has what was pulled twice, a bucket what somebody copied.
 */
import { many } from '../../many.ts';
import { renderText } from '../view/safe-names.ts';
import { isVerified, type VerifyResult } from './verify.ts';

export interface Copies {
  readonly captureId: string;
  readonly locations: readonly string[];
  /** All of them have the same segments and manifest.json, and nothing else that has a name of a capture. */
  readonly same: boolean;
  /** One sentence for each copy that is not as the first one. */
  readonly differences: readonly string[];
  /** Two of them cannot both be the capture, and that one was decrypted does not explain it. */
  readonly contradictory: boolean;
}

/** One entry a capture, in the order of the results. One without an id is a capture of its own. */
export function byCapture(results: readonly VerifyResult[]): readonly (readonly VerifyResult[])[] {
  const groups = new Map<string, VerifyResult[]>();
  for (const [index, result] of results.entries()) {
    const key = result.captureId === undefined ? `#${index}` : `id ${result.captureId}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [result]);
    else group.push(result);
  }
  return [...groups.values()];
}

export function copiesAmong(results: readonly VerifyResult[]): readonly Copies[] {
  return byCapture(results).flatMap((group) => {
    // What was changed is told against a copy that holds.
    const first = group.find(({ verdict }) => verdict === 'verified') ?? group[0];
    if (first === undefined || group.length === 1) return [];
    const differences = group.flatMap((one) => differencesOf(one, first));
    return [
      {
        captureId: first.captureId ?? '',
        locations: group.map(({ location }) => location),
        same: differences.length === 0,
        differences,
        contradictory: contradict(group),
      },
    ];
  });
}

/** Another manifest.json, or other segments of the same form: age files and what they hold may differ. */
function contradict(group: readonly VerifyResult[]): boolean {
  const manifests = new Set(group.flatMap(({ manifestSha256 }) => manifestSha256 ?? []));
  const [sealed, plain] = [true, false].map(
    (form) => new Set(group.filter((one) => one.sealed === form).map(({ sha256 }) => sha256)),
  );
  return manifests.size > 1 || (sealed?.size ?? 0) > 1 || (plain?.size ?? 0) > 1;
}

/** Captures of which every copy is verified, and no two contradict: it is open which of them is used. */
export function countVerified(results: readonly VerifyResult[]): number {
  return byCapture(results).filter((copies) => copies.every(isVerified) && !contradict(copies)).length;
}

const MAX_COPIES = 10;

/** One sentence, with every place. */
export function copiesText({ captureId, locations, same, contradictory }: Copies): string {
  const told = locations.slice(0, MAX_COPIES).map((location) => renderText(location, MAX_LOCATION));
  const more = locations.length > MAX_COPIES ? ` and ${locations.length - MAX_COPIES} more` : '';
  const bytes = same
    ? 'with the same bytes'
    : contradictory
      ? 'and they differ: one of them was changed or is not whole, so it is not verified'
      : 'and they differ: it was decrypted, or one of them was changed';
  return (
    `capture ${renderText(captureId, 100)} is stored ${many(locations.length, 'time')}, ${bytes}: ` +
    `${told.join(' and ')}${more}`
  );
}

const MAX_LOCATION = 500;
const MAX_NAMES = 10;

/** Of what lies beside the segments nothing was compared, so that it is a difference of its own. */
function differencesOf(one: VerifyResult, first: VerifyResult): readonly string[] {
  const beside = one.beside.slice(0, MAX_NAMES).map((name) => renderText(name));
  const told = [
    ...(one.sha256 === first.sha256 ? [] : [`its segments joined are ${one.sha256}, not ${first.sha256}`]),
    ...(one.manifestSha256 === first.manifestSha256
      ? []
      : [`its manifest.json is ${one.manifestSha256 ?? 'not there'}, not ${first.manifestSha256 ?? 'missing'}`]),
    ...(beside.length === 0 ? [] : [`it has bytes that do not belong, in ${beside.join(', ')}`]),
  ];
  return told.length === 0 ? [] : [`${renderText(one.location, MAX_LOCATION)}: ${told.join('; ')}`];
}
