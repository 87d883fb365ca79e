/** Which paths of a tree the processes run, hold open, map or name in their arguments: the first to be taken. */
import type { BytePath } from '../contracts.ts';
import type { RootFacts } from '../fs/walk.ts';
import { parseMapsText } from '../proc/maps.ts';
import type { ProcessRecord, ProcessTable } from '../proc/table.ts';

export interface InUse {
  /** Absolute paths below a root, as the tree spells them. */
  readonly paths: ReadonlySet<BytePath>;
  /** Their last components: a cheap first question. */
  readonly names: ReadonlySet<BytePath>;
  /** Those of `paths` that the kernel vouches for. The others are guesses from arguments. */
  readonly certain: ReadonlySet<BytePath>;
}

/** Of each set. An attacker with 10,000 open files gets the first ones. */
const MOST_PATHS = 10_000;
/** Arguments looked at per process: interpreters name their script early. */
const MOST_ARGUMENTS = 16;

export function inUse(table: ProcessTable | undefined, roots: readonly RootFacts[]): InUse {
  const certain = new Set<BytePath>();
  const paths = new Set<BytePath>();
  for (const one of table?.processes ?? []) {
    for (const path of certainPaths(one)) keep(certain, path, roots);
    for (const path of guessedPaths(one)) keep(paths, path, roots);
  }
  for (const path of certain) paths.add(path);
  return { paths, certain, names: new Set(Array.from(paths, (path) => path.slice(path.lastIndexOf('/') + 1))) };
}

function* certainPaths(one: ProcessRecord): Generator<BytePath> {
  if (one.exe?.deleted === false) yield one.exe.target;
  for (const { link } of one.descriptors) if (!link.deleted) yield link.target;
  const maps = one.files.get('maps');
  if (maps?.ok !== true) return;
  let last = '';
  for (const { path } of parseMapsText(maps.body)) {
    if (path === last || !path.startsWith('/') || path.endsWith(' (deleted)')) continue;
    last = path;
    yield path.replaceAll('\\012', '\n');
  }
}

/** A script is neither mapped nor, once it is read, open: its name stands in the arguments of its interpreter. */
function* guessedPaths(one: ProcessRecord): Generator<BytePath> {
  for (const argument of one.argv.slice(0, MOST_ARGUMENTS)) {
    if (argument.length > 4096) continue;
    if (argument.startsWith('/')) yield argument;
    else if (one.cwd?.deleted === false) yield `${one.cwd.target}/${argument.replace(/^(?:\.\/)+/u, '')}`;
  }
}

/** Processes name the real path of a root, the tree its configured one. */
function keep(into: Set<BytePath>, path: BytePath, roots: readonly RootFacts[]): void {
  if (into.size >= MOST_PATHS) return;
  for (const root of roots) {
    const real = root.real ?? root.path;
    if (path.startsWith(`${real}/`)) into.add(root.path + path.slice(real.length));
    else if (path.startsWith(`${root.path}/`)) into.add(path);
  }
}
