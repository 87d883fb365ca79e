/**
 * One collection of the code-level evidence, from the function's name to a report:
 *
 *     acquire → archive → seal → ship → report
 *
 * The twin of capture.ts: what {@link runCollection} writes is a capture of the control plane, and reads like one.
 */
import { defined } from '../defined.ts';
import { beginCollection, type CollectionRun, type CollectRequest } from './run.ts';
import type { Source } from './contracts.ts';
import { SOURCES } from './index.ts';
import type { LedgerLine } from './ledger.ts';
import type { MeterFigures } from './meter.ts';
import { drainEntries, type EntrySink } from '../archive/run-collector.ts';
import type { Tarball } from '../archive/tarball.ts';
import type { CaptureReport, Destination, Entry, ManifestItem, Outcome } from '../contracts/evidence.ts';
import { asAmberError, deliver, type Delivery } from '../capture/deliver.ts';
import { AmberError, isAmberError } from '../errors.ts';
import { endOf } from '../lambda/budget.ts';
import { finalReport } from '../report/report.ts';
import { commitDocument, type CommitFacts } from '../seal/commit.ts';
import type { Outward } from '../contracts/outward.ts';
import { openDestination } from '../ship/index.ts';
import { s3Through } from '../ship/s3.ts';

export type { CollectRequest } from './run.ts';

/** What a collection came to. */
export interface CollectReport extends CaptureReport {
  readonly functionArn: string;
  readonly figures: MeterFigures;
  /** Items that earlier runs had. */
  readonly resumed: number;
  /** Why it ended before everything was asked: credentials that expired, the responder's Ctrl-C. */
  readonly stopped?: AmberError;
  /** Another run with the same state would collect more. */
  readonly unfinished: boolean;
  /** IAM actions that were denied. */
  readonly deniedActions: readonly string[];
  /** What a responder has to look at: digests that do not match, versions that vanished. */
  readonly problems: readonly string[];
}

const PROGRESS_MS = 500;
/** Outcomes after which an item need not be asked for again. */
const SAFE: ReadonlySet<Outcome> = new Set(['collected', 'changed', 'empty']);
/** Outcomes that another run may better. */
const OPEN: ReadonlySet<Outcome> = new Set(['denied', 'failed', 'timed-out', 'truncated']);

/**
 * Collects. Rejects only before anything is written; after that every fault is in the report.
 *
 * @throws AmberError ACQUIRE_*, DESTINATION_*, CONFIG_INVALID, USAGE.
 */
export async function runCollection(request: CollectRequest): Promise<CollectReport> {
  const sources = chosen(request.sources);
  const run = await beginCollection(request);
  const timer = setInterval(() => request.onProgress?.(run.meter.figures()), PROGRESS_MS);
  let destination: Destination | undefined;
  try {
    destination = await openAt(run, request.clients.outward);
    const { target, ledger } = run;
    ledger.begin({
      collection: 1,
      functionArn: target.functionArn,
      sinceMs: target.sinceMs,
      untilMs: target.untilMs,
      started: new Date().toISOString(),
    });
    return await collectTo(run, sources, request.signal, destination);
  } finally {
    clearInterval(timer);
    destination?.close();
    run.end();
  }
}

function chosen(names: readonly string[] | undefined): readonly Source[] {
  if (names === undefined) return SOURCES;
  const unknown = names.find((name) => !SOURCES.some((source) => source.name === name));
  if (unknown !== undefined)
    throw new AmberError(
      'USAGE',
      `--sources has ${JSON.stringify(unknown)}; expected names out of ` +
        `${SOURCES.map(({ name }) => name).join(', ')}, for example --sources versions,logs.`,
    );
  return SOURCES.filter((source) => names.includes(source.name));
}

async function openAt({ config, place }: CollectionRun, outward: Outward | undefined): Promise<Destination> {
  if (config.destination === undefined)
    throw new AmberError('USAGE', 'Say where the evidence goes: --out DIR, or --destination s3://BUCKET/PREFIX.');
  // What the command is told of proxies and credentials counts for the bucket as well.
  const destinations = outward === undefined ? config.destinations : [...config.destinations, s3Through(outward)];
  return openDestination(config.destination, place, { ...config, destinations });
}

/** A responder waits for a destination that fails, but not for hours: the same command goes on where it ended. */
const PATIENCE_MS = 60_000;

async function collectTo(
  run: CollectionRun,
  sources: readonly Source[],
  wanted: AbortSignal,
  destination: Destination,
): Promise<CollectReport> {
  const { budget, manifest } = run;
  const notebook = openNotebook(run);
  let stopped: AmberError | undefined;
  const stop = (error: AmberError): void => {
    stopped ??= error;
    budget.stop();
  };
  wanted.addEventListener(
    'abort',
    () =>
      stop(
        new AmberError(
          'CAPTURE_ABORTED',
          'The collection was stopped before its end; run the same command again to go on.',
        ),
      ),
    { once: true },
  );
  const delivery = await deliver({
    destination,
    hardStop: budget.hardStop,
    patienceMs: PATIENCE_MS,
    tarball: run.tarballOptions(),
    fill: (tarball) => fill(run, sources, { tarball, notebook, stop, why: () => stopped?.message }),
    onShipped: (shipped, outbox) => {
      notebook.acknowledged(shipped.segment.number, { stored: shipped.receipt !== undefined });
      const refused = outbox.refused();
      if (refused !== undefined) stop(refused);
    },
    marker: (shipped, sealed) =>
      commitDocument(withEnd(run.commitFacts(shipped, sealed), endedOf(run, stopped)), shipped, manifest, run.redact),
  });
  return finish(run, destination, delivery, { stopped, notebook });
}

function withEnd(facts: CommitFacts, endedEarly: string | undefined): CommitFacts {
  return endedEarly === undefined ? facts : { ...facts, endedEarly };
}

/** Why it ended before everything was asked, where it did. */
function endedOf({ budget }: CollectionRun, stopped: AmberError | undefined): string | undefined {
  return stopped?.message ?? (budget.signal.aborted ? endOf(budget.signal) : undefined);
}

interface Filling {
  readonly tarball: Tarball;
  readonly notebook: Notebook;
  readonly stop: (error: AmberError) => void;
  readonly why: () => string | undefined;
}

/** Lanes run side by side; the tarball takes one entry at a time. */
async function fill(run: CollectionRun, sources: readonly Source[], filling: Filling): Promise<void> {
  const { tarball, stop, why } = filling;
  const sink = inTurn(tarball, filling.notebook);
  await tarball.startTier('code');
  await sink.add(run.header(), 'collection');
  const budget = { ...run.budget, signal: run.context.signal };
  const lanes = [...new Set(sources.map(({ lane }) => lane))].map(async (lane) => {
    for (const source of sources.filter((one) => one.lane === lane)) {
      const stopped = (): string => `not asked to the end: ${why() ?? 'the time ended'}`;
      await drainEntries({ name: source.name, budget, start: () => watched(run, source, stop), stopped }, sink);
    }
  });
  for (const lane of await Promise.allSettled(lanes)) {
    if (lane.status === 'rejected') throw asAmberError(lane.reason);
  }
}

/** A source whose credentials fail ends the collection: the others would fail as well, one retry after the other. */
async function* watched(run: CollectionRun, source: Source, stop: (error: AmberError) => void): AsyncGenerator<Entry> {
  try {
    yield* source.acquire(run.target, run.context);
  } catch (error) {
    if (isAmberError(error) && error.code === 'ACQUIRE_CREDENTIALS') stop(error);
    throw error;
  }
}

function inTurn(tarball: Tarball, notebook: Notebook): EntrySink {
  let last: Promise<unknown> = Promise.resolve();
  function queue<T>(step: () => Promise<T>): Promise<T> {
    const mine = last.then(step);
    last = mine.catch(() => undefined);
    return mine;
  }
  return {
    add: (entry, name) => queue(async () => notebook.note(await tarball.add(entry, name), tarball.segment)),
    age: () => queue(() => tarball.age()),
  };
}

interface Notebook {
  readonly note: (item: ManifestItem, segment: number) => void;
  readonly acknowledged: (segment: number, options: { readonly stored: boolean }) => void;
  readonly denied: () => readonly string[];
  /** Items that another run may get. */
  readonly open: () => number;
}

/** Writes an item into the ledger once every segment up to the one that ends it is stored. */
function openNotebook({ captureId, ledger }: CollectionRun): Notebook {
  const stored = new Set<number>();
  const denied = new Set<string>();
  let waiting: { readonly line: LedgerLine; readonly segment: number }[] = [];
  let safe = -1;
  let open = 0;
  return {
    note: (item, segment) => {
      const { action, series, mark, complete, final } = item.notes ?? {};
      if (OPEN.has(item.outcome) && final !== true) open += 1;
      if (item.outcome === 'denied' && typeof action === 'string' && final !== true) denied.add(action);
      if (!SAFE.has(item.outcome) || item.collector === 'collection') return;
      const line: LedgerLine = {
        path: item.path,
        capture: captureId,
        ...(typeof series === 'string' ? { series, complete: complete === true } : {}),
        ...(typeof mark === 'number' ? { mark } : {}),
      };
      waiting.push({ line, segment });
    },
    acknowledged: (segment, { stored: isStored }) => {
      if (isStored) stored.add(segment);
      while (stored.delete(safe + 1)) safe += 1;
      ledger.record(waiting.filter((one) => one.segment <= safe).map((one) => one.line));
      waiting = waiting.filter((one) => one.segment > safe);
    },
    denied: () => [...denied].sort(),
    open: () => open,
  };
}

function finish(
  run: CollectionRun,
  destination: Destination,
  delivery: Delivery,
  { stopped, notebook }: { stopped: AmberError | undefined; notebook: Notebook },
): CollectReport {
  const { manifest, ledger, captureId, cause } = run;
  const outcomes = manifest.outcomes();
  const facts = {
    captureId,
    cause: run.redact(cause),
    location: destination.location,
    outcomes,
    completeness: manifest.shortfalls.result(0, endedOf(run, stopped)).state,
    elapsedMs: run.elapsedMs(),
    cpuMs: run.cpuMs(),
  };
  const report = finalReport(facts, delivery.shipped, delivery.sealed?.sha256 ?? undefined, delivery.error);
  const unfinished = report.state !== 'whole' || stopped !== undefined || notebook.open() > 0;
  if (!unfinished) ledger.finish(captureId);
  return {
    ...report,
    unfinished,
    resumed: run.resumed,
    functionArn: run.target.functionArn,
    figures: run.meter.figures(),
    ...defined({ stopped }),
    deniedActions: notebook.denied(),
    problems: run.problems.map((problem) => run.redact(problem)),
  };
}
