/**
 * Reading by a child of our own: for what lies where another process or machine has to answer. A call that never
 * returns holds the child alone, which is killed and left behind. Nothing in our own process waits for it, not even its
 * end.
 */
import { spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import type { BytePath } from '../../contracts/evidence.ts';
import { Frames, type AsideItem } from './frames.ts';
import { ASIDE_SCRIPT, PROCFS_SCRIPT } from './script.ts';
import { noteReader } from './started.ts';

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
  /** Milliseconds that an answer may take from now on. */
  readonly patience: (ms: number) => void;
  /** Asks for a file of procfs: of {@link startProcfs}. */
  readonly ask?: (file: { readonly path: string; readonly cap: number }) => void;
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
  return free < CHILD_BYTES
    ? `a reader of its own needs ${CHILD_BYTES} bytes of memory, and ${free} are free`
    : undefined;
}

/** Starts a child for this job alone. No option and no secret of the function reaches it. */
export function startAside(job: AsideJob): Aside {
  const { aside, input } = start(ASIDE_SCRIPT);
  input.end(JSON.stringify(job));
  return aside;
}

/** Starts a child that reads files of procfs as they are asked for. */
export function startProcfs(): Aside {
  const { aside, input } = start(PROCFS_SCRIPT);
  return { ...aside, ask: (file) => void input.write(`${JSON.stringify(file)}\n`) };
}

function start(script: string): { readonly aside: Aside; readonly input: Writable } {
  const env = Object.fromEntries(
    ['PATH', 'LD_LIBRARY_PATH'].flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
  const child = spawn(process.execPath, [...FLAGS, '-e', script], { env, stdio: ['pipe', 'pipe', 'ignore'], cwd: '/' });
  noteReader(child);
  const silent = (): void => undefined;
  child.on('error', silent);
  child.stdin.on('error', silent);
  child.stdout.on('error', silent);
  child.unref();
  const frames = new Frames(child.stdout, ANSWER_MS);
  return {
    input: child.stdin,
    aside: {
      next: () => frames.item(),
      patience: (ms) => frames.patience(ms),
      abandon: () => {
        child.kill('SIGKILL');
        child.stdin.destroy();
        child.stdout.destroy();
      },
    },
  };
}
