/** Code as loaded: a hash of every file of /var/task, /opt and /var/runtime, bytes by policy, and the packages. */
import type { BigIntStats } from 'node:fs';
import type { Collector, Entry, Scene } from '../contracts/evidence.ts';
import { Kind, State } from '../fs/kinds.ts';
import { bodyfile } from './bodyfile.ts';
import { contents, Directories } from './contents.ts';
import { groundsOf } from './grounds.ts';
import { orderBy } from './order.ts';
import { listPackages, packageKind } from './packages.ts';
import { Taker, type StorePolicy } from './entry-reader.ts';
import { summarise } from './tree-summary.ts';
import { codeTree, processesOf, sandboxStart } from './trees.ts';
import { twoSpeed } from './two-speed.ts';

export const code: Collector = {
  name: 'code',
  description: 'The code as loaded (/var/task, /opt, /var/runtime): a hash of every file, bytes by policy (AMBER_CODE_BYTES), packages with versions',
  tier: 'code',
  collect: (scene) => twoSpeed(collect(scene)),
};

/** Classes in the order of taking. */
/** `elsewhere`: roots that the collector `served` reads. */
const Class = { manifest: 0, changed: 1, rest: 2, bodiless: 3, directory: 4, elsewhere: 5 } as const;

async function* collect(scene: Scene): AsyncGenerator<Entry, Iterable<Entry>> {
  const { breathe } = scene.budget;
  const { tree, ...facts } = await codeTree(scene);
  const source = scene.roots.code.join(' ');
  yield { kind: 'json', path: 'live_response/packages.json', source, method: 'openat', value: await listPackages(tree, breathe) };
  yield { kind: 'json', path: 'live_response/code-tree.json', source, method: 'lstat', value: await summarise({ tree, ...facts }, scene.config.maxEntries, breathe) };
  yield* bodyfile(tree, 'bodyfile-code', source, breathe);
  const since = sandboxStart(await processesOf(scene));
  const classOf = (entry: number): number => {
    const kind = tree.kind(entry);
    if (tree.parent(entry) < 0 && tree.state(entry) === State.served) return Class.elsewhere;
    if (kind === Kind.directory) return Class.directory;
    if (kind !== Kind.file || tree.state(entry) !== State.whole) return Class.bodiless;
    if (packageKind(tree, entry) !== undefined) return Class.manifest;
    return tree.mtime(entry) > since || tree.ctime(entry) > since ? Class.changed : Class.rest;
  };
  const order = await orderBy(tree, Object.keys(Class).length, classOf, breathe);
  return contents({ classes: order.classes.slice(0, Class.elsewhere) }, new Directories(tree), new Taker(tree, groundsOf(scene), policyOf(scene, since)));
}

function policyOf(scene: Scene, since: bigint): StorePolicy {
  const { codeBytes } = scene.config;
  return (_entry: number, stat: BigIntStats) => {
    if (codeBytes === 'all' || (codeBytes === 'changed' && (stat.mtimeNs > since || stat.ctimeNs > since))) return { store: true };
    return { store: false, byDesign: 'policy', reason: `its bytes are left out by policy (AMBER_CODE_BYTES=${codeBytes})` };
  };
}
