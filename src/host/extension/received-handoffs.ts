/** What a process of the function has handed over for a capture: read as what anybody with its uid may have sent. */
import { setTimeout as sleep } from 'node:timers/promises';
import { detectionFinding } from '../../collect/ocsf.ts';
import type { Collector, Entry, Finding, FindingsReport, CollectorContext } from '../../contracts/evidence.ts';
import type { Running } from './state.ts';
import { mergeHanded, readHanded, unknownIn } from '../handoff/findings.ts';
import { printable } from '../../printable.ts';

/** What is on its way is waited for so long: the capture needs most of it for itself. */
const WAIT_MS = 1000;
const MAX_SENDERS = 4;
const MAX_ENTRIES = 300;
/** Names that only these entries have: nothing that the capture itself stores can be replaced. */
const PATHS =
  /^(?:live_response\/(?:runtime|diagnostic-report|function-process)\.json|live_response\/scripts\.jsonl?|recovered\/\d{1,10}\/script-\d{1,10}\.js)$/u;
const OWN_FACTS = /^live_response\/function-process(?:-\d)?\.json$/u;
const UNVERIFIED = 'sent over a local socket: any process with the uid of the function can send this';

export interface HandedOver {
  /** For what has come when deleted files are read, and for what came later. */
  readonly collectors: readonly Collector[];
  /** The findings of the capture: ours, and those that have come by then. What comes later has a list of its own. */
  readonly withHanded: (report: FindingsReport) => FindingsReport;
}

/** What is handed over for one capture. */
export function handedOver(running: Pick<Running, 'handed' | 'isSealed'>): HandedOver {
  const received: ReceivedHandoffs = {
    handed: running.handed,
    kept: 0,
    seen: new Set(),
    findings: [],
    left: 0,
    told: new Set(),
  };
  return {
    collectors: collectorsOf(running, received),
    withHanded: (report) => {
      const merged = mergeHanded(report, { kept: received.findings, left: received.left });
      for (const { key } of merged.findings) received.told.add(key);
      return merged;
    },
  };
}

function collectorsOf(running: Pick<Running, 'isSealed'>, received: ReceivedHandoffs): readonly Collector[] {
  const description = "What only the function's process can tell, as it handed it over.";
  return [
    { name: 'handed-over', description, tier: 'recovered', collect: () => keep(received) },
    {
      name: 'handed-over-late',
      description: `${description} It came while the capture was under way.`,
      tier: 'code',
      async *collect(context): AsyncGenerator<Entry> {
        running.isSealed = true; // a process that comes now is sent away, and captures by itself
        yield* keep(received);
        const more = received.handed.length - received.kept;
        if (more > 0)
          yield {
            kind: 'absent',
            path: nameOf(received.kept),
            source: SOURCE,
            method: 'api',
            outcome: 'skipped',
            reason: `${String(more)} more have handed something over: of one capture ${String(MAX_SENDERS)} are kept`,
          };
        yield* lateFindings(received, context);
      },
    },
  ];
}

/** Those that the list of the capture does not have: it was written before they came, or was not written. */
function* lateFindings({ findings, told }: ReceivedHandoffs, context: CollectorContext): Generator<Entry> {
  const late =
    context.config.collect.findLast((item) => item.slice(1) === 'findings')?.startsWith('-') === true
      ? []
      : unknownIn(findings, told);
  if (late.length === 0) return;
  const from = { source: SOURCE, method: 'api', notes: () => ({ unverified: true }) } as const;
  yield { kind: 'jsonl', path: 'live_response/findings-late.jsonl', ...from, rows: late };
  yield {
    kind: 'jsonl',
    path: 'live_response/findings-late-ocsf.jsonl',
    ...from,
    rows: late.map((one) => detectionFinding(one, context)),
  };
}

interface ReceivedHandoffs {
  readonly handed: readonly Promise<unknown>[];
  /** Of these, stored. */
  kept: number;
  /** Paths that were stored. */
  readonly seen: Set<string>;
  /** Findings that were handed over, and how many were not taken. */
  readonly findings: Finding[];
  left: number;
  /** Keys in the list of the capture. */
  readonly told: Set<string>;
}

async function* keep(received: ReceivedHandoffs): AsyncGenerator<Entry> {
  const late = sleep(WAIT_MS, undefined, { ref: false });
  while (received.kept < Math.min(received.handed.length, MAX_SENDERS)) {
    const name = nameOf(received.kept);
    const line = (await Promise.race([received.handed[received.kept], late])) as
      | { entries?: unknown; cost?: unknown }
      | undefined;
    if (line === undefined) {
      received.kept += 1;
      yield {
        kind: 'absent',
        path: name,
        source: SOURCE,
        method: 'api',
        outcome: 'timed-out',
        reason: 'the process that asked for this capture has sent nothing that can be read',
      };
      continue;
    }
    const all: readonly unknown[] = Array.isArray(line.entries) ? line.entries : [];
    const usable = all
      .slice(0, MAX_ENTRIES)
      .map((value) => apart(entryOf(value), received))
      .filter((entry) => entry !== undefined);
    yield* usable;
    for (const entry of usable)
      if (entry.kind === 'json' && OWN_FACTS.test(entry.path)) keepFindings(received, entry.value);
    yield {
      kind: 'json',
      path: name,
      source: SOURCE,
      method: 'api',
      value: { warning: UNVERIFIED, cost: line.cost, entries: all.length, stored: usable.length },
    };
    received.kept += 1;
  }
}

function keepFindings(received: ReceivedHandoffs, own: unknown): void {
  const { kept, left } = readHanded(
    typeof own === 'object' && own !== null ? (own as { readonly findings?: unknown }).findings : undefined,
  );
  received.findings.push(...kept);
  received.left += left;
}

/**
 * What a second sender says of the same thing stands beside what the first one said: which of them lies is for others
 * to judge.
 */
function apart(
  entry: (Entry & { readonly path: string }) | undefined,
  { seen, kept }: ReceivedHandoffs,
): Entry | undefined {
  if (entry === undefined) return undefined;
  const path = seen.has(entry.path) ? entry.path.replace(/(?=\.\w+$)/u, `-${String(kept)}`) : entry.path;
  if (seen.has(path)) return undefined;
  seen.add(path);
  return { ...entry, path };
}

function nameOf(number: number): string {
  return `live_response/handed-over${number === 0 ? '' : `-${String(number)}`}.json`;
}

const SOURCE = 'a process of the function';

/** Every member that an entry may have. */
type Sent = 'kind' | 'path' | 'source' | 'method' | 'value' | 'rows' | 'base64' | 'outcome' | 'reason';

function entryOf(value: unknown): (Entry & { readonly path: string }) | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const {
    kind,
    path,
    source,
    method,
    value: json,
    rows,
    base64,
    outcome,
    reason,
  } = value as Readonly<Partial<Record<Sent, unknown>>>;
  if (typeof path !== 'string' || !PATHS.test(path)) return undefined;
  const base = {
    path,
    source: `${SOURCE}: ${saidLine(source)}`,
    method: saidLine(method),
    notes: () => ({ unverified: true }),
  };
  switch (kind) {
    case 'json':
      return { kind, ...base, value: json };
    case 'jsonl':
      return Array.isArray(rows) ? { kind, ...base, rows } : undefined;
    case 'bytes':
      return typeof base64 === 'string'
        ? { kind, ...base, body: Buffer.from(base64, 'base64'), redaction: 'text' }
        : undefined;
    case 'absent':
      return { kind, ...base, outcome: outcome === 'failed' ? 'failed' : 'skipped', reason: saidLine(reason) };
    default:
      return undefined;
  }
}

/** What a process of the function says, for a capture and a log line: one line of a bounded length. */
export function saidLine(said: unknown): string {
  return printable(typeof said === 'string' ? said : '?', 'ascii', 300);
}
