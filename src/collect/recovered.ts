/** Content that has no name any more: deleted executables, deleted open files, memfds. */
import { close, closeSync, constants, fstat, open, type BigIntStats } from 'node:fs';
import { promisify } from 'node:util';
import type { AbsentEntry, Collector, Entry, Scene } from '../contracts.ts';
import { toText } from '../proc/bytes.ts';
import { sharedLane } from '../proc/lane.ts';
import { candidates, identityOf, look, whyNot, type Item } from './recovered-items.ts';

/** Looked at; the rest is counted. */
const MOST_ITEMS = 4096;
const STEP_MS = 1000;
/** One of them may not take more than this part of the bytes that are left: /tmp is still to come. */
const LARGEST_PART = 0.5;
/** include/uapi/asm-generic/fcntl.h, the same on x86-64 and arm64. Opens a file without touching what is behind it. */
const O_PATH = 0o10000000;
const EXACT = { bigint: true } as const;
const opening = promisify(open);
const fstating = promisify<number, { bigint: true }, BigIntStats>(fstat);

export const recovered: Collector = {
  name: 'recovered',
  description: 'Deleted executables, deleted files that are still open or mapped, and memfds, each once, by content.',
  tier: 'recovered',
  async *collect(scene: Scene): AsyncGenerator<Entry> {
    const { processes } = await scene.processes();
    const firsts = new Map<string, Item>();
    const wanted: Wanted[] = [];
    let looked = 0;
    for (const record of processes) {
      for (const item of candidates(record, scene.roots.proc)) {
        if ((looked += 1) > MOST_ITEMS || scene.budget.signal.aborted) continue;
        const entry = await consider(item, firsts, wanted);
        if (entry !== undefined) yield entry;
      }
      await scene.budget.breathe();
    }
    // Small payloads do not wait for large decoys.
    wanted.sort((a, b) => Number(a.stat.size - b.stat.size));
    for (const { item, stat } of wanted) yield await recover(scene, item, stat);
    if (looked > MOST_ITEMS) {
      yield { kind: 'absent', path: 'recovered', source: scene.roots.proc, method: 'proc-fd', outcome: 'skipped', reason: `${looked - MOST_ITEMS} more were not looked at` };
    }
  },
};

interface Wanted {
  readonly item: Item;
  readonly stat: BigIntStats;
}

/** Puts the item on the list, or gives the entry that says why it is not there. */
async function consider(item: Item, firsts: Map<string, Item>, wanted: Wanted[]): Promise<Entry | undefined> {
  const found = await look(item);
  if (found === undefined) return undefined;
  const stat = 'stat' in found ? found.stat : undefined;
  const identity = stat === undefined ? item.identity : identityOf(stat);
  const first = identity === undefined ? undefined : firsts.get(identity);
  if (first !== undefined) return { ...absent(item, 'skipped', `the same file as ${pathOf(first)}`), ...(stat === undefined ? {} : { stat }) };
  if ('outcome' in found) return absent(item, found.outcome, found.reason);
  firsts.set(identityOf(found.stat), item);
  wanted.push(found);
  return undefined;
}

async function recover(scene: Scene, item: Item, expected: BigIntStats): Promise<Entry> {
  const most = Math.floor(scene.budget.remainingBytes() * LARGEST_PART);
  if (expected.size > BigInt(most)) {
    return { ...absent(item, 'skipped', `its ${expected.size} bytes are more than half of what the byte budget has left`), stat: expected };
  }
  const result = await sharedLane.run((ticket) => openRegular(item.source, ticket.abandoned), STEP_MS, item.owner);
  if (result.state === 'timed-out') return absent(item, 'timed-out', result.reason);
  if (result.state === 'failed') {
    const { outcome, reason } = whyNot(item, result.error);
    return absent(item, outcome, reason);
  }
  if (result.value === undefined) return absent(item, 'skipped', 'not a regular file any more');
  const { fd, stat } = result.value;
  const changed = stat.dev === expected.dev && stat.ino === expected.ino ? {} : { outcome: 'changed' as const };
  return { kind: 'file', path: pathOf(item), source: item.source, method: 'proc-fd', fd, stat, notes: () => ({ link: toText(item.label) }), ...changed };
}

/** Opens by O_PATH, looks, and only then opens for reading: nothing but a regular file is ever opened. */
async function openRegular(source: string, abandoned: () => boolean): Promise<{ fd: number; stat: BigIntStats } | undefined> {
  const place = await opening(source, O_PATH);
  try {
    if (!(await fstating(place, EXACT)).isFile()) return undefined;
    const fd = await opening(`/proc/self/fd/${place}`, constants.O_RDONLY | constants.O_NONBLOCK);
    const stat = await fstating(fd, EXACT).catch((error: unknown) => {
      close(fd);
      throw error;
    });
    if (!abandoned()) return { fd, stat };
    close(fd);
    return undefined;
  } finally {
    closeSync(place);
  }
}

function pathOf(item: Item): string {
  return `recovered/${item.pid}/${item.name}`;
}

function absent(item: Item, outcome: AbsentEntry['outcome'], reason: string): AbsentEntry {
  return { kind: 'absent', path: pathOf(item), source: item.source, method: 'proc-fd', outcome, reason, notes: () => ({ link: toText(item.label) }) };
}
