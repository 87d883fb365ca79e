/**
 * What several test files build from the same sources, each in a process of its own: it is built by the first of them,
 * and the others find it by the digest of these sources. In the checkout, since sandboxes have a /tmp of their own.
 */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';

const CACHE = 'node_modules/.cache/amber-made';
/** What a build reads, besides packages, which the lock file names. Ceilings of a layer stand in the budgets. */
const SOURCES = [
  'src/**/*',
  'layer/**/*',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'LICENSE',
  'test/budgets.ts',
];
/** Of earlier sources; a run does not take so long. */
const KEPT_MS = 86_400_000;

export interface Made<T> {
  /** Whoever changes something takes a copy. */
  readonly folder: string;
  readonly told: T;
}

let sources: string | undefined;

function digestOfSources(): string {
  // Where packages are links to elsewhere, what a bundler tells of its inputs names another folder.
  const digest = createHash('sha256').update(
    `${process.version}\0${realpathSync('.')}\0${realpathSync('node_modules')}`,
  );
  const files = globSync(SOURCES).filter((path) => statSync(path).isFile());
  for (const path of files.sort()) digest.update(`\0${path}\0`).update(readFileSync(path));
  return digest.digest('hex').slice(0, 20);
}

/** The folder into which `make` has built, and what it gave, as JSON keeps it. */
export async function madeOnce<T>(name: string, make: (folder: string) => Promise<T>): Promise<Made<T>> {
  sources ??= digestOfSources();
  const home = resolve(CACHE, `${name}-${sources}`);
  const made = join(home, 'made');
  const told = join(home, 'told.json');
  if (statSync(home, { throwIfNoEntry: false }) === undefined) {
    mkdirSync(CACHE, { recursive: true });
    removeOld();
    const own = mkdtempSync(resolve(CACHE, 'making-'));
    for (const folder of [own, join(own, 'made')]) {
      mkdirSync(folder, { recursive: true });
      chmodSync(folder, 0o755); // a sandbox has another uid
    }
    try {
      writeFileSync(join(own, 'told.json'), JSON.stringify((await make(join(own, 'made'))) ?? null));
      renameSync(own, home);
    } catch (error) {
      rmSync(own, { recursive: true });
      // Two that begin at once both build: the second one takes what the first one has made.
      if (statSync(home, { throwIfNoEntry: false }) === undefined) throw error;
    }
  }
  return { folder: made, told: JSON.parse(readFileSync(told, 'utf8')) as T };
}

function removeOld(): void {
  for (const path of globSync(`${CACHE}/*`)) {
    const changed = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (changed < Date.now() - KEPT_MS) rmSync(path, { recursive: true, force: true });
  }
}
