/**
 * What a walk found, in columns: about 75 bytes a path and its name, so that 100,000 paths fit beside a 128 MB
 * function. An entry is its number; a directory comes before what is in it. The queue of the walk is the tree itself.
 */
import type { BigIntStats } from 'node:fs';
import type { BytePath } from '../contracts/evidence.ts';
import { AmberError } from '../errors.ts';
import { KIND_BITS, type StateCode } from './kinds.ts';

const SHIFT = 11;
const SIZE = 1 << SHIFT;
const MASK = SIZE - 1;
const LATEST = 2n ** 63n - 1n;
const EARLIEST = -(2n ** 63n);
/** Codes kept; the states of all entries are. */
const MAX_PROBLEMS = 4096;
const SPARSE_MIN = 1024 * 1024;
const SPARSE_FACTOR = 8;

interface Block {
  readonly parent: Int32Array;
  readonly pathLength: Uint32Array;
  readonly depth: Uint16Array;
  readonly mode: Uint16Array;
  readonly state: Uint8Array;
  readonly sparse: Uint8Array;
  readonly device: Uint16Array;
  readonly uid: Uint32Array;
  readonly gid: Uint32Array;
  readonly links: Uint32Array;
  readonly inode: Float64Array;
  readonly size: Float64Array;
  readonly atime: BigInt64Array;
  readonly mtime: BigInt64Array;
  readonly ctime: BigInt64Array;
  readonly btime: BigInt64Array;
}

/** Numbers of an entry. Times are nanoseconds since the epoch; a time outside 1677 to 2262 is the nearest in it. */
export class Tree {
  /** One component each; of a root its absolute path. */
  readonly names: BytePath[] = [];
  /** Device numbers (st_dev), by the number that entries carry. */
  readonly devices: bigint[] = [];
  readonly #targets = new Map<number, BytePath>();
  readonly #problems = new Map<number, string>();
  readonly #blocks: Block[] = [];

  get count(): number {
    return this.names.length;
  }

  /** Appends an entry; `parent` is -1 for a root. Without `stat` only `kind` is known, 0 if not even that. */
  add(parent: number, name: BytePath, stat: BigIntStats | undefined, kind: number): number {
    const entry = this.names.length;
    const at = entry & MASK;
    if (at === 0) this.#blocks.push(allocate());
    const block = this.#block(entry);
    this.names.push(name);
    block.parent[at] = parent;
    block.depth[at] = parent < 0 ? 0 : this.depth(parent) + 1;
    block.pathLength[at] = parent < 0 ? name.length : this.pathLength(parent) + 1 + name.length;
    block.mode[at] = kind;
    if (stat !== undefined) this.#fill(block, at, stat);
    return entry;
  }

  #fill(block: Block, at: number, stat: BigIntStats): void {
    const size = Number(stat.size);
    block.mode[at] = Number(stat.mode);
    block.device[at] = this.#device(stat.dev);
    block.uid[at] = Number(stat.uid);
    block.gid[at] = Number(stat.gid);
    block.links[at] = Number(stat.nlink);
    block.inode[at] = Number(stat.ino);
    block.size[at] = size;
    block.sparse[at] = size > SPARSE_MIN && Number(stat.blocks) * 512 < size / SPARSE_FACTOR ? 1 : 0;
    block.atime[at] = within(stat.atimeNs);
    block.mtime[at] = within(stat.mtimeNs);
    block.ctime[at] = within(stat.ctimeNs);
    block.btime[at] = within(stat.birthtimeNs);
  }

  #device(dev: bigint): number {
    const last = this.devices.length - 1;
    if (last >= 0 && this.devices[last] === dev) return last;
    const known = this.devices.indexOf(dev);
    return known >= 0 ? known : Math.min(this.devices.push(dev) - 1, 0xffff);
  }

  #block(entry: number): Block {
    const block = this.#blocks[entry >>> SHIFT];
    if (block === undefined) throw new AmberError('BUG', 'no such entry in the tree');
    return block;
  }

  setState(entry: number, state: StateCode, problem?: string): void {
    this.#block(entry).state[entry & MASK] = state;
    if (problem !== undefined && this.#problems.size < MAX_PROBLEMS) this.#problems.set(entry, problem);
  }

  setTarget(entry: number, target: BytePath): void {
    this.#targets.set(entry, target);
  }

  /** The target of a link, if the walk kept it. */
  target(entry: number): BytePath | undefined {
    return this.#targets.get(entry);
  }

  /** The error code behind a state, if it was kept. */
  problem(entry: number): string | undefined {
    return this.#problems.get(entry);
  }

  /** Absolute path. Costs its length: keep that of a directory while its children are handled. */
  path(entry: number): BytePath {
    const names: BytePath[] = [];
    for (let at = entry; at >= 0; at = this.parent(at)) names.push(this.names[at] ?? '');
    return names.reverse().join('/');
  }

  /** The type bits of the mode. */
  kind(entry: number): number {
    return this.mode(entry) & KIND_BITS;
  }

  parent(entry: number): number {
    return this.#block(entry).parent[entry & MASK] ?? -1;
  }
  depth(entry: number): number {
    return this.#block(entry).depth[entry & MASK] ?? 0;
  }
  pathLength(entry: number): number {
    return this.#block(entry).pathLength[entry & MASK] ?? 0;
  }
  mode(entry: number): number {
    return this.#block(entry).mode[entry & MASK] ?? 0;
  }
  state(entry: number): number {
    return this.#block(entry).state[entry & MASK] ?? 0;
  }
  /** True of a file that claims more than eight times what is allocated for it. */
  isSparse(entry: number): boolean {
    return this.#block(entry).sparse[entry & MASK] === 1;
  }
  device(entry: number): number {
    return this.#block(entry).device[entry & MASK] ?? 0;
  }
  uid(entry: number): number {
    return this.#block(entry).uid[entry & MASK] ?? 0;
  }
  gid(entry: number): number {
    return this.#block(entry).gid[entry & MASK] ?? 0;
  }
  links(entry: number): number {
    return this.#block(entry).links[entry & MASK] ?? 0;
  }
  inode(entry: number): number {
    return this.#block(entry).inode[entry & MASK] ?? 0;
  }
  size(entry: number): number {
    return this.#block(entry).size[entry & MASK] ?? 0;
  }
  atime(entry: number): bigint {
    return this.#block(entry).atime[entry & MASK] ?? 0n;
  }
  mtime(entry: number): bigint {
    return this.#block(entry).mtime[entry & MASK] ?? 0n;
  }
  ctime(entry: number): bigint {
    return this.#block(entry).ctime[entry & MASK] ?? 0n;
  }
  /** 0 where the file system does not say. */
  btime(entry: number): bigint {
    return this.#block(entry).btime[entry & MASK] ?? 0n;
  }
}

function within(time: bigint): bigint {
  if (time > LATEST) return LATEST;
  return time < EARLIEST ? EARLIEST : time;
}

function allocate(): Block {
  return {
    parent: new Int32Array(SIZE),
    pathLength: new Uint32Array(SIZE),
    depth: new Uint16Array(SIZE),
    mode: new Uint16Array(SIZE),
    state: new Uint8Array(SIZE),
    sparse: new Uint8Array(SIZE),
    device: new Uint16Array(SIZE),
    uid: new Uint32Array(SIZE),
    gid: new Uint32Array(SIZE),
    links: new Uint32Array(SIZE),
    inode: new Float64Array(SIZE),
    size: new Float64Array(SIZE),
    atime: new BigInt64Array(SIZE),
    mtime: new BigInt64Array(SIZE),
    ctime: new BigInt64Array(SIZE),
    btime: new BigInt64Array(SIZE),
  };
}
