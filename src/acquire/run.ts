/**
 * The state of one collection: clients, target, budget, redactors, book and ledger. Made by {@link beginCollection}.
 */
import { randomBytes } from 'node:crypto';
import { v7 } from 'uuid';
import { defined } from '../defined.ts';
import { openClients, type ClientOptions, type Clients } from './clients.ts';
import type { AcquireContext, Target } from './contracts.ts';
import { regionOf } from './function.ts';
import { openLedger, type Ledger } from './ledger.ts';
import { createMeter, type Meter, type MeterFigures } from './meter.ts';
import { compareAccount, parseFunctionName, type FunctionName } from './function-name.ts';
import { callerOf } from './act.ts';
import { readTarget } from './target.ts';
import type { TarballOptions } from '../archive/contracts.ts';
import type { CaptureIdentity, Cause, JsonEntry, Config } from '../contracts/evidence.ts';
import { AmberError } from '../errors.ts';
import { startBudget, type RunningBudget } from '../lambda/budget.ts';
import { clockFacts, startClock, toolFacts, type RunClock } from '../capture/facts.ts';
import { openAge, type AgeRecipient } from '../seal/age.ts';
import type { CommitFacts, ShippedSegment, ToolFacts } from '../seal/commit.ts';
import { openManifest, type ManifestWriter } from '../seal/manifest.ts';
import type { Redactor } from '../secrets/contracts.ts';
import { createRedactor, passThrough } from '../secrets/redactor.ts';
import type { Window } from './target-options.ts';

/** What `amber collect` asks for. */
export interface CollectRequest {
  /** Name or ARN, as it was typed. */
  readonly functionName: string;
  /** Destination, recipient, compression and redaction count; the budgets of a sandbox do not. */
  readonly config: Config;
  readonly clients: ClientOptions;
  /** Undefined: the window of the run that this one goes on from, or the last seven days. */
  readonly window: Partial<Window>;
  readonly accessKeyIds: readonly string[];
  readonly trail?: string | undefined;
  /** Where captures of it lie: what a trail tells of that bucket is kept. */
  readonly captures?: string | undefined;
  /** Log groups beside the configured ones. */
  readonly logGroups?: readonly string[] | undefined;
  /** Names of sources; undefined: all. */
  readonly sources?: readonly string[] | undefined;
  /** File that tells a second run where to go on; undefined: none is kept. */
  readonly statePath?: string | undefined;
  /** Aborted when the responder has had enough: what was collected is closed in order. */
  readonly signal: AbortSignal;
  readonly onProgress?: (figures: MeterFigures) => void;
}

export interface CollectionRun {
  readonly config: Config;
  readonly captureId: string;
  readonly target: Target;
  readonly cause: Cause;
  readonly place: CaptureIdentity;
  readonly context: AcquireContext;
  readonly meter: Meter;
  readonly ledger: Ledger;
  readonly budget: RunningBudget;
  readonly manifest: ManifestWriter;
  readonly problems: readonly string[];
  /** Items of earlier runs that this one does not collect again. */
  readonly resumed: number;
  readonly elapsedMs: () => number;
  readonly cpuMs: () => number;
  readonly header: () => JsonEntry;
  readonly tarballOptions: () => Omit<TarballOptions, 'onSegment'>;
  readonly commitFacts: (
    shipped: readonly ShippedSegment[],
    sealed: { sha256: string | null; bytes: number },
  ) => CommitFacts;
  readonly redact: <T>(value: T) => T;
  readonly end: () => void;
}

const MIB = 1024 * 1024;
const WEEK_MS = 7 * 86_400_000;
/**
 * A collection of many versions and a busy log takes hours at the quotas of the account; this ends one that never does.
 */
const LONGEST_MS = 24 * 3_600_000;
const MAX_BYTES = 1024 * 1024 * MIB;
const SEGMENT_MS = 30_000;
const SLICE_MS = 20;

/**
 * Finds the function and prepares everything that does not write.
 *
 * @throws AmberError ACQUIRE_*, USAGE, RECIPIENT_INVALID, CASE_UNREADABLE.
 */
export async function beginCollection(request: CollectRequest): Promise<CollectionRun> {
  const { config } = request;
  const clock = startClock();
  const { startedMs } = clock;
  const named = parseFunctionName(request.functionName);
  const ledger = openLedger(request.statePath);
  const recipient = config.recipient === undefined ? undefined : await openAge(config.recipient);
  const { aws, meter, budget, signal, end } = openAccess(request, named.region);
  const [target, requester] = await find(aws, request, named, ledger).catch((error: unknown) => {
    end();
    throw error;
  });
  const captureId = v7({ msecs: startedMs, random: randomBytes(16) });
  const key = randomBytes(32);
  const outside = redactorOf(config, target, key);
  const cause: Cause = {
    trigger: 'collect',
    reason: `amber collect ${target.functionName}`,
    ...defined({ requester }),
  };
  const problems = firstProblems(target);
  const resumed = ledger.size();
  const identity = identityOf(target);
  const tool = toolFacts();
  const header = { captureId, startedMs, cause, identity, tool, target, resumed, sources: request.sources };
  const redactor = recipient === undefined ? outside : passThrough();
  const manifest = openManifest(captureId);
  return {
    config,
    captureId,
    target,
    cause,
    meter,
    ledger,
    budget,
    manifest,
    problems,
    resumed,
    end,
    elapsedMs: clock.elapsedMs,
    cpuMs: clock.cpuMs,
    place: { ...identity, captureId, date: new Date(startedMs).toISOString().slice(0, 10) },
    context: { aws, meter, ledger, signal, warn: (problem) => void problems.push(problem) },
    header: () => headerEntry(header, recipient === undefined ? undefined : key),
    tarballOptions: () => tarballOptions(config, { startedMs, budget, signal, manifest, redactor, recipient }),
    commitFacts: (shipped, sealed) => ({ ...commitFacts(header, config, clock, shipped), ...sealed }),
    redact: <T>(value: T) => outside.json(value).value as T,
  };
}

function firstProblems({ functionName, isAbsent }: Target): string[] {
  return isAbsent ? [`${functionName} is gone, or may not be read: what does not need it was collected`] : [];
}

interface Access {
  readonly aws: Clients;
  readonly meter: Meter;
  readonly budget: RunningBudget;
  /** Aborted at the end of the budget, or when the responder has had enough. */
  readonly signal: AbortSignal;
  readonly end: () => void;
}

function openAccess(request: CollectRequest, region: string | undefined): Access {
  const meter = createMeter();
  const budget = startBudget({ collectMs: LONGEST_MS, totalMs: LONGEST_MS, bytes: MAX_BYTES, sliceMs: SLICE_MS });
  const signal = AbortSignal.any([budget.signal, request.signal]);
  const aws = openClients({ ...request.clients, region: region ?? request.clients.region }, meter, signal);
  const end = (): void => {
    budget.end();
    aws.close();
  };
  return { aws, meter, budget, signal, end };
}

interface TarballParts extends Pick<TarballOptions, 'startedMs' | 'redactor'>, Pick<Access, 'budget' | 'signal'> {
  readonly manifest: ManifestWriter;
  readonly recipient: AgeRecipient | undefined;
}

function tarballOptions(
  { compression, segmentBytes }: Config,
  { budget, signal, recipient, ...parts }: TarballParts,
): Omit<TarballOptions, 'onSegment'> {
  return {
    ...parts,
    compression,
    segmentBytes,
    segmentMs: SEGMENT_MS,
    partBytes: MIB,
    budget: { ...budget, signal },
    spend: budget.spend,
    ...(recipient === undefined ? {} : { encryptor: () => recipient.encryptor() }),
  };
}

function commitFacts(
  { captureId, cause, identity, tool, startedMs, target }: HeaderFacts,
  { compression, recipient, segmentBytes }: Config,
  clock: RunClock,
  shipped: readonly ShippedSegment[],
): Omit<CommitFacts, 'sha256' | 'bytes'> {
  return {
    captureId,
    cause,
    identity,
    tool,
    compression,
    recipient: recipient ?? null,
    limits: { segmentBytes, sinceMs: target.sinceMs, untilMs: target.untilMs },
    clocks: clockFacts(startedMs, clock.elapsedMs(), shipped),
    cost: { cpuMs: clock.cpuMs(), rssBefore: clock.rssBefore, rssAfter: process.memoryUsage.rss() },
  };
}

/** Knows every value of every version's environment, wherever it stands in the evidence. */
function redactorOf(config: Config, target: Target, key: Buffer): Redactor {
  const redactor = createRedactor({ key, ...defined({ extra: config.redact }) });
  for (const version of target.versions) redactor.learn(version.Environment?.Variables ?? {});
  return redactor;
}

function identityOf({
  functionName,
  functionArn,
  account,
  region,
  logGroups,
}: Target): Pick<Target, 'functionName' | 'functionArn' | 'account' | 'region' | 'logGroups'> {
  return { functionName, functionArn, account, region, logGroups };
}

async function find(
  aws: Clients,
  request: CollectRequest,
  named: FunctionName,
  ledger: Ledger,
): Promise<[Target, string | undefined]> {
  const region = await regionOf(aws);
  const untilMs = request.window.untilMs ?? ledger.head?.untilMs ?? Date.now();
  const sinceMs = request.window.sinceMs ?? ledger.head?.sinceMs ?? untilMs - WEEK_MS;
  const caller = await callerOf(aws);
  const target = await readTarget(aws, {
    named,
    region,
    sinceMs,
    untilMs,
    accessKeyIds: request.accessKeyIds,
    trail: request.trail,
    captures: request.captures,
    logGroups: request.logGroups,
    allowAbsent: true,
    caller,
  });
  if (ledger.head !== undefined && ledger.head.functionArn !== target.functionArn) {
    throw new AmberError(
      'USAGE',
      `The state in ${JSON.stringify(request.statePath ?? '')} is of a collection of ` +
        `${ledger.head.functionArn}, not of ${target.functionArn}; name another with --state.`,
    );
  }
  compareAccount(target.functionArn, caller);
  return [target, caller];
}

interface HeaderFacts {
  readonly captureId: string;
  readonly startedMs: number;
  readonly cause: Cause;
  readonly identity: ReturnType<typeof identityOf>;
  readonly tool: ToolFacts;
  readonly target: Target;
  readonly resumed: number;
  readonly sources: readonly string[] | undefined;
}

function headerEntry({ startedMs, target, ...facts }: HeaderFacts, key: Buffer | undefined): JsonEntry {
  const { sinceMs, untilMs, accessKeyIds, trail, roles, versions, aliases } = target;
  const value = {
    kind: 'collection',
    ...facts,
    started: new Date(startedMs).toISOString(),
    window: { since: new Date(sinceMs).toISOString(), until: new Date(untilMs).toISOString() },
    accessKeyIds,
    trail,
    roles,
    versions: versions.map((one) => one.Version),
    aliases: aliases.map((one) => one.Name),
    // With a recipient, raw values stand inside the age files, and the key that links the marks outside to them.
    ...(key === undefined ? {} : { redactionMarks: { algorithm: 'HMAC-SHA256', material: key.toString('hex') } }),
  };
  return { kind: 'json', path: 'capture.json', source: 'amber', method: 'api', value };
}
