/** What a process of the function has handed over for a capture: read as what anybody with its uid may have sent. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Collector, Entry } from '../contracts.ts';
import type { Running } from './extension-duty.ts';

/** What is on its way is waited for so long: the capture needs most of it for itself. */
const WAIT_MS = 1000;
const MOST_SENDERS = 4;
const MOST_ENTRIES = 300;
/** Names that only these entries have: nothing that the capture itself stores can be replaced. */
const PATHS = /^(?:live_response\/(?:runtime|diagnostic-report|function-process)\.json|live_response\/scripts\.jsonl?|recovered\/\d{1,10}\/script-\d{1,10}\.js)$/u;
const UNVERIFIED = 'sent over a local socket: any process with the uid of the function can send this';

/** The collectors of one capture: for what has come when deleted files are read, and for what came later. */
export function handedOver(running: Pick<Running, 'handed' | 'isSealed'>): readonly Collector[] {
  const shelf: Shelf = { handed: running.handed, kept: 0, seen: new Set() };
  const description = "What only the function's process can tell, as it handed it over.";
  return [
    { name: 'handed-over', description, tier: 'recovered', collect: () => keep(shelf) },
    {
      name: 'handed-over-late', description: `${description} It came while the capture was under way.`, tier: 'code',
      async *collect(): AsyncGenerator<Entry> {
        running.isSealed = true; // whoever comes now is sent away, and captures himself
        yield* keep(shelf);
        const more = shelf.handed.length - shelf.kept;
        if (more > 0) yield { kind: 'absent', path: nameOf(shelf.kept), source: SOURCE, method: 'api', outcome: 'skipped', reason: `${String(more)} more have handed something over: of one capture ${String(MOST_SENDERS)} are kept` };
      },
    },
  ];
}

interface Shelf {
  readonly handed: readonly Promise<unknown>[];
  /** Of these, stored. */
  kept: number;
  /** Paths that were stored. */
  readonly seen: Set<string>;
}

async function* keep(shelf: Shelf): AsyncGenerator<Entry> {
  const late = sleep(WAIT_MS, undefined, { ref: false });
  while (shelf.kept < Math.min(shelf.handed.length, MOST_SENDERS)) {
    const name = nameOf(shelf.kept);
    const line = (await Promise.race([shelf.handed[shelf.kept], late])) as { entries?: unknown; cost?: unknown } | undefined;
    if (line === undefined) {
      shelf.kept += 1;
      yield { kind: 'absent', path: name, source: SOURCE, method: 'api', outcome: 'timed-out', reason: 'the process that asked for this capture has sent nothing that can be read' };
      continue;
    }
    const all: readonly unknown[] = Array.isArray(line.entries) ? line.entries : [];
    const usable = all.slice(0, MOST_ENTRIES).map((value) => apart(entryOf(value), shelf)).filter((entry) => entry !== undefined);
    yield* usable;
    yield { kind: 'json', path: name, source: SOURCE, method: 'api', value: { warning: UNVERIFIED, cost: line.cost, entries: all.length, stored: usable.length } };
    shelf.kept += 1;
  }
}

/** What a second sender says of the same thing stands beside what the first one said: which of them lies is for others to judge. */
function apart(entry: (Entry & { readonly path: string }) | undefined, { seen, kept }: Shelf): Entry | undefined {
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
  const { kind, path, source, method, value: json, rows, base64, outcome, reason } = value as Readonly<Partial<Record<Sent, unknown>>>;
  if (typeof path !== 'string' || !PATHS.test(path)) return undefined;
  const base = { path, source: `${SOURCE}: ${short(source)}`, method: short(method), notes: () => ({ unverified: true }) };
  switch (kind) {
    case 'json': return { kind, ...base, value: json };
    case 'jsonl': return Array.isArray(rows) ? { kind, ...base, rows } : undefined;
    case 'bytes': return typeof base64 === 'string' ? { kind, ...base, body: Buffer.from(base64, 'base64'), redaction: 'text' } : undefined;
    case 'absent': return { kind, ...base, outcome: outcome === 'failed' ? 'failed' : 'skipped', reason: short(reason) };
    default: return undefined;
  }
}

/** Of one line and a bounded length. */
function short(value: unknown): string {
  return (typeof value === 'string' ? value : '?').replaceAll(/[^\x20-\x7e]/gu, '?').slice(0, 300);
}
