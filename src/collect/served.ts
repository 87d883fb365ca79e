/**
 * Trees that the configuration names and that lie where somebody else has to answer: EFS, FUSE, 9p. Read by a child.
 */
import { closeSync } from 'node:fs';
import type { BytePath, Collector, Entry, CollectorContext } from '../contracts/evidence.ts';
import { defined } from '../defined.ts';
import { describeError } from '../errors.ts';
import { Kind } from '../fs/kinds.ts';
import { absenceOf } from '../fs/outcome.ts';
import { reach } from '../fs/resolve.ts';
import type { Place } from '../proc/mount-book.ts';
import { startAside, whyNoChild, type AsideItem } from '../proc/aside/child.ts';
import { groundsOf } from './grounds.ts';
import { many } from '../many.ts';

/** One file may not take more than this part of the bytes that are left. */
const LARGEST_PART = 0.5;

export const served: Collector = {
  name: 'served',
  description:
    'Trees of AMBER_WRITABLE and AMBER_CODE that lie on EFS or on what else somebody serves, read by a child ' +
    'that may be left behind.',
  tier: 'files',
  async *collect(context: CollectorContext): AsyncGenerator<Entry> {
    for (const root of [...context.roots.writable, ...context.roots.code]) {
      const place = placeOf(root, context);
      if (place !== undefined) yield* readTree(context, root);
    }
  },
};

function placeOf(root: BytePath, context: CollectorContext): Place | undefined {
  try {
    const reached = reach(root, groundsOf(context));
    if (!('fd' in reached)) return reached;
    closeSync(reached.fd);
  } catch {
    // It is not there: the walk says so.
  }
  return undefined;
}

async function* readTree(context: CollectorContext, root: BytePath): AsyncGenerator<Entry> {
  const refusal = whyNoChild();
  if (refusal !== undefined) {
    yield absent(root, 'skipped', `not read: ${refusal}`);
    return;
  }
  const most = Math.floor(context.budget.remainingBytes() * LARGEST_PART);
  const aside = startAside({ root, most, entries: context.config.maxEntries });
  try {
    for (let item = await aside.next(); item !== undefined; item = await aside.next()) {
      if (item.beyond === undefined) yield entryOf(item, most);
      else if (item.beyond > 0)
        yield absent(
          `${root}/beyond-the-limit`,
          'skipped',
          `${many(item.beyond, 'further path is', 'further paths are')} not read: the limit of ` +
            `${many(context.config.maxEntries, 'entry', 'entries')} ` +
            '(AMBER_MAX_ENTRIES) was reached',
        );
    }
  } catch (cause) {
    yield absent(
      root,
      'timed-out',
      'not read to the end, and its reader was left behind: ' +
        (cause instanceof Error ? cause.message : describeError(cause)),
    );
  } finally {
    aside.abandon();
  }
}

function entryOf({ path = '', stat, target, unlisted, problem, body }: AsideItem, most: number): Entry {
  const place = placed(path);
  if (problem !== undefined || stat === undefined)
    return { kind: 'absent', ...place, ...absenceOf({ code: problem }), ...defined({ stat }) };
  const kind = Number(stat.mode) & 0o170000;
  if (kind === Kind.directory)
    return {
      kind: 'directory',
      ...place,
      stat,
      ...(unlisted === undefined ? {} : { outcome: 'skipped', reason: `not listed: ${unlisted}` }),
    };
  if (kind === Kind.link) return { kind: 'link', ...place, stat, target: target ?? '' };
  if (kind !== Kind.file) return { kind: 'special', ...place, stat };
  if (body === undefined)
    return {
      kind: 'absent',
      ...place,
      stat,
      outcome: 'skipped',
      reason: `it has ${many(Number(stat.size), 'byte')}, more than ${most}: half of what the byte budget had left`,
    };
  return { kind: 'stream', ...place, stat, size: Number(stat.size), chunks: body };
}

function absent(path: BytePath, outcome: 'skipped' | 'timed-out', reason: string): Entry {
  return { kind: 'absent', ...placed(path), outcome, reason };
}

function placed(path: BytePath): { path: BytePath; source: BytePath; method: string } {
  return { path: `[root]${path}`, source: path, method: 'child' };
}
