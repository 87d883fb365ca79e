/** All detectors of a policy on one observation. */
import type { Detector, DetectPolicy, Finding, Observation, ObservedSocket } from '../contracts/evidence.ts';
import { correlate } from './correlate.ts';
import { withTimes } from './happened.ts';
import { DETECTORS } from './index.ts';
import { eventsOf } from './recorded.ts';

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
 * not move when a sandbox is frozen. Files are told by their ctime, sockets by their processes and by the black box.
 *
 * @param initTicks - ticks since boot at the end of init
 * @param initMs - the same moment, milliseconds since the epoch
 */
export function baselineAt(first: Observation, initTicks: number, initMs: number): Observation {
  const processes = first.processes.filter((one) => one.role !== 'other' || one.startTicks <= initTicks);
  return {
    ...first,
    takenMs: initMs,
    processes,
    sockets: socketsAt(first, new Set(processes.map(({ pid }) => pid))),
    files: first.files.filter(({ ctimeMs }) => ctimeMs <= initMs),
  };
}

/** The kernel keeps no time of a socket. Without a record of it, one of a process of init counts as of init. */
function socketsAt(first: Observation, atInit: ReadonlySet<number>): readonly ObservedSocket[] {
  const later = new Set(
    eventsOf(first, ['connect', 'listen']).flatMap(({ invocation, subject }) => (invocation > 0 ? subject : [])),
  );
  return first.sockets.filter((one) => {
    if (one.pids.length > 0 && !one.pids.some((pid) => atInit.has(pid))) return false;
    const isOpen = one.state === 'LISTEN';
    return !later.has(
      addressed(isOpen ? one.localAddress : one.remoteAddress, isOpen ? one.localPort : one.remotePort),
    );
  });
}

/** As the black box writes it. */
function addressed(address: string, port: number): string {
  return `${address.includes(':') ? `[${address}]` : address}:${port}`;
}
