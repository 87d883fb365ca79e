/** The black box: what processes did before the capture. It is read first: who has this uid can overwrite it. */
import type { Collector, CollectorContext, Entry } from '../contracts/evidence.ts';
import type { BesideRecord, RecordedEvent } from '../contracts/recorded.ts';
import { differences } from '../record/compare.ts';
import { SLOT_BYTES, SLOTS } from '../record/format.ts';
import { defined } from '../defined.ts';
import { toText } from '../proc/bytes.ts';
import { ringsOf, type FoundRing, type FoundRings } from './rings.ts';

const PATH = 'live_response/events.jsonl';

export const recorder: Collector = {
  name: 'recorder',
  description:
    'The black box: what the function did before the capture (children, connections, requests, modules, changes), ' +
    'and its rings as found.',
  tier: 'volatile',
  async *collect(context: CollectorContext): AsyncGenerator<Entry> {
    const found = await ringsOf(context);
    const beside = context.beside?.();
    if (found.rings.length === 0 && beside === undefined) {
      yield {
        ...{ kind: 'absent', path: PATH, source: 'recorder', method: 'proc-fd', outcome: 'skipped' },
        ...{ byDesign: 'nothing-to-do', reason: 'no process has a recorder (AMBER_RECORD)' },
      };
      return;
    }
    const observed = (beside?.observed ?? []).map((event) => ({ time: isoTime(event.timeMs), ...event }));
    const rows = [boxRow(found, context, beside), ...found.rings.flatMap(eventRows), ...observed];
    yield { kind: 'jsonl', path: PATH, source: 'recorder', method: 'proc-fd', rows };
    for (const [at, ring] of found.rings.entries()) yield asFound(ring, at + 1, context);
  },
};

/** The first row says what the others are read from, and what is wrong or missing there. */
function boxRow(
  { rings, left }: FoundRings,
  { recorded }: CollectorContext,
  beside: BesideRecord | undefined,
): Readonly<Record<string, unknown>> {
  const recorder = recorded?.().facts;
  const extension = beside?.facts;
  return { box: { rings: rings.map(ringFacts), left, ...defined({ recorder, extension }) } };
}

function ringFacts(ring: FoundRing, at: number): Readonly<Record<string, unknown>> {
  const { identity, label, holders, read, kept } = ring;
  return {
    ring: at + 1,
    inode: identity,
    place: label === undefined ? 'memory' : toText(label),
    holders,
    pids: read.pids,
    events: read.events.length,
    overwritten: read.overwritten,
    missing: read.missing,
    faults: read.faults,
    ...(read.sizeFault < 0 ? { bytesMissing: -read.sizeFault } : {}),
    ...(kept === undefined ? {} : { tailed: { ...kept.facts, ...differences(kept.tailed(), read) } }),
  };
}

/** Events of the ring; beside them, marked, what the extension has read there and the ring has no longer. */
function eventRows({ read, kept }: FoundRing, at: number): Readonly<Record<string, unknown>>[] {
  const now = new Map(read.events.map((event) => [event.sequence, JSON.stringify(event)]));
  const tailed = kept?.tailed() ?? [];
  const gone = tailed.filter((event) => now.get(event.sequence) !== JSON.stringify(event));
  const row = (event: RecordedEvent, from: object): Readonly<Record<string, unknown>> & RecordedEvent => ({
    ...{ ring: at + 1, time: isoTime(event.timeMs) },
    ...from,
    ...event,
  });
  return [...gone.map((event) => row(event, { from: 'tail' })), ...read.events.map((event) => row(event, {}))].sort(
    (one, other) => one.sequence - other.sequence,
  );
}

/** What the clock of somebody else says may be no date. */
function isoTime(ms: number): string | undefined {
  return ms < 8.64e15 ? new Date(ms).toISOString() : undefined;
}

/** With a recipient the bytes. Without one each slot is a row, in which secrets are covered as in every other. */
function asFound(ring: FoundRing, number: number, { config }: CollectorContext): Entry {
  const from = { source: ring.source, method: 'proc-fd' } as const;
  const path = `live_response/rings/ring-${number}`;
  if (config.recipient !== undefined)
    return { kind: 'bytes', path: `${path}.bin`, ...from, body: ring.bytes, redaction: 'content' };
  const faulty = new Map(ring.read.faults.map((fault) => [fault.slot, fault]));
  const rows: Readonly<Record<string, unknown>>[] = [];
  for (let slot = 0; slot < SLOTS; slot += 1) {
    const bytes = Buffer.from(ring.bytes.subarray(slot * SLOT_BYTES, (slot + 1) * SLOT_BYTES));
    if (bytes.every((byte) => byte === 0)) continue;
    const { what, reason } = faulty.get(slot) ?? {};
    rows.push({ slot, ...(what === undefined ? {} : { what, reason }), text: textIn(bytes) });
  }
  return { kind: 'jsonl', path: `${path}.jsonl`, ...from, rows };
}

/** A slot that is JSON stands there as such, so that its members are searched as those of a row. */
function textIn(bytes: Buffer): unknown {
  const text = bytes.toString('latin1').trimEnd();
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
