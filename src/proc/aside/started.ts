/**
 * The readers that Amber itself has started (see child.ts). Known by pid and start, noted in the moment of the start,
 * and never by name or arguments: those anybody can imitate. Kept in this module, so that no code of the function can
 * add to it by a key.
 */
import { parseStat } from '../stat.ts';
import { ASIDE_SCRIPT, PROCFS_SCRIPT } from './script.ts';
import { readNow, type ReadRule } from '../read.ts';

interface Started {
  readonly startTicks: number;
  /**
   * Of the program that we had executed, from the first look at it: another value is another exec, which is not ours.
   */
  layout: string | undefined;
}

/** What is used of a ChildProcess. */
interface Child {
  readonly pid?: number | undefined;
  readonly once: (event: 'exit', listener: () => void) => unknown;
}

const STAT: ReadRule = { cap: 4096, whole: true };
const objects = new WeakSet<object>();
const running = new Map<number, Started>();

/**
 * Notes a child in the same turn in which it was started: until the event loop turns nobody reaps it, so its pid is its
 * own.
 */
export function noteReader(child: Child): void {
  objects.add(child);
  const { pid } = child;
  const read = pid === undefined ? undefined : readNow(`/proc/${String(pid)}/stat`, STAT, { left: STAT.cap });
  const stat = read?.ok === true ? parseStat(read.body) : undefined;
  if (pid === undefined || stat === undefined) return;
  running.set(pid, { startTicks: stat.startTicks, layout: undefined });
  child.once('exit', () => running.delete(pid));
}

/** True for a reader of our own that still runs what we have started. */
export function isReader(pid: number, startTicks: number, layout: string): boolean {
  const started = running.get(pid);
  if (started?.startTicks !== startTicks) return false;
  if (layout !== '') started.layout ??= layout;
  return layout === '' || started.layout === layout;
}

/**
 * True for the arguments of a reader of Amber, whichever process has started it. Anybody can give them to a Node, which
 * then does what a reader does. It is no proof of who it is.
 */
export function isReaderProgram(argv: readonly string[]): boolean {
  const at = argv.length - 1;
  return argv[at - 1] === '-e' && (argv[at] === ASIDE_SCRIPT || argv[at] === PROCFS_SCRIPT);
}

/** The same for an object of node:child_process, also when it has ended. */
export function isReaderObject(child: unknown): boolean {
  return typeof child === 'object' && child !== null && objects.has(child);
}
