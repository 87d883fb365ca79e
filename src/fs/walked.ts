/** What goes into a walk and what comes out of it. */
import type { BytePath } from '../contracts/evidence.ts';
import type { Place } from '../proc/mount-book.ts';
import type { Tree } from './tree.ts';
import type { FileSystemFacts } from './volume.ts';

/** How a walk gives way, and when it ends. */
export interface Pace {
  /** Awaited between batches, when it gives a promise. */
  readonly yieldIfDue: () => Promise<void> | undefined;
  /** True when the walk has to end with what it has. */
  readonly stopped: () => boolean;
}

export interface RootFacts {
  readonly entry: number;
  readonly path: BytePath;
  /** Where it is with the links on the way resolved. */
  readonly real?: BytePath;
  readonly fileSystem?: FileSystemFacts;
  readonly problem?: string;
  /** The mount on which it lies and of which somebody else answers, so that it was not looked at. */
  readonly served?: Place;
}

export interface Walked {
  readonly tree: Tree;
  readonly roots: readonly RootFacts[];
  /** Directories on another device than the one that holds them, the first hundred. */
  readonly mounts: readonly { readonly entry: number; readonly fileSystem: FileSystemFacts | undefined }[];
  /** Those beyond them. */
  readonly moreMounts: number;
  /** Entries that were seen beyond the limit: counted only. What is below unlisted directories is not in it. */
  readonly unlisted: number;
  /** False if the count of `unlisted` itself was cut. */
  readonly counted: boolean;
  readonly elapsedMs: number;
}
