/** Segments that arrive in any order, appended to one file in the order of their numbers. */
import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { AmberError } from '../errors.ts';
import { timeEnded } from './folder.ts';

/** Bytes that are written between two looks at the signal. */
const SLICE = 1024 * 1024;

export interface JoinedFile {
  /**
   * Appends the body as number `number` and makes it durable. False if the place of this number has been passed: the
   * caller keeps it elsewhere. After a failure the file is as it was before.
   */
  readonly append: (number: number, body: readonly Uint8Array[], signal: AbortSignal) => Promise<boolean>;
  /** Lower-case hex SHA-256 of the whole file. */
  readonly sha256: () => string;
  readonly close: () => Promise<void>;
}

interface State {
  readonly file: FileHandle;
  /** Longest wait for a number that does not come, in milliseconds. */
  readonly patienceMs: number;
  length: number;
  hash: Hash;
  next: number;
  busy: boolean;
  /** Numbers that gave up, so that nobody waits for them. */
  readonly gone: Set<number>;
  readonly waiting: Map<number, () => void>;
}

/** Takes over `file`, which is empty. */
export function joinInto(file: FileHandle, patienceMs = 5000): JoinedFile {
  const state: State = {
    file,
    patienceMs,
    length: 0,
    hash: createHash('sha256'),
    next: 0,
    busy: false,
    gone: new Set(),
    waiting: new Map(),
  };
  return {
    append: (number, body, signal) => append(state, number, body, signal),
    sha256: () => state.hash.copy().digest('hex'),
    close: () => file.close(),
  };
}

async function append(
  state: State,
  number: number,
  body: readonly Uint8Array[],
  signal: AbortSignal,
): Promise<boolean> {
  if (number < state.next) return false;
  try {
    await waitForPredecessors(state, number, signal);
    if (number < state.next) return false;
    state.busy = true;
    try {
      const hash = state.hash.copy();
      const length = await writeAll(state.file, body, { at: state.length, hash, signal });
      await state.file.datasync();
      state.length = length;
      state.hash = hash;
      return true;
    } catch (error) {
      await state.file.truncate(state.length).catch(() => undefined);
      throw error;
    } finally {
      state.busy = false;
    }
  } finally {
    state.gone.add(number);
    while (state.gone.delete(state.next)) state.next++;
    for (const wake of state.waiting.values()) wake();
  }
}

/** Returns when it is this number's turn, or when the numbers before it have been waited for long enough. */
async function waitForPredecessors(state: State, number: number, signal: AbortSignal): Promise<void> {
  const giveUpAt = performance.now() + state.patienceMs;
  try {
    for (;;) {
      if (signal.aborted) throw timeEnded();
      if (!state.busy) {
        if (state.next >= number) return;
        const first = [...state.waiting.keys()].every((other) => other >= number);
        if (first && performance.now() >= giveUpAt) {
          state.next = number;
          return;
        }
      }
      const woken = new AbortController(); // ends the sleep as well: a timer left behind would keep the process alive
      state.waiting.set(number, () => woken.abort());
      await sleep(Math.max(10, giveUpAt - performance.now()), undefined, {
        signal: AbortSignal.any([signal, woken.signal]),
      }).catch(() => undefined);
    }
  } finally {
    state.waiting.delete(number);
  }
}

/** Writes and hashes the body from offset `at` on; gives the offset behind it. */
export async function writeAll(
  file: FileHandle,
  body: readonly Uint8Array[],
  { at, hash, signal }: { at: number; hash: Hash; signal: AbortSignal },
): Promise<number> {
  let position = at;
  for (const piece of body) {
    for (let from = 0; from < piece.byteLength; ) {
      if (signal.aborted) throw timeEnded();
      const slice = piece.subarray(from, from + SLICE);
      const { bytesWritten } = await file.write(slice, 0, slice.byteLength, position);
      if (bytesWritten === 0)
        throw new AmberError('DESTINATION_UNAVAILABLE', 'The file system took no byte of a write.');
      hash.update(slice.subarray(0, bytesWritten));
      from += bytesWritten;
      position += bytesWritten;
    }
  }
  return position;
}
