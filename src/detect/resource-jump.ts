/**
 * Memory or CPU that the function did not use before. Weak by itself, and beside another finding a hint at what for.
 */
import type { Detector, Finding, Observation, ObservedProcess } from '../contracts/evidence.ts';
import { makeFinding, named, newcomers, subjectOf } from './finding.ts';
import { many } from '../many.ts';

const MIB = 1024 * 1024;
const JUMP_BYTES = 256 * MIB;
const JUMP_FACTOR = 2;
const BUSY_SHARE = 0.5;
/** A process that has just started is busy starting. */
const BUSY_MS = 2000;

export const resourceJump: Detector = {
  name: 'resource-jump',
  description: 'The memory of the function has doubled since init, or another process keeps half a processor busy.',
  technique: { id: 'T1496', name: 'Resource Hijacking' },
  kind: 'impact',
  severity: 'low',
  benign: ['caches that fill', 'video, image and browser work in a process of its own'],
  runs: ['extension', 'process'],
  detect: (now: Observation, baseline: Observation): readonly Finding[] => [
    ...ofMemory(now, baseline),
    ...ofProcesses(now, baseline),
  ],
};

/** In process what it says of itself, which the baseline has of init; else what the kernel says of the runtime. */
function memoryOf({ own, processes }: Observation): number {
  return own?.rssBytes ?? processes.find(({ role }) => role === 'runtime')?.rssBytes ?? 0;
}

function ofMemory(now: Observation, baseline: Observation): Finding[] {
  const [bytes, then] = [memoryOf(now), memoryOf(baseline)];
  if (then === 0 || bytes < then * JUMP_FACTOR || bytes - then < JUMP_BYTES) return [];
  return [
    makeFinding(resourceJump, {
      title: `the function uses ${String(Math.round(bytes / MIB))} MiB, ${String(Math.round(then / MIB))} MiB at init`,
      severity: 'low',
      subject: {
        pid: now.own === undefined ? (now.processes.find(({ role }) => role === 'runtime')?.pid ?? 0) : now.self,
      },
      part: 'memory',
      evidence: [`rss ${many(bytes, 'byte')}, at init ${String(then)}`],
    }),
  ];
}

function ofProcesses(now: Observation, baseline: Observation): Finding[] {
  return newcomers(now, baseline).flatMap((one): Finding[] => {
    const share = cpuShare(one, now);
    if (share < BUSY_SHARE) return [];
    return [
      makeFinding(resourceJump, {
        title: `${named(one)} keeps ${String(Math.round(share * 100))} % of a processor busy`,
        severity: 'low',
        subject: subjectOf(one),
        part: 'cpu',
        evidence: [
          `/proc/${String(one.pid)}/stat: ${many(one.ticks, 'tick')} of 10 ms since ` +
            new Date(one.startMs).toISOString(),
        ],
      }),
    ];
  });
}

/** CPU over life of a process that has lived for two seconds and more; 0 for a younger one. */
export function cpuShare({ ticks, startMs }: ObservedProcess, { takenMs }: Observation): number {
  const livedMs = takenMs - startMs;
  return livedMs < BUSY_MS ? 0 : (ticks * 10) / livedMs;
}
