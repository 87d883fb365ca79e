/**
 * Captures that a place holds more than once: a case folder has what was pulled twice, a bucket what somebody copied.
 */
import { renderText } from '../view/safe-names.ts';
import type { VerifyResult } from './verify.ts';

export interface Copies {
  readonly captureId: string;
  readonly locations: readonly string[];
  /** All of them have the same segments and manifest.json, and nothing else that has a name of a capture. */
  readonly same: boolean;
  /** One sentence for each copy that is not as the first one. */
  readonly differences: readonly string[];
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
      },
    ];
  });
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
