/** Code as loaded: a hash of every file of /var/task, /opt and /var/runtime, bytes by policy, and the packages. */
import type { BigIntStats } from 'node:fs';
import type { Collector, Entry, CollectorContext } from '../contracts/evidence.ts';
import { Kind, State } from '../fs/kinds.ts';
import { bodyfile } from './bodyfile.ts';
import { contents, Directories } from './contents.ts';
import { groundsOf } from './grounds.ts';
import { orderBy } from './order.ts';
import { listPackages, packageKind } from './packages.ts';
import { EntryReader, type StorePolicy } from './entry-reader.ts';
import { summarise } from './tree-summary.ts';
import { codeTree, processesOf, sandboxStart } from './trees.ts';
import { twoSpeed } from './two-speed.ts';

export const code: Collector = {
  name: 'code',
  description:
    'The code as loaded (/var/task, /opt, /var/runtime): a hash of every file, bytes by policy ' +
    '(AMBER_CODE_BYTES), packages with versions',
  tier: 'code',
  collect: (context) => twoSpeed(collect(context)),
};

/** Classes in the order of taking. */
/** `elsewhere`: roots that the collector `served` reads. */
const Class = { manifest: 0, changed: 1, rest: 2, bodiless: 3, directory: 4, elsewhere: 5 } as const;

async function* collect(context: CollectorContext): AsyncGenerator<Entry, Iterable<Entry>> {
  const { yieldIfDue } = context.budget;
  const { tree, ...facts } = await codeTree(context);
  const source = context.roots.code.join(' ');
  yield {
    kind: 'json',
    path: 'live_response/packages.json',
    source,
    method: 'openat',
    value: await listPackages(tree, yieldIfDue),
  };
  yield {
    kind: 'json',
    path: 'live_response/code-tree.json',
    source,
    method: 'lstat',
    value: await summarise({ tree, ...facts }, context.config.maxEntries, yieldIfDue),
  };
  yield* bodyfile(tree, 'bodyfile-code', source, yieldIfDue);
  const since = sandboxStart(await processesOf(context));
  const classOf = (entry: number): number => {
    const kind = tree.kind(entry);
    if (tree.parent(entry) < 0 && tree.state(entry) === State.served) return Class.elsewhere;
    if (kind === Kind.directory) return Class.directory;
    if (kind !== Kind.file || tree.state(entry) !== State.whole) return Class.bodiless;
    if (packageKind(tree, entry) !== undefined) return Class.manifest;
    return tree.mtime(entry) > since || tree.ctime(entry) > since ? Class.changed : Class.rest;
  };
  const order = await orderBy(tree, Object.keys(Class).length, classOf, yieldIfDue);
  return contents(
    { classes: order.classes.slice(0, Class.elsewhere) },
    new Directories(tree),
    new EntryReader(tree, groundsOf(context), policyOf(context, since)),
  );
}

function policyOf(context: CollectorContext, since: bigint): StorePolicy {
  const { codeBytes } = context.config;
  return (_entry: number, stat: BigIntStats) => {
    if (codeBytes === 'all' || (codeBytes === 'changed' && (stat.mtimeNs > since || stat.ctimeNs > since)))
      return { store: true };
    return {
      store: false,
      byDesign: 'policy',
      reason: `its bytes are left out by policy (AMBER_CODE_BYTES=${codeBytes})`,
    };
  };
}
