/** Content that has no name any more: deleted executables, deleted open files, memfds. */
import { closeSync, constants, fstatSync, openSync, type BigIntStats } from 'node:fs';
import type { AbsentEntry, Collector, Entry, CollectorContext } from '../contracts/evidence.ts';
import type { ProcessRecord } from '../contracts/process-table.ts';
import { defined } from '../defined.ts';
import { toText } from '../proc/bytes.ts';
import { identityOf } from '../proc/maps.ts';
import { mountFacts, pin, type MountBook, type Place } from '../proc/mount-book.ts';
import { detachedMemory, queuedDescriptors, unaskedQueues } from './beyond-reach.ts';
import { groundsOf } from './grounds.ts';
import { leftFacts } from './left-facts.ts';
import { ringsOf } from './rings.ts';
import { recoverAside, type Doubtful } from './recovered-aside.ts';
import { candidates, look, untouchedReason, whyNot, type Found, type Item } from './recovered-items.ts';
import { many } from '../many.ts';

/** Looked at; the rest is counted. */
const MAX_ITEMS = 4096;
/** One of them may not take more than this part of the bytes that are left: /tmp is still to come. */
const LARGEST_PART = 0.5;
const EXACT = { bigint: true } as const;

export const recovered: Collector = {
  name: 'recovered',
  description: 'Deleted executables, deleted files that are still open or mapped, and memfds, each once, by content.',
  tier: 'recovered',
  async *collect(context: CollectorContext): AsyncGenerator<Entry> {
    const table = await context.processes();
    const { processes } = table;
    const book = groundsOf(context);
    const elsewhere = await covered(context);
    const firsts = new Map<string, Item>();
    const wanted: Wanted[] = [];
    const doubtful: Doubtful[] = [];
    let looked = 0;
    for (const record of heldLast(processes, context)) {
      let unlisted = 0;
      for (const item of candidates(record, context.roots.proc, (count) => (unlisted = count))) {
        if ((looked += 1) > MAX_ITEMS || context.budget.signal.aborted) continue;
        const found = look(item, book);
        const place = placeOf(found, elsewhere);
        const entry = place === undefined ? consider(found, firsts, wanted) : asCovered(item, place);
        if (entry === undefined) continue;
        if (isDoubtful(found)) doubtful.push({ item, entry });
        else yield entry;
      }
      if (unlisted > 0)
        yield beyond(
          `recovered/${record.pid}/map-beyond-the-limit`,
          context.roots.proc,
          `${unlisted} more deleted files that are only mapped were not looked at`,
        );
      yield* queuedDescriptors(record, context.roots.proc);
      await context.budget.yieldIfDue();
    }
    yield* unaskedQueues(table, context.roots.proc);
    yield* detachedMemory(table, context.roots.proc);
    // Small payloads do not wait for large decoys.
    wanted.sort((a, b) => Number(a.stat.size - b.stat.size));
    for (const { item, stat } of wanted) yield recover(context, book, item, stat);
    yield* recoverAside(context, book, doubtful, processes);
    if (book.unread() > 0)
      yield beyond(
        'recovered/mount-namespaces-beyond-the-limit',
        `${context.roots.proc}/*/mountinfo`,
        `${many(book.unread(), 'mount namespace was', 'mount namespaces were')} not read: what lies on their ` +
          `mounts counts as served from elsewhere`,
      );
    if (looked > MAX_ITEMS) {
      yield beyond(
        'recovered',
        context.roots.proc,
        `${many(looked - MAX_ITEMS, 'more item was', 'more items were')} not looked at`,
      );
    }
  },
};

/** What the extension holds of others has the name of its owner, where that is still there. */
function heldLast(
  processes: readonly ProcessRecord[],
  { beside }: Pick<CollectorContext, 'beside'>,
): readonly ProcessRecord[] {
  if (beside === undefined) return processes;
  return processes.toSorted((one, other) => Number(one.pid === process.pid) - Number(other.pid === process.pid));
}

function beyond(path: string, source: string, reason: string): AbsentEntry {
  return { kind: 'absent', path, source, method: 'proc-fd', outcome: 'skipped', reason };
}

interface Wanted {
  readonly item: Item;
  readonly stat: BigIntStats;
}

function isDoubtful(found: Found | undefined): boolean {
  return found !== undefined && 'place' in found && found.place.ground === 'doubtful';
}

/** Contents are stored as they are. What recorders leave is to be covered, so it lies elsewhere: where, by identity. */
async function covered(context: CollectorContext): Promise<ReadonlyMap<string, string>> {
  const places = new Map((await leftFacts(context)).map(({ identity, path }) => [identity, path]));
  for (const { identity } of (await ringsOf(context)).rings) places.set(identity, 'live_response/rings');
  return places;
}

function placeOf(found: Found | undefined, places: ReadonlyMap<string, string>): string | undefined {
  return found !== undefined && 'stat' in found ? places.get(identityOf(found.stat)) : undefined;
}

function asCovered(item: Item, place: string): AbsentEntry {
  return {
    ...absent(item, 'skipped', `left by a recorder: it lies under ${place}`),
    byDesign: 'stored-elsewhere',
  };
}

/** Puts the item on the list, or gives the entry that says why it is not there. */
function consider(found: Found | undefined, firsts: Map<string, Item>, wanted: Wanted[]): Entry | undefined {
  if (found === undefined) return undefined;
  const { item } = found;
  const stat = 'stat' in found ? found.stat : undefined;
  const identity = stat === undefined ? item.identity : identityOf(stat);
  const first = identity === undefined ? undefined : firsts.get(identity);
  if (first !== undefined)
    return {
      ...absent(item, 'skipped', `the same file as ${pathOf(first)}`),
      byDesign: 'stored-elsewhere',
      ...defined({ stat }),
    };
  if ('outcome' in found)
    return {
      ...absent(item, found.outcome, found.reason, found.place),
      ...defined({ byDesign: found.byDesign }),
    };
  firsts.set(identityOf(found.stat), item);
  wanted.push(found);
  return undefined;
}

function recover(context: CollectorContext, book: MountBook, item: Item, expected: BigIntStats): Entry {
  const most = Math.floor(context.budget.remainingBytes() * LARGEST_PART);
  if (expected.size > BigInt(most)) {
    return {
      ...absent(
        item,
        'skipped',
        `it has ${many(Number(expected.size), 'byte')}: more than half of what the byte budget has left`,
      ),
      stat: expected,
    };
  }
  try {
    const opened = openRegular(item, book);
    if (opened === undefined)
      return { ...absent(item, 'skipped', 'not a regular file any more'), byDesign: 'no-content' };
    if ('place' in opened) return absent(item, 'skipped', untouchedReason(opened.place), opened.place);
    const { fd, stat } = opened;
    const changed = stat.dev === expected.dev && stat.ino === expected.ino ? {} : { outcome: 'changed' as const };
    return {
      kind: 'file',
      path: pathOf(item),
      source: item.source,
      method: 'proc-fd',
      fd,
      stat,
      notes: () => ({ link: toText(item.label) }),
      ...changed,
    };
  } catch (error) {
    const { outcome, reason } = whyNot(item, error);
    return absent(item, outcome, reason);
  }
}

/**
 * Holds, looks, and only then opens for reading: nothing but a regular file for which the kernel answers is ever
 * opened.
 */
function openRegular(item: Item, book: MountBook): { fd: number; stat: BigIntStats } | { place: Place } | undefined {
  const { fd: held, place } = pin(item.source, item.dir, book);
  try {
    if (place.ground !== 'local') return { place };
    if (!fstatSync(held, EXACT).isFile()) return undefined;
    // A file under a lease answers EAGAIN instead of waiting for its holder.
    const fd = openSync(`/proc/self/fd/${held}`, constants.O_RDONLY | constants.O_NONBLOCK);
    return { fd, stat: fstatSync(fd, EXACT) };
  } finally {
    closeSync(held);
  }
}

function pathOf(item: Item): string {
  return `recovered/${item.pid}/${item.name}`;
}

function absent(item: Item, outcome: AbsentEntry['outcome'], reason: string, place?: Place): AbsentEntry {
  const mount = place === undefined ? {} : { mount: mountFacts(place) };
  return {
    kind: 'absent',
    path: pathOf(item),
    source: item.source,
    method: 'proc-fd',
    outcome,
    reason,
    notes: () => ({ link: toText(item.label), ...mount }),
  };
}
