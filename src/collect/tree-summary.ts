/** What a walk came to, in figures: counts, limits reached, file systems, and what is not known. */
import type { Walked } from '../fs/walk.ts';
import { Kind, kindName, State } from '../fs/kinds.ts';
import { whyNotListed } from '../fs/listing.ts';
import { displayName } from '../fs/names.ts';
import type { Tree } from '../fs/tree.ts';

/** Paths named in each list; more are counted. */
const MAX_NAMED = 100;
const BATCH = 1024;

interface Named {
  count: number;
  readonly paths: Record<string, unknown>[];
}

/** The value of `live_response/tree.json`. */
export async function summarise(
  walked: Walked,
  limit: number,
  yieldIfDue: () => Promise<void> | undefined,
): Promise<Record<string, unknown>> {
  const { tree } = walked;
  const counts = new Counts(tree);
  for (let entry = 0; entry < tree.count; entry += 1) {
    counts.add(entry);
    if (entry % BATCH === 0) await yieldIfDue();
  }
  return {
    roots: walked.roots.map(({ path, real, fileSystem, problem }) => ({ path, real, fileSystem, problem })),
    entries: tree.count,
    ...counts.result(),
    limit: { entries: limit, beyond: walked.unlisted, beyondIsExact: walked.counted },
    mounts: walked.mounts.map(({ entry, fileSystem }) => ({
      path: displayName(tree.path(entry)),
      type: fileSystem?.type,
      entered: tree.state(entry) !== State.kernel,
    })),
    ...(walked.moreMounts === 0 ? {} : { moreMounts: walked.moreMounts }),
    elapsedMs: Math.round(walked.elapsedMs * 10) / 10,
  };
}

class Counts {
  readonly #tree: Tree;
  readonly #kinds: Record<string, number> = {};
  readonly #unread: Named = { count: 0, paths: [] };
  readonly #privileged: Named = { count: 0, paths: [] };
  #bytes = 0;
  #largest = 0;
  #deepest = 0;
  #executable = 0;
  #sparse = 0;
  #hidden = 0;
  #hardLinked = 0;

  constructor(tree: Tree) {
    this.#tree = tree;
  }

  add(entry: number): void {
    const tree = this.#tree;
    const mode = tree.mode(entry);
    const kind = tree.kind(entry);
    this.#kinds[kindName(kind)] = (this.#kinds[kindName(kind)] ?? 0) + 1;
    this.#deepest = Math.max(this.#deepest, tree.depth(entry));
    if (tree.parent(entry) >= 0 && tree.names[entry]?.startsWith('.') === true) this.#hidden += 1;
    if (tree.state(entry) !== State.whole)
      this.#note(this.#unread, entry, whyNotListed(tree, entry)?.reason ?? tree.problem(entry));
    if (kind !== Kind.file) return;
    this.#bytes += tree.size(entry);
    this.#largest = Math.max(this.#largest, tree.size(entry));
    if ((mode & 0o111) !== 0) this.#executable += 1;
    if ((mode & 0o6000) !== 0) this.#note(this.#privileged, entry, mode.toString(8));
    if (tree.isSparse(entry)) this.#sparse += 1;
    if (tree.links(entry) > 1) this.#hardLinked += 1;
  }

  #note(list: Named, entry: number, why: string | undefined): void {
    list.count += 1;
    if (list.paths.length < MAX_NAMED) list.paths.push({ path: displayName(this.#tree.path(entry)), why });
  }

  result(): Record<string, unknown> {
    return {
      kinds: this.#kinds,
      fileBytes: this.#bytes,
      largestFile: this.#largest,
      deepest: this.#deepest,
      executableFiles: this.#executable,
      sparseFiles: this.#sparse,
      hardLinkedFiles: this.#hardLinked,
      hiddenEntries: this.#hidden,
      setIdFiles: this.#privileged,
      incomplete: this.#unread,
    };
  }
}
