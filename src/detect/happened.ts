/** When the thing began that a finding is about: a capture comes seconds or minutes later. */
import type { BytePath, Finding, Happened, Observation, ObservedFile, ObservedProcess } from '../contracts/evidence.ts';

/** The largest time of a Date (ECMA-262, "Time Values and Time Range"). */
const LATEST_MS = 8.64e15;

/** The same findings, each with the time of its subject where the observation tells it. */
export function withTimes(findings: readonly Finding[], now: Observation): readonly Finding[] {
  const pids = new Set(findings.map(({ subject }) => subject.pid));
  const paths = new Set(findings.map(({ subject }) => subject.path));
  const processes = new Map(now.processes.filter(({ pid }) => pids.has(pid)).map((one) => [one.pid, one]));
  const files = new Map(now.files.filter(({ path }) => paths.has(path)).map((one) => [one.path, one]));
  return findings.map((one) => {
    const happened = happenedOf(one, processes, files);
    return happened === undefined ? one : { ...one, happened };
  });
}

function happenedOf(
  { subject: { pid, startTicks, path } }: Finding,
  processes: ReadonlyMap<number, ObservedProcess>,
  files: ReadonlyMap<BytePath, ObservedFile>,
): Happened | undefined {
  if (pid !== undefined) {
    const one = processes.get(pid);
    // A pid comes again: without its start in ticks it may name another process.
    return one === undefined || one.startTicks !== startTicks ? undefined : at(one.startMs, 'process');
  }
  const file = path === undefined ? undefined : files.get(path);
  return file === undefined ? undefined : at(file.bornMs ?? file.ctimeMs, 'file');
}

function at(ms: number, of: Happened['of']): Happened | undefined {
  return ms > 0 && ms <= LATEST_MS ? { time: new Date(ms).toISOString(), of } : undefined;
}
