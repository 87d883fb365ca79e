/**
 * Names in writable trees, as they come: each folder is watched, those that are made later too. Limits on inotify are
 * shared with the function: at the first refusal all watches are let go.
 */
import { closeSync, fstatSync, readdirSync, watch, type FSWatcher } from 'node:fs';
import type { BytePath } from '../../contracts/evidence.ts';
import { descriptorPath, openDirectory, openEntry, openRoot } from '../../fs/open.ts';
import { MountBook } from '../../proc/mount-book.ts';
import { holdFiles, type HeldFiles } from './held-files.ts';
import type { Journal } from './journal.ts';

const MAX_WATCHES = 128;
const MAX_DEPTH = 8;
/** Names of a folder that is met, and names that are known. */
const MAX_NAMES = 256;
const MAX_KNOWN = 2048;
/** An estimate of what one event takes of the CPU, milliseconds. */
const EVENT_MS = 0.03;

export interface Files {
  /** Watches what is not watched, after a flood too. */
  readonly open: () => void;
  /** Lets go of held files that there is no room for. */
  readonly check: () => void;
  readonly facts: () => Readonly<Record<string, unknown>>;
  readonly close: () => void;
}

export interface FilesOptions {
  readonly journal: Journal;
  readonly roots: readonly BytePath[];
  /** Charges an event, milliseconds; false: no CPU is left. */
  readonly allows: (ms: number) => boolean;
  readonly held?: HeldFiles;
  /** Other than that of Node for tests. */
  readonly watch?: typeof watch;
}

interface Folder {
  readonly fd: number;
  readonly path: BytePath;
  readonly root: BytePath;
  readonly depth: number;
  readonly device: number;
  readonly watcher: FSWatcher;
}

interface State {
  readonly options: FilesOptions;
  readonly held: HeldFiles;
  readonly folders: Map<string, Folder>;
  /** Roots that are not there, or that somebody serves. */
  readonly absent: Set<string>;
  known: Set<string>;
  refused: string | undefined;
  /** Names that were there before are no events. */
  isQuiet: boolean;
  readonly counts: { events: number; beyond: number; floods: number };
}

export function watchFiles(options: FilesOptions): Files {
  const state: State = {
    options,
    held: options.held ?? holdFiles(),
    folders: new Map(),
    absent: new Set(),
    known: new Set(),
    refused: undefined,
    isQuiet: true,
    counts: { events: 0, beyond: 0, floods: 0 },
  };
  return {
    open: () => {
      const due = options.roots.filter((root) => !state.folders.has(root) && !state.absent.has(root));
      if (due.length === 0 || state.refused !== undefined) return;
      const book = new MountBook();
      for (const root of due) {
        if (book.placeOf(root).ground === 'local') attempt(() => meetRoot(state, root));
        if (!state.folders.has(root)) state.absent.add(root);
      }
      state.isQuiet = false;
    },
    check: () => state.held.check(),
    facts: () => ({
      ...state.counts,
      watches: state.folders.size,
      held: state.held.facts(),
      ...(state.refused === undefined ? {} : { refused: state.refused }),
    }),
    close: () => {
      letGo(state);
      state.held.close();
    },
  };
}

function meetRoot(state: State, path: BytePath): void {
  const fd = openRoot(path);
  watchFolder(state, { fd, path, root: path, depth: 0, device: fstatSync(fd).dev });
}

function watchFolder(state: State, place: Omit<Folder, 'watcher'>): void {
  const { fd, path } = place;
  try {
    const from = descriptorPath(fd);
    const watcher = (state.options.watch ?? watch)(from, { persistent: false, encoding: 'buffer' }, (_, name) => {
      if (name !== null) heard(state, folder, name.toString('latin1'));
    });
    const folder: Folder = { ...place, watcher };
    watcher.on('error', () => forget(state, folder));
    state.folders.set(path, folder);
    const names = readdirSync(`${from}/`, 'latin1');
    state.counts.beyond += Math.max(0, names.length - MAX_NAMES);
    for (const name of names.slice(0, MAX_NAMES)) attempt(() => meet(state, folder, name));
  } catch (error) {
    if (!state.folders.has(path)) closeSync(fd);
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EMFILE' && code !== 'ENOSPC' && code !== 'ENFILE') return;
    state.refused = code;
    letGo(state);
  }
}

function heard(state: State, folder: Folder, name: string): void {
  const { counts, options } = state;
  counts.events += 1;
  if (!options.allows(EVENT_MS)) {
    counts.floods += 1;
    letGo(state);
    return;
  }
  attempt(() => meet(state, folder, name));
  attempt(() => state.held.moved(`${folder.path}/${name}`));
}

/** Holds what is there without opening it, and looks what it is. */
function meet(state: State, folder: Folder, name: string): void {
  const path = `${folder.path}/${name}`;
  const pinned = openEntry(folder.fd, name);
  try {
    const stat = fstatSync(pinned);
    if (stat.dev !== folder.device) return;
    const key = `${stat.ino} ${path}`;
    const isNew = !state.known.has(key);
    if (isNew) note(state, key);
    if (stat.isDirectory()) descend(state, folder, name);
    if (!isNew || !stat.isFile() || state.isQuiet) return;
    state.options.journal.put('write', path, { pid: 0, detail: { bytes: stat.size, mode: stat.mode & 0o7777 } });
    state.held.take({ path, root: folder.root, pinned });
  } finally {
    closeSync(pinned);
  }
}

function note(state: State, key: string): void {
  if (state.known.size === MAX_KNOWN) state.known = new Set();
  state.known.add(key);
}

function descend(state: State, { fd, path, root, depth, device }: Folder, name: string): void {
  const below = `${path}/${name}`;
  const inner = openDirectory(fd, name);
  const known = state.folders.get(below);
  const { ino, dev } = fstatSync(inner);
  // Another folder of the same name.
  if (known !== undefined && fstatSync(known.fd).ino !== ino) forget(state, known);
  if (state.folders.has(below) || dev !== device || depth >= MAX_DEPTH || state.folders.size >= MAX_WATCHES) {
    if (!state.folders.has(below)) state.counts.beyond += 1;
    closeSync(inner);
    return;
  }
  watchFolder(state, { fd: inner, path: below, root, depth: depth + 1, device });
}

function forget({ folders }: State, { path, fd, watcher }: Folder): void {
  if (!folders.delete(path)) return;
  watcher.close();
  closeSync(fd);
}

function letGo(state: State): void {
  for (const folder of [...state.folders.values()]) forget(state, folder);
}

/** What is gone by now is no event any more. */
function attempt(work: () => void): void {
  try {
    work();
  } catch {
    // gone, or not ours to read
  }
}
