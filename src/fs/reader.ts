/** The names of one open directory, one after the other, whatever its file system tells of types. */
import { fstatSync, readdirSync, type Dir, type Dirent } from 'node:fs';
import type { BytePath } from '../contracts/evidence.ts';
import { Kind } from './kinds.ts';
import { descriptorPath, listDirectory } from './open.ts';
import type { Tree } from './tree.ts';

/** Names read from the kernel at a time. */
const BATCH = 64;
/**
 * Listing at once costs a tenth of opening a `Dir`, and holds the thread as long as it takes. Up to this size a
 * directory has some 3,000 entries at the most: tmpfs counts 20 bytes an entry, ext4 needs 12 and more.
 */
const SMALL_BYTES = 40_000;

export class DirectoryReader {
  readonly entry: number;
  readonly #tree: Tree;
  readonly #dir: Dir | undefined;
  /** Names left to take when they were listed at once. */
  #rest: BytePath[] | undefined;

  /** `fd` is the open directory; `honest`: its file system's directory sizes tell of the number of entries. */
  constructor(tree: Tree, entry: number, fd: number, { honest }: { readonly honest: boolean }) {
    this.#tree = tree;
    this.entry = entry;
    if (honest && fstatSync(fd).size <= SMALL_BYTES) this.#rest = listAll(fd);
    else this.#dir = listDirectory(fd, BATCH);
  }

  /** The next name and its type bits, 0 if unknown. `fd` is the directory, for the second way of listing. */
  next(fd: number): { name: BytePath; kind: number } | undefined {
    if (this.#rest === undefined) {
      try {
        const dirent = this.#dir?.readSync() ?? null;
        return dirent === null ? undefined : { name: dirent.name, kind: kindOf(dirent) };
      } catch {
        // Where the file system gives no types Node asks for each, by a path that cannot hold every name.
        this.#rest = this.#untaken(listAll(fd));
      }
    }
    const name = this.#rest.pop();
    return name === undefined ? undefined : { name, kind: 0 };
  }

  close(): void {
    this.#dir?.closeSync();
  }

  #untaken(names: readonly BytePath[]): BytePath[] {
    const taken = new Set<BytePath>();
    for (let entry = this.entry + 1; entry < this.#tree.count; entry += 1) {
      if (this.#tree.parent(entry) === this.entry) taken.add(this.#tree.names[entry] ?? '');
    }
    return names.filter((name) => !taken.has(name));
  }
}

/** Reversed, so that taking from the end gives the kernel's order. */
function listAll(fd: number): BytePath[] {
  return readdirSync(descriptorPath(fd), 'latin1').reverse();
}

function kindOf(dirent: Dirent): number {
  if (dirent.isFile()) return Kind.file;
  if (dirent.isDirectory()) return Kind.directory;
  if (dirent.isSymbolicLink()) return Kind.link;
  if (dirent.isFIFO()) return Kind.fifo;
  if (dirent.isSocket()) return Kind.socket;
  if (dirent.isBlockDevice()) return Kind.block;
  return dirent.isCharacterDevice() ? Kind.character : 0;
}
