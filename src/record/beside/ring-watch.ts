/** Tells when a ring was written. Limits on inotify are shared with the function: at a refusal nothing is watched. */
import { watch, type FSWatcher } from 'node:fs';
import type { KeptRing } from '../../contracts/recorded.ts';

export interface RingWatch {
  /** Watches those of these that are not watched yet. */
  readonly cover: (rings: readonly Pick<KeptRing, 'identity' | 'fd'>[]) => void;
  readonly letGo: () => void;
  /** Why nothing is watched, where that was refused. */
  readonly refused: () => string | undefined;
}

export function watchRings(onWritten: () => void): RingWatch {
  const watchers = new Map<string, FSWatcher>();
  let refused: string | undefined;
  const letGo = (): void => {
    for (const watcher of watchers.values()) watcher.close();
    watchers.clear();
  };
  return {
    cover: (rings) => {
      for (const { identity, fd } of rings) {
        if (refused !== undefined || watchers.has(identity)) continue;
        try {
          const watcher = watch(`/proc/self/fd/${fd}`, { persistent: false }, onWritten);
          watcher.on('error', letGo);
          watchers.set(identity, watcher);
        } catch (error) {
          refused = (error as NodeJS.ErrnoException).code ?? 'unknown';
          letGo();
        }
      }
    },
    letGo,
    refused: () => refused,
  };
}
