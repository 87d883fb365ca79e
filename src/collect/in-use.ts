/** Which paths of a tree the processes run, hold open, map or name in their arguments: the first to be taken. */
import type { BytePath } from '../contracts/evidence.ts';
import type { RootFacts } from '../fs/walk.ts';
import { parseMapsText } from '../proc/maps.ts';
import type { ProcessRecord, ProcessTable } from '../contracts/process-table.ts';

export interface InUse {
  /** Absolute paths below a root, as the tree spells them. */
  readonly paths: ReadonlySet<BytePath>;
  /** Their last components: a cheap first question. */
  readonly names: ReadonlySet<BytePath>;
  /** Those of `paths` that the kernel vouches for. The others are guesses. */
  readonly certain: ReadonlySet<BytePath>;
  /** Names that were met after the sets were full; one may be counted more than once. */
  readonly beyond: number;
}

/** Of each set. An attacker with 10,000 open files gets the first ones. */
const MAX_PATHS = 10_000;
/** Arguments looked at per process: interpreters name their script early. */
const MAX_ARGUMENTS = 16;

export async function inUse(
  table: ProcessTable | undefined,
  roots: readonly RootFacts[],
  yieldIfDue: () => Promise<void> | undefined,
): Promise<InUse> {
  const certain = new Set<BytePath>();
  const paths = new Set<BytePath>();
  let beyond = 0;
  const keep = (into: Set<BytePath>, path: BytePath): void => {
    beyond += keepIn(into, path, roots);
  };
  for (const one of table?.processes ?? []) {
    const mapped = mappedPaths(one, roots);
    for (const path of certainPaths(one)) keep(certain, path);
    for (const path of mapped) if (!path.includes(NEWLINE)) keep(certain, path);
    for (const path of guessedPaths(one, mapped)) keep(paths, path);
    await yieldIfDue();
  }
  for (const path of certain) paths.add(path);
  return { paths, certain, beyond, names: new Set(Array.from(paths, (path) => path.slice(path.lastIndexOf('/') + 1))) };
}

function* certainPaths(one: ProcessRecord): Generator<BytePath> {
  if (one.exe?.deleted === false) yield one.exe.target;
  for (const { link } of one.descriptors) if (!link.deleted) yield link.target;
}

/** In maps the kernel writes a newline so, and a backslash as it is: a path that has it may mean either. */
const NEWLINE = '\\012';

function mappedPaths(one: ProcessRecord, roots: readonly RootFacts[]): BytePath[] {
  const maps = one.files.get('maps');
  if (maps?.ok !== true) return [];
  const body = Buffer.from(maps.body.buffer, maps.body.byteOffset, maps.body.byteLength);
  // Nearly no process maps anything of these trees, and looking is a hundred times cheaper than parsing.
  if (!roots.some((root) => body.includes(`${root.real ?? root.path}/`, 0, 'latin1'))) return [];
  const paths = parseMapsText(body)
    .map((row) => row.path)
    .filter((path) => path.startsWith('/') && !path.endsWith(' (deleted)'));
  return [...new Set(paths)];
}

/** A script is neither mapped nor, once it is read, open: its name stands in the arguments of its interpreter. */
function* guessedPaths(one: ProcessRecord, mapped: readonly BytePath[]): Generator<BytePath> {
  for (const path of mapped) if (path.includes(NEWLINE)) yield* [path, path.replaceAll(NEWLINE, '\n')];
  for (const argument of one.argv.slice(0, MAX_ARGUMENTS)) {
    if (argument.length > 4096) continue;
    if (argument.startsWith('/')) yield argument;
    else if (one.cwd?.deleted === false) yield `${one.cwd.target}/${argument.replace(/^(?:\.\/)+/u, '')}`;
  }
}

/** Processes name the real path of a root, the tree its configured one. Gives 1 for a path that finds no room. */
function keepIn(into: Set<BytePath>, path: BytePath, roots: readonly RootFacts[]): number {
  for (const root of roots) {
    const real = root.real ?? root.path;
    const inTree = path.startsWith(`${real}/`)
      ? root.path + path.slice(real.length)
      : path.startsWith(`${root.path}/`)
        ? path
        : undefined;
    if (inTree === undefined || into.has(inTree)) continue;
    if (into.size >= MAX_PATHS) return 1;
    into.add(inTree);
  }
  return 0;
}
