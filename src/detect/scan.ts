/**
 * One look at a sandbox: processes, sockets, writable trees, code. Cheap enough for each invocation, and bounded: an
 * attacker decides what is there, not what a look costs.
 */
import { closeSync, fstatSync, lstatSync, readdirSync } from 'node:fs';
import type {
  BytePath,
  CodeIdentity,
  Observation,
  ObservedProcess,
  Observer,
  OwnFacts,
  Roots,
} from '../contracts/evidence.ts';
import type { RecordedNews, RingDoubt } from '../contracts/recorded.ts';
import { defined } from '../defined.ts';
import { systemCode } from '../errors.ts';
import { openLocal, reach } from '../fs/resolve.ts';
import { latin1 } from '../proc/bytes.ts';
import { MountBook } from '../proc/mount-book.ts';
import { readOpen, type ReadRule } from '../proc/read.ts';
import { yieldToEventLoop } from '../proc/session.ts';
import { openHeard, type HeardBook } from './heard.ts';
import { observeFiles, type FileLimits, type KnownFiles } from './observe-files.ts';
import { observeProcesses, type KnownProcesses, type ProcessLimits } from './observe-processes.ts';
import { observeSockets, type SocketsSeen } from './observe-sockets.ts';
import { withRoles } from './roles.ts';
import type { ProcRead } from '../contracts/process-table.ts';
import { many } from '../many.ts';

export interface ScannerOptions {
  readonly by: Observer;
  readonly roots: Roots;
  /** What only the process itself knows; in process only. */
  readonly own?: () => OwnFacts | Promise<OwnFacts>;
  /** What the black box has recorded since the last look. Asked behind `own`. */
  readonly recorded?: () => RecordedNews;
  /** Rings that are no longer as they were read; in the extension only. */
  readonly doubts?: () => readonly RingDoubt[];
  readonly limits?: Partial<ScanLimits>;
}

export interface ScanLimits extends ProcessLimits, FileLimits {
  /** Milliseconds of one look; what was not reached is in `notInspected`. */
  readonly totalMs: number;
}

const LIMITS: ScanLimits = { processes: 256, descriptors: 256, slowMs: 100, paths: 2000, heads: 256, totalMs: 1000 };

/** The invocation in progress, or the one that was just answered. */
export interface ScanInvocation {
  readonly number: number;
  readonly startedMs: number;
}

/** Looks again and again, and remembers what it has read. */
export interface SandboxScanner {
  /** One look; looks do not overlap, a second one waits for the first. Never rejects. */
  readonly scan: (invocation: ScanInvocation) => Promise<Observation>;
}

/** Longest that the main thread is held at a stretch, milliseconds. */
const SLICE_MS = 4;

export function openScanner(options: ScannerOptions): SandboxScanner {
  const limits = { ...LIMITS, ...options.limits };
  let known: KnownProcesses = new Map();
  let knownFiles: KnownFiles = new Map();
  let sockets: SocketsSeen | undefined;
  let runtimes: ReadonlySet<number> = new Set();
  let last: Promise<unknown> = Promise.resolve();
  const [book, heard] = [new MountBook(), openHeard()];

  const once = async (invocation: ScanInvocation): Promise<Observation> => {
    const { by, roots } = options;
    const takenMs = Date.now();
    const pace = paceOf(limits.totalMs);
    const seen = await observeProcesses(
      { root: roots.proc, writable: roots.writable, stopped: pace.stopped, always: (pid) => runtimes.has(pid) },
      limits,
      known,
    );
    known = seen.known;
    const processes = withRoles(seen.processes, seen.self, by);
    runtimes = new Set(processes.filter(({ role }) => role === 'runtime').map(({ pid }) => pid));
    sockets = await observeSockets(roots.proc, seen.processes, sockets);
    book.refresh();
    const files = await observeFiles(roots.writable, limits, knownFiles, pace, book);
    knownFiles = files.known;
    const extensions = extensionsOf(roots.code, book);
    const within = await withinOf(options, heard);
    return {
      takenMs,
      by,
      self: seen.self,
      invocation,
      processes,
      writable: roots.writable,
      sockets: sockets.sockets,
      files: files.files,
      extensions: extensions.names,
      nameservers: nameserversOf(roots.etc, book),
      code: codeOf(roots.code, processes, book),
      ...within.facts,
      notInspected: [...seen.left, ...sockets.left, ...files.left, ...extensions.left, ...within.left],
    };
  };
  return {
    scan: (invocation) => {
      const next = last.then(() => once(invocation));
      last = next.catch(() => undefined);
      return next;
    },
  };
}

/** What only the process itself knows. The events come behind the facts, which name the readers that are Amber's. */
async function withinOf(
  options: ScannerOptions,
  book: HeardBook,
): Promise<{
  readonly facts: Pick<Observation, 'own' | 'recorded' | 'doubts' | 'heard'>;
  readonly left: readonly string[];
}> {
  const own = await options.own?.();
  const recorded = options.recorded?.();
  const doubts = options.doubts?.();
  const beyond = recorded?.left ?? 0;
  const missed =
    `${many(beyond, 'recorded event was', 'recorded events were')} not looked at: too many came ` + `between two looks`;
  return {
    facts: { own, ...defined({ recorded, doubts, heard: recorded === undefined ? undefined : book.add(recorded) }) },
    left: [...(own?.left ?? []), ...(beyond === 0 ? [] : [missed])],
  };
}

function paceOf(totalMs: number): {
  readonly stopped: () => boolean;
  readonly yieldIfDue: () => Promise<void> | undefined;
} {
  const end = performance.now() + totalMs;
  let since = performance.now();
  return {
    stopped: () => performance.now() > end,
    yieldIfDue: () => {
      if (performance.now() - since < SLICE_MS) return undefined;
      return yieldToEventLoop().then(() => {
        since = performance.now();
      });
    },
  };
}

/** The file that turns all extensions off when it lies in /opt (RIE internal/lambda/rapid/extensions.go). */
const KILL_FILE = 'disable-extensions-jwigqn8j';

function extensionsOf(
  code: readonly BytePath[],
  book: MountBook,
): { readonly names: readonly string[]; readonly left: readonly string[] } {
  const opt = code.find((root) => root.endsWith('/opt'));
  if (opt === undefined || book.placeOf(opt).ground !== 'local') return { names: [], left: [] };
  const all = listing(`${opt}/extensions`);
  const names = all.slice(0, MAX_NAMES);
  const beyond = all.length - names.length;
  return {
    names: exists(`${opt}/${KILL_FILE}`) ? [...names, KILL_FILE] : names,
    left:
      beyond === 0
        ? []
        : [
            `${many(beyond, 'name')} in ${opt}/extensions beyond the limit of ${String(MAX_NAMES)} ` +
              `${beyond === 1 ? 'was' : 'were'} not looked at`,
          ],
  };
}

const MAX_NAMES = 64;

function listing(path: string): string[] {
  try {
    return readdirSync(path, 'latin1').sort();
  } catch {
    return [];
  }
}

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

const SMALL: ReadRule = { cap: 16 * 1024, whole: true };

/** Links are followed, not to where somebody else would have to answer. */
function nameserversOf(etc: string, book: MountBook): string[] {
  const read = readLocal(`${etc}/resolv.conf`, book);
  return read?.ok === true
    ? [...latin1(read.body).matchAll(/^\s*nameserver\s+(\S+)/gmu)].map(([, address]) => address ?? '')
    : [];
}

function readLocal(path: BytePath, book: MountBook): ProcRead | undefined {
  try {
    const fd = openLocal(path, book);
    if (typeof fd !== 'number') return undefined;
    try {
      return fstatSync(fd).isFile() ? readOpen(fd, SMALL, { left: SMALL.cap }) : undefined;
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
}

const HANDLER_EXTENSIONS = ['.js', '.mjs', '.cjs', '.py', '.rb', '.jar', ''] as const;

/** stat of the roots of code and of the handler's file, wherever the runtime would look for it. */
function codeOf(code: readonly BytePath[], processes: readonly ObservedProcess[], book: MountBook): CodeIdentity {
  const env = processes.find(({ role }) => role === 'runtime')?.env;
  const handler = env?.['_HANDLER'];
  const task = env?.['LAMBDA_TASK_ROOT'] ?? code[0];
  const stats: Record<string, string> = {};
  for (const root of code) stats[root] = statText(root, book);
  if (handler !== undefined && task !== undefined) {
    const module = `${task}/${handler.slice(0, Math.max(0, handler.lastIndexOf('.')))}`;
    for (const extension of HANDLER_EXTENSIONS) {
      const text = statText(module + extension, book);
      if (!text.startsWith('ENO')) stats[module + extension] = text;
    }
  }
  return { handler, stats };
}

/** A process may name any path for its code: not one is followed to where somebody else would have to answer. */
function statText(path: BytePath, book: MountBook): string {
  try {
    const reached = reach(path, book);
    if (!('fd' in reached)) return 'served';
    try {
      const stat = fstatSync(reached.fd, { bigint: true });
      return [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(':');
    } finally {
      closeSync(reached.fd);
    }
  } catch (cause) {
    return systemCode(cause) ?? 'failed';
  }
}
