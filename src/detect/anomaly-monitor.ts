/** Looks at a sandbox again and again, and tells what is new. The extension has one, and a wrapped function has one. */
import { many } from '../many.ts';
import { reaches } from '../config/detect-policy.ts';
import type { DetectPolicy, Finding, FindingsReport, Observation, OwnFacts } from '../contracts/evidence.ts';
import type { RingDoubt } from '../contracts/recorded.ts';
import { describeError } from '../errors.ts';
import { baselineAt, judge } from './judge.ts';
import { openScanner, type ScanInvocation, type ScannerOptions } from './scan.ts';

export interface MonitorOptions extends ScannerOptions {
  readonly policy: DetectPolicy;
  /**
   * What is known of the end of init, where the first look comes later than that. Without it the first look is the
   * baseline, so that it has to be taken before the first invocation begins its work.
   */
  readonly init?: InitFacts;
}

export interface InitFacts {
  /** Milliseconds since the epoch. */
  readonly ms: number;
  /** Age of our own process then, seconds. */
  readonly uptimeSeconds: number;
  readonly rssBytes: number;
}

/** One look, judged. */
export interface Seen {
  readonly observation: Observation;
  /** Findings that were not there before, or are more severe than before; most severe first. */
  readonly fresh: readonly Finding[];
}

export interface AnomalyMonitor {
  /** Never rejects. */
  readonly scan: (invocation: ScanInvocation) => Promise<Seen>;
  /** The last look once more, with rings that are doubted: where the processes have gone. Never throws. */
  readonly rejudge: (doubts: readonly RingDoubt[]) => readonly Finding[];
  /** Everything found so far, with a further look where the last one is older than a second. For captures. */
  readonly report: () => Promise<FindingsReport>;
  /** The same without another look: where the processes have gone. */
  readonly snapshot: () => FindingsReport;
  readonly baseline: () => Observation | undefined;
}

/** Different findings that are kept of a sandbox. */
const MAX_KEPT = 500;
const STALE_MS = 1000;

export function openMonitor(options: MonitorOptions): AnomalyMonitor {
  const scanner = openScanner(options);
  const kept = new Map<string, Finding>();
  const failed = new Map<string, string>();
  let baseline: Observation | undefined;
  let last: Observation | undefined;
  let scanInvocation: ScanInvocation = { number: 0, startedMs: 0 };
  let uncounted = 0;

  const scan = async (invocation: ScanInvocation): Promise<Seen> => {
    scanInvocation = invocation;
    const observation = await scanner.scan(invocation);
    last = observation;
    baseline ??= options.init === undefined ? observation : baselineOf(observation, options.init);
    return { observation, fresh: freshIn(observation, baseline) };
  };
  const freshIn = (observation: Observation, before: Observation): readonly Finding[] => {
    const judged = judge(observation, before, options.policy);
    uncounted += judged.left;
    for (const { detector, error } of judged.failed) failed.set(detector, describeError(error));
    return judged.findings.filter((one) => keep(one));
  };
  const keep = (one: Finding): boolean => {
    const old = kept.get(one.key);
    if (old !== undefined && reaches(old.severity, one.severity)) return false;
    // A flood of small findings must not keep a severe one out.
    if (old === undefined && kept.size >= (reaches(one.severity, 'high') ? 2 * MAX_KEPT : MAX_KEPT)) {
      uncounted += 1;
      return false;
    }
    kept.set(one.key, one);
    return true;
  };
  const snapshot = (): FindingsReport => ({
    by: options.by,
    findings: [...kept.values()],
    threshold: options.policy.threshold,
    baselineMs: baseline?.takenMs,
    failed: Object.fromEntries(failed),
    left: leftOf(last, uncounted),
  });
  return {
    scan,
    snapshot,
    baseline: () => baseline,
    rejudge: (doubts) => (last === undefined || baseline === undefined ? [] : freshIn({ ...last, doubts }, baseline)),
    report: async () => {
      if (last === undefined || Date.now() - last.takenMs > STALE_MS) await scan(scanInvocation);
      return snapshot();
    },
  };
}

function leftOf(last: Observation | undefined, uncounted: number): string[] {
  const left = uncounted === 0 ? [] : [`${many(uncounted, 'further finding was', 'further findings were')} not kept`];
  return [...(last?.notInspected ?? []), ...left];
}

/** The first look as it would have been at the end of init. */
function baselineOf(first: Observation, init: InitFacts): Observation {
  const self = first.processes.find(({ pid }) => pid === first.self);
  const cut = baselineAt(first, (self?.startTicks ?? 0) + init.uptimeSeconds * 100, init.ms);
  if (first.own === undefined) return cut;
  // The environment of exec is what the platform gave; what code has made of it since is what we look for.
  const own: OwnFacts = {
    ...first.own,
    env: self?.env ?? first.own.env,
    resolvers: first.nameservers,
    rssBytes: init.rssBytes,
    spawned: [],
    patched: [],
  };
  return { ...cut, own };
}
