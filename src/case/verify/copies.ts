/**
 * Captures that a place holds more than once: a case folder has what was pulled twice, a bucket what somebody copied.
 */
import type { VerifyResult } from './verify.ts';

export interface Copies {
  readonly captureId: string;
  readonly locations: readonly string[];
  /** The stored bytes of all of them are the same. */
  readonly same: boolean;
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
  return byCapture(results)
    .filter((group) => group.length > 1)
    .map((group) => ({
      captureId: group[0]?.captureId ?? '',
      locations: group.map(({ location }) => location),
      same: group.every(({ sha256 }) => sha256 === group[0]?.sha256),
    }));
}
