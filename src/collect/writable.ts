/** The whole of /tmp and /dev/shm, in order of value. */
import { closeSync, fstatSync, readSync } from 'node:fs';
import type { BytePath, Collector, Entry, CollectorContext } from '../contracts/evidence.ts';
import { Descent } from '../fs/descent.ts';
import { Kind, State } from '../fs/kinds.ts';
import { openFile } from '../fs/open.ts';
import type { Tree } from '../fs/tree.ts';
import type { RootFacts, Walked } from '../fs/walk.ts';
import { contents, Directories } from './contents.ts';
import { groundsOf } from './grounds.ts';
import { inUse, type InUse } from './in-use.ts';
import { orderBy, type Order } from './order.ts';
import { unnested } from './parked.ts';
import { EntryReader } from './entry-reader.ts';
import { processesOf, sandboxStart, writableTree } from './trees.ts';
import { twoSpeed } from './two-speed.ts';
import { many } from '../many.ts';

export const writable: Collector = {
  name: 'writable',
  description:
    'The whole of /tmp and /dev/shm: what runs or is open first, then executables, then what changed, then the rest',
  tier: 'files',
  collect: (context) => twoSpeed(collect(context)),
};

/** Classes in the order of taking. */
const Class = {
  /** Run, open, mapped or named by a process. */
  used: 0,
  /** With an execute bit, or ELF or a script by its first bytes. */
  executable: 1,
  /** Changed since the sandbox started. */
  changed: 2,
  rest: 3,
  /** Links, FIFOs, sockets, devices, and what had no metadata. */
  bodiless: 4,
  /** Sparse, or so large that it would use up the budget of the others. */
  last: 5,
  /** Those that nothing was taken of: each of the others stands before its first file. */
  directory: 6,
  /** Roots that the collector `served` reads. */
  elsewhere: 7,
} as const;

/** A file larger than this part of the bytes that are left is taken last. */
const LARGE_SHARE = 0.25;
/**
 * Looking at first bytes costs an open: done for files that taking the smallest first would delay, and not for ever.
 */
const PEEK_SIZE = 64 * 1024;
const MAX_PEEKS = 2000;
const PEEK_MS = 20;
/** Files in use that the inventory does not have. */
const MAX_UNLISTED = 1000;

async function* collect(context: CollectorContext): AsyncGenerator<Entry, Iterable<Entry>> {
  const walked = await writableTree(context);
  const table = await processesOf(context);
  const used = await inUse(table, walked.roots, context.budget.yieldIfDue);
  const source = context.roots.writable.join(' ');
  const unlistedFiles = new Set(used.certain);
  const order = await orderOf(context, walked, used, { unlistedFiles, since: sandboxStart(table) });
  const reader = new EntryReader(walked.tree, groundsOf(context));
  const directories = new Directories(walked.tree);
  try {
    for (const entry of directories.above(unlistedFiles)) {
      const taken = reader.read(entry);
      if (taken !== 'busy') yield taken;
    }
    yield* readUnlistedFiles(unlistedFiles, walked.roots, reader, source);
    if (used.beyond > 0)
      yield beyond(
        source,
        `${many(used.beyond, 'further name of files in use was', 'further names of files in use were')} not looked at`,
      );
  } finally {
    reader.close(); // it opens again what it needs
  }
  const taken = contents({ classes: order.classes.slice(0, Class.elsewhere) }, directories, reader);
  return context.parked === undefined || context.parked.size === 0 ? taken : unnested(taken, context.parked);
}

/** Sorts the tree into classes; what is in use and in the tree is taken off `unlistedFiles`. */
async function orderOf(
  context: CollectorContext,
  walked: Walked,
  used: InUse,
  facts: { unlistedFiles: Set<BytePath>; since: bigint },
): Promise<Order> {
  const { tree } = walked;
  const mostBytes = context.budget.remainingBytes() * LARGE_SHARE;
  const peek = new Peek(tree);
  const classOf = (entry: number): number => {
    const kind = tree.kind(entry);
    if (tree.parent(entry) < 0 && tree.state(entry) === State.served) return Class.elsewhere;
    const isUsed = used.names.has(tree.names[entry] ?? '') && used.paths.has(tree.path(entry));
    if (isUsed) facts.unlistedFiles.delete(tree.path(entry));
    if (kind === Kind.directory) return Class.directory;
    if (kind !== Kind.file || tree.state(entry) !== State.whole) return Class.bodiless;
    if (tree.isSparse(entry) || tree.size(entry) > mostBytes) return Class.last;
    if (isUsed) return Class.used;
    if ((tree.mode(entry) & 0o111) !== 0 || peek.isProgram(entry)) return Class.executable;
    return tree.mtime(entry) > facts.since || tree.ctime(entry) > facts.since ? Class.changed : Class.rest;
  };
  try {
    return await orderBy(tree, Object.keys(Class).length, classOf, context.budget.yieldIfDue);
  } finally {
    peek.close();
  }
}

function beyond(source: BytePath, reason: string): Entry {
  return {
    kind: 'absent',
    path: 'files-in-use/beyond-the-limit',
    source,
    method: 'proc-fd',
    outcome: 'skipped',
    reason,
  };
}

function* readUnlistedFiles(
  unlistedFiles: ReadonlySet<BytePath>,
  roots: readonly RootFacts[],
  reader: EntryReader,
  source: BytePath,
): Generator<Entry> {
  let left = MAX_UNLISTED;
  for (const path of unlistedFiles) {
    const root = roots.find((one) => one.problem === undefined && path.startsWith(`${one.path}/`));
    if (root === undefined) continue;
    left -= 1;
    if (left < 0) continue;
    yield reader.readUnlisted(root.entry, path.slice(root.path.length + 1).split('/'));
  }
  if (left < 0)
    yield beyond(
      source,
      `${many(-left, 'more file')} in use that the inventory does not have ` +
        `${left === -1 ? 'was' : 'were'} not taken`,
    );
}

/** First bytes of files, within a limit of files and time. */
class Peek {
  readonly #tree: Tree;
  readonly #descent: Descent;
  readonly #head = Buffer.alloc(4);
  #left = MAX_PEEKS;
  #spentMs = 0;

  constructor(tree: Tree) {
    this.#tree = tree;
    this.#descent = new Descent(tree);
  }

  /** True of ELF and of `#!`. False if there is no telling. */
  isProgram(entry: number): boolean {
    if (this.#tree.size(entry) < PEEK_SIZE || this.#left === 0 || this.#spentMs > PEEK_MS) return false;
    this.#left -= 1;
    const started = performance.now();
    const magic = this.#read(entry);
    this.#spentMs += performance.now() - started;
    return magic === '\u007fELF' || magic.startsWith('#!');
  }

  #read(entry: number): string {
    let fd = -1;
    try {
      fd = openFile(this.#descent.directory(this.#tree.parent(entry)), this.#tree.names[entry] ?? '', { own: true });
      if (!fstatSync(fd).isFile()) return '';
      return this.#head.toString('latin1', 0, readSync(fd, this.#head, 0, 4, 0));
    } catch {
      return ''; // what is wrong with it is said when it is taken
    } finally {
      if (fd >= 0) closeSync(fd);
    }
  }

  close(): void {
    this.#descent.close();
  }
}
