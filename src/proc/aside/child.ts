/**
 * Reading by a child of our own: for what lies where another process or machine has to answer. A call that never returns
 * holds the child alone, which is killed and left behind; nothing in our own process waits for it, not even its end.
 */
import { spawn } from 'node:child_process';
import type { BytePath } from '../../contracts.ts';
import { Frames, type AsideItem } from './frames.ts';
import { ASIDE_SCRIPT } from './script.ts';

export type { AsideItem } from './frames.ts';

export interface AsideJob {
  /** Files that are read, whatever they lie on. */
  readonly files?: readonly BytePath[];
  /** A tree that is read whole. */
  readonly root?: BytePath;
  /** Bytes of one file above which its body is left out. */
  readonly most: number;
  /** Entries of the tree that are read; the others are counted. */
  readonly entries?: number;
}

export interface Aside {
  /** The next item, or undefined at the end. Rejects when the child does not answer in time. */
  readonly next: () => Promise<AsideItem | undefined>;
  /** Ends the child; does not wait for it. */
  readonly abandon: () => void;
}

/** Without an answer for so long, the child is left behind. It has to start in that time, too. */
const ANSWER_MS = 2000;
/** What a Node of its own takes, and a little. */
const CHILD_BYTES = 64 * 1024 * 1024;
const FLAGS = ['--no-warnings', '--max-old-space-size=32', '--max-semi-space-size=1'];

/** Why no child is started now, or undefined. */
export function whyNoChild(): string | undefined {
  const free = process.availableMemory();
  return free < CHILD_BYTES ? `a reader of its own needs ${CHILD_BYTES} bytes of memory, and ${free} are free` : undefined;
}

/** Starts a child for this job alone. No option and no secret of the function reaches it. */
export function startAside(job: AsideJob): Aside {
  const env = Object.fromEntries(['PATH', 'LD_LIBRARY_PATH'].flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])));
  const child = spawn(process.execPath, [...FLAGS, '-e', ASIDE_SCRIPT], { env, stdio: ['pipe', 'pipe', 'ignore'], cwd: '/' });
  const silent = (): void => undefined;
  child.on('error', silent);
  child.stdin.on('error', silent);
  child.stdout.on('error', silent);
  child.stdin.end(JSON.stringify(job));
  child.unref();
  const frames = new Frames(child.stdout, ANSWER_MS);
  return {
    next: () => frames.item(),
    abandon: () => {
      child.kill('SIGKILL');
      child.stdout.destroy();
    },
  };
}
