/**
 * What only the function's own process can tell, as lines for the process that captures in its place. Loaded when that
 * is due.
 */
import { environmentChanges } from '../../collect/environment.ts';
import { passive } from '../../collect/passive.ts';
import { runtime } from '../../collect/runtime.ts';
import { scripts } from '../../collect/scripts.ts';
import type { CaptureRequest } from '../../capture/capture.ts';
import type { Collector, Entry, CollectorContext } from '../../contracts/evidence.ts';
import { describeError } from '../../errors.ts';
import { startBudget } from '../../lambda/budget.ts';
import { readNow } from '../../proc/read.ts';
import { MAX_FACTS_BYTES, type HandedEntry } from './connection.ts';

/**
 * Collectors that read the process they run in. A heap snapshot is too large to hand over: its capture stays in
 * process.
 */
export const HANDED_OVER: readonly Collector[] = [runtime, scripts];

/** Longest time of collecting, in milliseconds: the answer waits for it. */
const MAX_MS = 1000;
const SLICE_MS = 8;
const MAX_ENVIRON_BYTES = 256 * 1024;

export interface Facts {
  readonly entries: readonly HandedEntry[];
  /** Milliseconds, and milliseconds of CPU, that the invocation has paid for them. */
  readonly cost: { readonly ms: number; readonly cpuMs: number };
}

/** Collects. Never rejects: what fails is an entry that says so. */
export async function gatherFacts(request: CaptureRequest): Promise<Facts> {
  const started = performance.now();
  const cpu = process.cpuUsage();
  const entries: HandedEntry[] = [];
  let left = MAX_FACTS_BYTES - 16 * 1024;
  const take = (entry: HandedEntry): void => {
    const bytes = Buffer.byteLength(JSON.stringify(entry));
    left -= bytes;
    entries.push(left >= 0 ? entry : tooLarge(entry));
    if (left < 0) left += bytes;
  };
  const budget = startBudget({
    collectMs: Math.min(MAX_MS, request.hardStopMs - Date.now()),
    totalMs: MAX_MS,
    bytes: MAX_FACTS_BYTES,
    sliceMs: SLICE_MS,
  });
  try {
    const context = sceneOf(request, budget);
    for (const collector of HANDED_OVER.filter(({ name, optIn }) => wanted(request, name, { optIn: optIn === true }))) {
      await run(collector, context, take);
    }
    take(await ownFacts(request));
  } finally {
    budget.end();
  }
  const { user, system } = process.cpuUsage(cpu);
  return { entries, cost: { ms: Math.round(performance.now() - started), cpuMs: Math.round((user + system) / 1000) } };
}

function wanted({ config }: CaptureRequest, name: string, { optIn }: { readonly optIn: boolean }): boolean {
  return config.collect.findLast((item) => item.slice(1) === name)?.startsWith('+') ?? !optIn;
}

/** Collectors of this process read nothing of others. */
function sceneOf({ cause, config, invocation }: CaptureRequest, budget: CollectorContext['budget']): CollectorContext {
  const roots = { proc: '/proc', writable: config.writable, code: config.code, etc: '/etc' };
  return {
    captureId: '',
    startedMs: Date.now(),
    cause,
    invocation,
    config,
    roots,
    budget,
    env: { ...process.env },
    inProcess: true,
    processes: async () =>
      (await import('../../proc/snapshot.ts')).snapshotProcesses({ root: roots.proc, signal: budget.signal }),
  };
}

async function run(collector: Collector, context: CollectorContext, take: (entry: HandedEntry) => void): Promise<void> {
  try {
    for await (const entry of collector.collect(context)) {
      const handed = handedEntry(entry);
      if (handed !== undefined) take(handed);
      if (context.budget.signal.aborted) return;
    }
  } catch (error) {
    take({
      kind: 'absent',
      path: `live_response/${collector.name}.json`,
      source: collector.name,
      method: 'api',
      outcome: 'failed',
      reason: describeError(error),
    });
  }
}

function handedEntry(entry: Entry): HandedEntry | undefined {
  const { path, source, method } = entry;
  switch (entry.kind) {
    case 'json':
      return { kind: 'json', path, source, method, value: entry.value };
    case 'jsonl':
      return { kind: 'jsonl', path, source, method, rows: entry.rows };
    case 'bytes':
      return {
        kind: 'bytes',
        path,
        source,
        method,
        redaction: entry.redaction,
        base64: Buffer.from(entry.body).toString('base64'),
      };
    case 'absent':
      return { kind: 'absent', path, source, method, outcome: entry.outcome, reason: entry.reason };
    default:
      return undefined; // no collector of the process itself gives files
  }
}

function tooLarge({ path, source, method }: HandedEntry): HandedEntry {
  return {
    kind: 'absent',
    path,
    source,
    method,
    outcome: 'skipped',
    reason: `limit of ${String(MAX_FACTS_BYTES)} bytes on what is handed over`,
  };
}

/** The invocation as the handler has it, what the function has made of its environment, what its own detectors know. */
async function ownFacts({ cause, invocation, config, findings }: CaptureRequest): Promise<HandedEntry> {
  const environ = readNow('/proc/self/environ', { cap: MAX_ENVIRON_BYTES, whole: false }, { left: MAX_ENVIRON_BYTES });
  const { requestId, traceId, tenantId, number, concurrent } = invocation ?? {};
  return {
    kind: 'json',
    path: 'live_response/function-process.json',
    source: 'runtime context',
    method: 'api',
    value: {
      pid: process.pid,
      invocation: {
        requestId,
        traceId,
        tenantId,
        number,
        concurrent,
        ...(config.includeEvent && invocation !== undefined && 'event' in invocation
          ? { event: passive(invocation.event) }
          : {}),
        ...(invocation !== undefined && 'error' in invocation ? { error: passive(invocation.error) } : {}),
      },
      environment: environ.ok ? environmentChanges(process.pid, environ.body, process.env) : undefined,
      // Only where they have been looked for: a first look takes 50 ms of CPU.
      findings:
        cause.trigger !== 'anomaly'
          ? undefined
          : await findings?.().catch((error: unknown) => ({ failed: describeError(error) })),
    },
  };
}
