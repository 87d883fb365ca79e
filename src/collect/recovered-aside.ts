/**
 * Nameless content of which no listing tells where it lies: tried by a child, where nobody is seen that could serve it.
 */
import type { Entry, CollectorContext } from '../contracts/evidence.ts';
import { defined } from '../defined.ts';
import { AmberError } from '../errors.ts';
import { toText } from '../proc/bytes.ts';
import type { MountBook } from '../proc/mount-book.ts';
import { startAside, whyNoChild, type Aside, type AsideItem } from '../proc/aside/child.ts';
import type { Item } from './recovered-items.ts';
import type { ProcessRecord } from '../contracts/process-table.ts';
import { many } from '../many.ts';

/** An item, and what is said of it where it is not tried. */
export interface Doubtful {
  readonly item: Item;
  readonly entry: Entry;
}

const LARGEST_PART = 0.5;
/** Children that may be left behind in one capture. */
const MAX_LEFT_BEHIND = 2;

/**
 * A mount that was detached is listed nowhere, whether it is a tmpfs or a server's. Without anybody who could serve it,
 * it is read; a memfd (of huge pages) is read in any case.
 */
export async function* recoverAside(
  context: CollectorContext,
  book: MountBook,
  doubtful: readonly Doubtful[],
  processes: readonly ProcessRecord[],
): AsyncGenerator<Entry> {
  const served = doubtful.length > 0 && (book.anyServed() || processes.some(holdsFuse));
  const refusal = doubtful.length > 0 ? whyNoChild() : undefined;
  const tried: Doubtful[] = [];
  for (const one of doubtful) {
    if (refusal === undefined && (!served || one.item.label.startsWith('/memfd:'))) tried.push(one);
    else yield one.entry;
  }
  let next = 0;
  for (let hung = 0; next < tried.length && hung < MAX_LEFT_BEHIND; hung += 1) {
    const rest = tried.slice(next);
    const most = Math.floor(context.budget.remainingBytes() * LARGEST_PART);
    const aside = startAside({ files: rest.map(({ item }) => item.source), most });
    try {
      for (const one of rest) {
        next += 1;
        yield await entryOf(one, aside, most);
      }
    } catch (cause) {
      if (!(cause instanceof AmberError)) throw cause;
      const { item, entry } = tried[next - 1] ?? { item: undefined, entry: undefined };
      if (item !== undefined)
        yield {
          ...entry,
          kind: 'absent',
          outcome: 'timed-out',
          reason: `read by a child that was left behind: ${cause.message}`,
        };
    } finally {
      aside.abandon();
    }
  }
  for (const { entry } of tried.slice(next)) yield entry;
}

function holdsFuse({ descriptors }: ProcessRecord): boolean {
  return descriptors.some(({ link }) => link.target === '/dev/fuse');
}

async function entryOf({ item, entry }: Doubtful, aside: Aside, most: number): Promise<Entry> {
  const found: AsideItem | undefined = await aside.next();
  if (found === undefined) throw new AmberError('COLLECTOR_FAILED', 'the child ended');
  const { stat, body, problem } = found;
  const { path, source } = entry;
  if (stat === undefined || body === undefined) {
    const reason =
      problem ??
      (stat?.isFile() === true
        ? `it has ${many(Number(stat.size), 'byte')}, more than ${most}: half of what the byte budget had left`
        : 'not a regular file');
    const isOther = problem === undefined && stat?.isFile() !== true;
    return {
      kind: 'absent',
      path,
      source,
      method: 'child',
      outcome: problem === undefined ? 'skipped' : 'failed',
      reason,
      ...(isOther ? { byDesign: 'no-content' } : {}),
      ...defined({ stat }),
    };
  }
  return {
    kind: 'stream',
    path,
    source,
    method: 'child',
    stat,
    size: Number(stat.size),
    chunks: body,
    notes: () => ({ link: toText(item.label) }),
  };
}
