/** All detectors of a policy on one observation. */
import type { Detector, DetectPolicy, Finding, Observation } from '../contracts/evidence.ts';
import { correlate } from './correlate.ts';
import { withTimes } from './happened.ts';
import { DETECTORS } from './index.ts';

export interface Judgement {
  /** Most severe first. */
  readonly findings: readonly Finding[];
  /** Findings beyond the limit of one look. */
  readonly left: number;
  /** Detectors that failed: a defect, told once by the host. The others have run. */
  readonly failed: readonly { readonly detector: string; readonly error: unknown }[];
}

/** Findings of one look, however many things an attacker leaves about. */
const MAX = 200;
const ORDER = ['critical', 'high', 'medium', 'low'] as const;

/** Runs the detectors that the policy has on, then correlates. Never throws. */
export function judge(
  now: Observation,
  baseline: Observation,
  policy: DetectPolicy,
  detectors: readonly Detector[] = DETECTORS,
): Judgement {
  const found: Finding[] = [];
  const failed: { detector: string; error: unknown }[] = [];
  for (const one of detectors) {
    if (!isOn(one, now, policy)) continue;
    try {
      found.push(...one.detect(now, baseline, policy));
    } catch (error) {
      failed.push({ detector: one.name, error });
    }
  }
  const findings = correlate(found, now).toSorted((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity));
  return { findings: withTimes(findings.slice(0, MAX), now), left: Math.max(0, findings.length - MAX), failed };
}

function isOn({ name, runs }: Detector, { by }: Observation, { only, without }: DetectPolicy): boolean {
  return runs.includes(by) && !without.includes(name) && (only === undefined || only.includes(name));
}

/**
 * A baseline out of a look that came late: what was there at init. Processes are told by their start in ticks, which do
 * not move when a sandbox is frozen; files by their ctime.
 *
 * @param initTicks - ticks since boot at the end of init
 * @param initMs - the same moment, milliseconds since the epoch
 */
export function baselineAt(first: Observation, initTicks: number, initMs: number): Observation {
  return {
    ...first,
    takenMs: initMs,
    processes: first.processes.filter((one) => one.role !== 'other' || one.startTicks <= initTicks),
    files: first.files.filter(({ ctimeMs }) => ctimeMs <= initMs),
  };
}
