/** What is free in a tree. Held files that have no name any more take room that the function counts on. */
import { statfsSync } from 'node:fs';

const MAX_BYTES = 64 * 1024 * 1024;
/** Of what is free, and of the whole. */
const SHARE = 0.1;
const LEAST_FREE = 0.2;
/** A tree that would be full so soon, at the pace of the last window, is as good as full. */
const SOON_MS = 150;
const WINDOW_MS = 10;

export interface Space {
  readonly bsize: number;
  readonly blocks: number;
  readonly bavail: number;
}

/** Bytes that may be held in a tree now; 0 where it is nearly full, fills fast, or cannot be asked. */
export type Room = (root: string) => number;

export function roomIn(ask: (path: string) => Space = statfsSync, nowMs: () => number = () => performance.now()): Room {
  const windows = new Map<string, { atMs: number; bavail: number; perMs: number }>();
  return (root) => {
    try {
      const { bsize, blocks, bavail } = ask(root);
      const now = nowMs();
      const window = windows.get(root) ?? { atMs: now, bavail, perMs: 0 };
      windows.set(root, window);
      const ms = now - window.atMs;
      if (ms >= WINDOW_MS) Object.assign(window, { atMs: now, bavail, perMs: (window.bavail - bavail) / ms });
      const isFull = bavail < blocks * LEAST_FREE || window.perMs * SOON_MS > bavail;
      return isFull ? 0 : Math.min(MAX_BYTES, bavail * bsize * SHARE);
    } catch {
      return 0;
    }
  };
}
