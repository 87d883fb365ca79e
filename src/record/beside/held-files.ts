/**
 * Descriptors on new executables and scripts: what is deleted a moment later is there for a capture. They are let go
 * before the function runs out of space.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import type { BytePath } from '../../contracts/evidence.ts';
import { descriptorPath } from '../../fs/open.ts';
import { toText } from '../../proc/bytes.ts';
import { roomIn, type Room } from './space.ts';

/** Files that are held, and files of which it is not known yet what they are. */
const MAX_HELD = 64;
const MAX_OPEN = 32;
/** A file that stays empty so long is let go. */
const EMPTY_MS = 2000;
const HEAD_BYTES = 4;
const CODE = /\.(?:sh|bash|py|pyc|pth|js|mjs|cjs|node|so(?:\.[\d.]+)?|jar|class|pl|rb|php|lua|wasm)$/u;

export interface HeldFiles {
  /** A new file: held at once, judged when it has content. `pinned` (O_PATH) stays the caller's. */
  readonly take: (file: NewFile) => void;
  /** Its content or its name has changed. */
  readonly moved: (path: BytePath) => void;
  /** Lets go of what there is no room for. */
  readonly check: () => void;
  readonly facts: () => Readonly<Record<string, unknown>>;
  readonly close: () => void;
}

export interface NewFile {
  readonly path: BytePath;
  readonly root: string;
  readonly pinned: number;
}

interface Held {
  readonly path: BytePath;
  readonly root: string;
  readonly fd: number;
  readonly inode: number;
  readonly sinceMs: number;
  /** `open`: what it is is not known yet. */
  what: 'open' | 'elf' | 'script' | 'code' | 'executable';
}

interface State {
  /** By inode, oldest first. */
  readonly files: Map<number, Held>;
  readonly counts: { held: number; released: number; full: number };
  readonly room: Room;
}

/** @param room - other than {@link roomIn} for tests */
export function holdFiles(room: Room = roomIn()): HeldFiles {
  const state: State = { files: new Map(), counts: { held: 0, released: 0, full: 0 }, room };
  return {
    take: (file) => {
      take(state, file);
      makeRoom(state);
    },
    moved: (path) => {
      for (const one of state.files.values()) if (one.path === path) judge(state, one);
      makeRoom(state);
    },
    check: () => {
      for (const one of state.files.values()) if (one.what === 'open') judge(state, one);
      makeRoom(state);
    },
    facts: () => ({ ...state.counts, files: [...state.files.values()].filter(isHeld).map(told) }),
    close: () => {
      for (const one of [...state.files.values()]) letGo(state, one);
    },
  };
}

function isHeld({ what }: Held): boolean {
  return what !== 'open';
}

/** A capture finds it by our own descriptor. */
function told({ path, fd, what, sinceMs }: Held): Readonly<Record<string, unknown>> {
  const { size, nlink } = fstatSync(fd);
  const stored = nlink === 0 ? { stored: `recovered/${process.pid}/fd-${fd}` } : {};
  return { path: toText(path), what, bytes: size, since: new Date(sinceMs).toISOString(), ...stored };
}

function take(state: State, { path, root, pinned }: NewFile): void {
  const { files, counts, room } = state;
  const { ino, size } = fstatSync(pinned);
  if (files.has(ino)) return;
  const isFull = [...files.values()].filter(isHeld).length >= MAX_HELD;
  if (isFull || room(root) < size) {
    counts.full += 1;
    return;
  }
  const open = [...files.values()].filter((one) => !isHeld(one));
  if (open.length >= MAX_OPEN && open[0] !== undefined) letGo(state, open[0]);
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOATIME;
  const one: Held = {
    ...{ path, root, inode: ino, sinceMs: Date.now(), what: 'open' },
    fd: openSync(descriptorPath(pinned), flags),
  };
  files.set(ino, one);
  judge(state, one);
}

/** Holds what is or may become a program, and lets everything else go as soon as that is known. */
function judge(state: State, one: Held): void {
  if (one.what !== 'open') return;
  const { size, mode, nlink } = fstatSync(one.fd);
  const what = size === 0 ? undefined : whatIs(one, mode);
  if (what !== undefined) {
    one.what = what;
    state.counts.held += 1;
    return;
  }
  const isOver = nlink === 0 || Date.now() - one.sinceMs > EMPTY_MS;
  if (size >= HEAD_BYTES || isOver) letGo(state, one);
}

function whatIs({ path, fd }: Held, mode: number): Exclude<Held['what'], 'open'> | undefined {
  const head = Buffer.alloc(HEAD_BYTES);
  readSync(fd, head, 0, HEAD_BYTES, 0);
  const text = head.toString('latin1');
  if (text === '\x7fELF') return 'elf';
  if (text.startsWith('#!')) return 'script';
  if (CODE.test(path)) return 'code';
  return (mode & 0o111) === 0 ? undefined : 'executable';
}

/** The oldest go first. A file may have grown since it was opened. */
function makeRoom(state: State): void {
  const used = new Map<string, number>();
  const rooms = new Map<string, number>();
  for (const one of [...state.files.values()].reverse()) {
    const room = rooms.get(one.root) ?? state.room(one.root);
    rooms.set(one.root, room);
    const bytes = (used.get(one.root) ?? 0) + fstatSync(one.fd).size;
    if (room > 0 && bytes <= room) used.set(one.root, bytes);
    else {
      if (isHeld(one)) state.counts.released += 1;
      letGo(state, one);
    }
  }
}

function letGo({ files }: State, { fd, inode }: Held): void {
  files.delete(inode);
  closeSync(fd);
}
