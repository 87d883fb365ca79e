/** What is free in a tree. Held files that have no name any more take room that the function counts on. */
import { statfsSync } from 'node:fs';

const MAX_BYTES = 64 * 1024 * 1024;
/** Of what is free, and of the whole. */
const SHARE = 0.1;
const LEAST_FREE = 0.2;

/** Bytes that may be held now; 0 where the tree is nearly full, or cannot be asked. */
export function roomIn(root: string, ask: (path: string) => Space = statfsSync): number {
  try {
    const { bsize, blocks, bavail } = ask(root);
    return bavail < blocks * LEAST_FREE ? 0 : Math.min(MAX_BYTES, bavail * bsize * SHARE);
  } catch {
    return 0;
  }
}

export interface Space {
  readonly bsize: number;
  readonly blocks: number;
  readonly bavail: number;
}
