/**
 * The state of one capture: its context, budget, redactors and manifest. Made by {@link beginCapture}, ended by `end`.
 */
import { randomBytes } from 'node:crypto';
import { v7 } from 'uuid';
import type { TarballOptions } from '../archive/contracts.ts';
import { policyOf } from '../config/detect-policy.ts';
import type { CaptureIdentity, CollectorContext, FindingsReport, JsonEntry, Roots } from '../contracts/evidence.ts';
import { defined } from '../defined.ts';
import { openMonitor } from '../detect/anomaly-monitor.ts';
import { isAmberError, type AmberError } from '../errors.ts';
import { coresOf } from '../lambda/cores.ts';
import { startBudget, type RunningBudget } from '../lambda/budget.ts';
import { readIdentity, type Identity } from '../lambda/identity.ts';
import { snapshotProcesses } from '../proc/snapshot.ts';
import { openAge, type AgeRecipient } from '../seal/age.ts';
import type { CaptureRequest, CaptureRun, LastCapture } from './contracts.ts';
import { clockFacts, startClock, toolFacts } from './facts.ts';
import type { CommitFacts, ToolFacts } from '../seal/commit.ts';
import { openManifest, type ManifestWriter } from '../seal/manifest.ts';
import type { Redactor } from '../secrets/contracts.ts';
import { createRedactor, passThrough } from '../secrets/redactor.ts';
import { redactInSlices } from '../secrets/slices.ts';
import type { ProcessTable } from '../contracts/process-table.ts';

const MIB = 1024 * 1024;
/** Below this size of function, segments and parts are small: three of each must fit beside the handler. */
const SMALL_FUNCTION_MB = 512;
const SMALL_SEGMENT_BYTES = 2 * MIB;
/** A segment is sent at this age, so that a slow sandbox does not sit on its evidence. */
const SEGMENT_MS = 2000;

/** CPU that the first close of a tarball takes, its segment and the commit marker included. */
const CLOSING_CPU_MS = 55;

export function beginCapture(request: CaptureRequest): CaptureRun {
  const { config, invocation } = request;
  const clock = startClock();
  const { startedMs, elapsedMs, cpuMs } = clock;
  const env = { ...process.env };
  const identity = readIdentity(env, invocation);
  const captureId = v7({ msecs: startedMs, random: randomBytes(16) });
  const key = randomBytes(32);
  const outside = createRedactor({ key, ...defined({ extra: config.redact }) });
  const inside = config.recipient === undefined ? outside : passThrough();
  const budget = startBudget(limitsOf(request, startedMs));
  const ignoreStop = heedStop(request, budget);
  const context = contextOf(request, { captureId, startedMs, env, budget });
  const manifest = openManifest(captureId);
  const tool = toolFacts();
  let recipient: AgeRecipient | undefined;
  const end = earlyEnd(request);
  return {
    config,
    context,
    budget,
    manifest,
    elapsedMs,
    cpuMs,
    tiers: request.last?.tiers ?? {},
    place: placeOf(captureId, identity, startedMs),
    endedEarly: end.reason,
    commitFacts: (shipped, sealed) => ({
      ...commitFacts(context, identity, tool),
      ...sealed,
      ...defined({ endedEarly: end.committed() }),
      clocks: clockFacts(startedMs, elapsedMs(), shipped),
      cost: { cpuMs: cpuMs(), rssBefore: clock.rssBefore, rssAfter: process.memoryUsage.rss() },
    }),
    prepare: async () => {
      if (config.recipient !== undefined) recipient = await openAge(config.recipient);
      outside.learn(env);
      outside.json({ event: invocation?.event, error: invocation?.error });
      await learnTable(outside, await context.processes(), budget.yieldIfDue);
    },
    header: () => headerEntry(context, identity, tool, config.recipient === undefined ? undefined : key),
    tarballOptions: () =>
      tarballOptions({ context, identity, budget, manifest, inside, recipient, last: request.last }),
    redact: <T>(value: T) => outside.json(value).value as T,
    end: () => {
      ignoreStop();
      budget.end();
    },
  };
}

/** Ends the budget when the host says stop. Gives what ends the listening. */
function heedStop(request: CaptureRequest, budget: RunningBudget): () => void {
  const stop = (): void => budget.stop(endReason(request));
  request.stopSignal?.addEventListener('abort', stop, { once: true });
  if (request.stopSignal?.aborted === true) stop(); // while the engine was loaded
  return () => request.stopSignal?.removeEventListener('abort', stop);
}

function contextOf(
  request: CaptureRequest,
  own: Pick<CollectorContext, 'captureId' | 'startedMs' | 'env'> & { readonly budget: RunningBudget },
): CollectorContext {
  const { cause, config, invocation, inProcess, parked, recorded, beside } = request;
  const roots = request.roots ?? { proc: '/proc', writable: config.writable, code: config.code, etc: '/etc' };
  let table: Promise<ProcessTable> | undefined;
  return {
    ...own,
    cause,
    invocation,
    config,
    roots,
    inProcess,
    processes: () => (table ??= snapshotProcesses({ root: roots.proc, signal: own.budget.signal })),
    findings: findingsOf(request, roots),
    ...defined({ parked, recorded, beside }),
  };
}

/** What the host knows, or one look of our own: asked once, when the collector comes to it. */
function findingsOf({ findings, config, inProcess }: CaptureRequest, roots: Roots): () => Promise<FindingsReport> {
  const look =
    findings ??
    (() => openMonitor({ by: inProcess ? 'process' : 'extension', roots, policy: policyOf(config.detect) }).report());
  let report: Promise<FindingsReport> | undefined;
  return () => (report ??= look());
}

function limitsOf(request: CaptureRequest, nowMs: number): Parameters<typeof startBudget>[0] {
  const { config } = request;
  const givenMs = Math.max(0, Math.min(request.hardStopMs - nowMs, config.maxMs));
  // The host answers at the hard stop, and the sandbox may freeze then: what goes to the log has to be there before.
  const totalMs = givenMs - Math.min(givenMs * 0.1, 200);
  // Collecting stops early enough to flush, ship the last segment and commit.
  const closingMs = (request.last?.closingCpuMs ?? CLOSING_CPU_MS) / Math.min(1, coresOf(process.env) ?? 1);
  const reserveMs = Math.min(Math.max(totalMs * 0.25, closingMs, 100), totalMs / 2, 2000);
  return {
    collectMs: Math.max(0, totalMs - reserveMs),
    commitMs: totalMs - reserveMs / 2,
    totalMs,
    bytes: config.maxBytes,
    sliceMs: config.sliceMs,
  };
}

function placeOf(captureId: string, identity: Identity, startedMs: number): CaptureIdentity {
  const { account, region, functionName } = identity;
  return { captureId, account, region, functionName, date: new Date(startedMs).toISOString().slice(0, 10) };
}

async function learnTable(
  redactor: Redactor,
  table: ProcessTable,
  yieldIfDue: () => Promise<void> | undefined,
): Promise<void> {
  for (const record of table.processes) {
    const environ = record.files.get('environ');
    if (environ?.ok === true) await redactInSlices(redactor, environ.body, 'environ', yieldIfDue);
    const cmdline = record.files.get('cmdline');
    if (cmdline?.ok === true) redactor.bytes(cmdline.body, 'cmdline');
    await yieldIfDue();
  }
}

function headerEntry(
  context: CollectorContext,
  identity: Identity,
  tool: ToolFacts,
  key: Buffer | undefined,
): JsonEntry {
  const { collectors, redact, destinations, ...config } = context.config;
  const value = {
    captureId: context.captureId,
    started: new Date(context.startedMs).toISOString(),
    cause: context.cause,
    identity,
    tool,
    inProcess: context.inProcess,
    config: { ...config, redact: redact?.source, collectors: names(collectors), destinations: names(destinations) },
    // With a recipient, raw values stand inside the age files, and the key that links the marks outside to them.
    ...(key === undefined ? {} : { redactionMarks: { algorithm: 'HMAC-SHA256', material: key.toString('hex') } }),
  };
  return { kind: 'json', path: 'capture.json', source: 'amber', method: 'api', value };
}

/** Why the host ended it early. The last line in the log says what the commit said, also if the end came in between. */
function earlyEnd(request: CaptureRequest): Record<'reason' | 'committed', () => string | undefined> {
  let reason = (): string | undefined => endReason(request)?.message;
  const committed = (): string | undefined => {
    const told = reason();
    reason = () => told;
    return told;
  };
  return { reason: () => reason(), committed };
}

function endReason({ stopSignal: stop }: CaptureRequest): AmberError | undefined {
  return stop?.aborted === true && isAmberError(stop.reason) ? stop.reason : undefined;
}

function names(objects: readonly { readonly name: string }[]): readonly string[] {
  return objects.map(({ name }) => name);
}

interface TarballParts {
  readonly context: CollectorContext;
  readonly identity: Identity;
  readonly budget: RunningBudget;
  readonly manifest: ManifestWriter;
  readonly inside: Redactor;
  readonly recipient: AgeRecipient | undefined;
  readonly last: LastCapture | undefined;
}

function tarballOptions({
  context,
  identity,
  budget,
  manifest,
  inside,
  recipient,
  last,
}: TarballParts): Omit<TarballOptions, 'onSegment'> {
  const { config } = context;
  const small = (identity.memoryMb ?? SMALL_FUNCTION_MB) < SMALL_FUNCTION_MB;
  const segmentBytes = small
    ? Math.min(config.segmentBytes, last?.segmentBytes ?? SMALL_SEGMENT_BYTES)
    : config.segmentBytes;
  return {
    compression: config.compression,
    segmentBytes,
    segmentMs: SEGMENT_MS,
    // A segment counts a part that is being compressed as if it did not shrink: it has to hold several.
    partBytes: Math.min(small ? MIB / 4 : MIB / 2, Math.max(Math.floor(segmentBytes / 8), MIB / 32)),
    startedMs: context.startedMs,
    digestWhole: last?.digestWhole ?? true,
    redactor: inside,
    budget,
    spend: budget.spend,
    manifest,
    ...(recipient === undefined ? {} : { encryptor: () => recipient.encryptor() }),
  };
}

function commitFacts(
  context: CollectorContext,
  identity: Identity,
  tool: ToolFacts,
): Omit<CommitFacts, 'clocks' | 'cost' | 'sha256' | 'bytes'> {
  const { captureId, cause, config } = context;
  const { compression, recipient, maxBytes, maxMs, maxEntries, segmentBytes } = config;
  return {
    captureId,
    cause,
    identity,
    tool,
    compression,
    recipient: recipient ?? null,
    limits: { maxBytes, maxMs, maxEntries, segmentBytes },
  };
}
