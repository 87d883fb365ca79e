/**
 * The state of one capture: its context, budget, redactors and manifest. Made by {@link beginCapture}, ended by `end`.
 */
import { randomBytes } from 'node:crypto';
import { v7 } from 'uuid';
import type { TarballOptions } from '../archive/tarball.ts';
import { policyOf } from '../config/detect-policy.ts';
import type {
  CaptureIdentity,
  Cause,
  FindingsReport,
  InvocationFacts,
  JsonEntry,
  Roots,
  CollectorContext,
  Tier,
  Config,
} from '../contracts/evidence.ts';
import { defined } from '../defined.ts';
import { openMonitor } from '../detect/anomaly-monitor.ts';
import { isAmberError, type AmberError } from '../errors.ts';
import { coresOf } from '../lambda/cores.ts';
import { startBudget, type RunningBudget } from '../lambda/budget.ts';
import { readIdentity, type Identity } from '../lambda/identity.ts';
import { snapshotProcesses } from '../proc/snapshot.ts';
import { openAge, type AgeRecipient } from '../seal/age.ts';
import { clockFacts, cpuSince, toolFacts } from './facts.ts';
import type { CommitFacts, ShippedSegment, ToolFacts } from '../seal/commit.ts';
import { openManifest, type ManifestWriter } from '../seal/manifest.ts';
import type { Redactor } from '../secrets/contracts.ts';
import { createRedactor, passThrough } from '../secrets/redactor.ts';
import { redactInSlices } from '../secrets/slices.ts';
import type { ProcessTable } from '../contracts/process-table.ts';

/** What a host asks for. */
export interface CaptureRequest {
  readonly cause: Cause;
  readonly config: Config;
  readonly invocation: InvocationFacts | undefined;
  /** Milliseconds since the epoch at which everything must have ended. */
  readonly hardStopMs: number;
  /** True where the function's own process runs the capture. */
  readonly inProcess: boolean;
  /** What the detectors of the host know; without it a capture looks once, with nothing to compare with. */
  readonly findings?: () => Promise<FindingsReport>;
  /**
   * Ends collecting when aborted; what there is by then is closed and committed. An AmberError as its reason goes into
   * the manifest.
   */
  readonly stopSignal?: AbortSignal;
  /**
   * Called when nobody should wait for the capture any more: the destination is not reached, and it goes on all the
   * same.
   */
  readonly release?: () => void;
  /** Size by SHA-256 of captures that lie parked in /tmp: they are not stored again. */
  readonly parked?: ReadonlyMap<string, number>;
  /** The last capture of a sandbox, or a rehearsal of it. */
  readonly last?: LastCapture;
  /** Nothing goes to the log: a rehearsal. */
  readonly quiet?: boolean;
  /** Other places to read from; for tests. */
  readonly roots?: Roots;
}

/** How the last capture of a sandbox differs: the function has gone and needs its memory no more, and time is short. */
export interface LastCapture {
  /** CPU that the close takes, milliseconds: little where it has been rehearsed. */
  readonly closingCpuMs: number;
  /** Most bytes of a segment: each costs as much CPU as 0.5 MB of its content. */
  readonly segmentBytes: number;
  /** False: of the segments joined no digest is made. */
  readonly digestWhole: boolean;
  /** Tiers of collectors, by name, that are to wait for others. */
  readonly tiers: Readonly<Record<string, Tier>>;
}

export interface CaptureRun {
  readonly config: Config;
  readonly tiers: Readonly<Record<string, Tier>>;
  readonly context: CollectorContext;
  readonly budget: RunningBudget;
  readonly place: CaptureIdentity;
  readonly manifest: ManifestWriter;
  readonly elapsedMs: () => number;
  readonly cpuMs: () => number;
  /** Takes the first snapshot of the process table and learns every secret in it, before anything is written. */
  readonly prepare: () => Promise<void>;
  /** The first entry of the tarball. */
  readonly header: () => JsonEntry;
  readonly tarballOptions: () => Omit<TarballOptions, 'onSegment'>;
  readonly commitFacts: (
    shipped: readonly ShippedSegment[],
    sealed: { sha256: string | null; bytes: number },
  ) => CommitFacts;
  /** Redacts what leaves for the log or manifest.json, whatever the recipient. */
  readonly redact: <T>(value: T) => T;
  readonly end: () => void;
  /** Why its host ended it before its time, where it did. */
  readonly endedEarly: () => string | undefined;
}

const MIB = 1024 * 1024;
/** Below this size of function, segments and parts are small: three of each must fit beside the handler. */
const SMALL_FUNCTION_MB = 512;
const SMALL_SEGMENT_BYTES = 2 * MIB;
/** A segment is sent at this age, so that a slow sandbox does not sit on its evidence. */
const SEGMENT_MS = 2000;

/** CPU that the first close of a tarball takes, its segment and the commit marker included. */
const CLOSING_CPU_MS = 55;

export function beginCapture(request: CaptureRequest): CaptureRun {
  const { config, invocation, cause } = request;
  const startedMs = Date.now();
  const started = performance.now();
  const cpu = process.cpuUsage();
  const env = { ...process.env };
  const identity = readIdentity(env, invocation);
  const captureId = v7({ msecs: startedMs, random: randomBytes(16) });
  const key = randomBytes(32);
  const outside = createRedactor({ key, ...defined({ extra: config.redact }) });
  const inside = config.recipient === undefined ? outside : passThrough();
  const budget = startBudget(limitsOf(request, startedMs));
  const stop = (): void => budget.stop(endReason(request));
  request.stopSignal?.addEventListener('abort', stop, { once: true });
  if (request.stopSignal?.aborted === true) stop(); // while the engine was loaded
  const roots = request.roots ?? { proc: '/proc', writable: config.writable, code: config.code, etc: '/etc' };
  let table: Promise<ProcessTable> | undefined;
  const processes = (): Promise<ProcessTable> =>
    (table ??= snapshotProcesses({ root: roots.proc, signal: budget.signal }));
  const context: CollectorContext = {
    captureId,
    startedMs,
    cause,
    invocation,
    config,
    roots,
    budget,
    env,
    inProcess: request.inProcess,
    processes,
    findings: findingsOf(request, roots),
    ...defined({ parked: request.parked }),
  };
  const manifest = openManifest(captureId);
  const tool = toolFacts();
  let recipient: AgeRecipient | undefined;
  const rssBefore = process.memoryUsage.rss();
  const elapsedMs = (): number => Math.round(performance.now() - started);
  const cpuMs = (): number => cpuSince(cpu);
  return {
    config,
    context,
    budget,
    manifest,
    elapsedMs,
    cpuMs,
    tiers: request.last?.tiers ?? {},
    place: placeOf(captureId, identity, startedMs),
    endedEarly: () => endReason(request)?.message,
    commitFacts: (shipped, sealed) => ({
      ...commitFacts(context, identity, tool),
      ...sealed,
      ...endedEarly(request),
      clocks: clockFacts(startedMs, elapsedMs(), shipped),
      cost: { cpuMs: cpuMs(), rssBefore, rssAfter: process.memoryUsage.rss() },
    }),
    prepare: async () => {
      if (config.recipient !== undefined) recipient = await openAge(config.recipient);
      outside.learn(env);
      outside.json({ event: invocation?.event, error: invocation?.error });
      await learnTable(outside, await processes(), budget.yieldIfDue);
    },
    header: () => headerEntry(context, identity, tool, config.recipient === undefined ? undefined : key),
    tarballOptions: () =>
      tarballOptions({ context, identity, budget, manifest, inside, recipient, last: request.last }),
    redact: <T>(value: T) => outside.json(value).value as T,
    end: () => {
      request.stopSignal?.removeEventListener('abort', stop);
      budget.end();
    },
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

function endReason({ stopSignal: stop }: CaptureRequest): AmberError | undefined {
  return stop?.aborted === true && isAmberError(stop.reason) ? stop.reason : undefined;
}

function endedEarly(request: CaptureRequest): Pick<CommitFacts, 'endedEarly'> {
  const reason = endReason(request);
  return reason === undefined ? {} : { endedEarly: reason.message };
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
