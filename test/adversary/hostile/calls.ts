/**
 * System calls of a program and its children, as strace(1) writes them, and which of them go to a mount that somebody
 * serves.
 */

/** Calls that ask a file system something, and what is needed to tell whose they are. */
const CALLS =
  'open,openat,openat2,creat,stat,lstat,newfstatat,fstat,statx,statfs,fstatfs,access,faccessat,faccessat2,chdir,fchdir,getdents64,' +
  'readlink,readlinkat,read,pread64,readv,preadv,mmap,lseek,getxattr,lgetxattr,fgetxattr,listxattr,llistxattr,flistxattr,inotify_add_watch,execve,clone,clone3,fork,vfork';

/**
 * Writes the calls to a file. As a grandchild (-D): the program is nobody's child that it would not be without. Without
 * the paths of descriptors (-y): to print them strace asks the mount itself, and hangs.
 */
export const tracer = (log: string): readonly string[] => [
  'strace',
  '-D',
  '-f',
  '-qq',
  '-s',
  '4096',
  '-e',
  `trace=${CALLS}`,
  '-e',
  'signal=none',
  '-o',
  log,
];

export interface Call {
  /** The process (not the thread): `main`, or the script of a child. */
  readonly by: string;
  readonly text: string;
}

export interface Traced {
  /** Calls that go to what lies at or below the paths. */
  readonly touching: readonly Call[];
  /** Calls in all: a trace without any shows nothing. */
  readonly count: number;
  /** What the processes run: `main`, and the beginning of the script of each child. */
  readonly programs: ReadonlySet<string>;
}

interface Process {
  program: string;
  readonly descriptors: Map<string, string>;
}

const LINE = /^(\d+) +(?:(\w+)\((.*)|<\.\.\. (\w+) resumed>(.*))$/su;
const SCRIPT = /"-e", "\/\* (lambda-amber: [^*"]{1,80}) \*\//u;

export interface Served {
  /** Where the mount is. */
  readonly at: readonly string[];
  /** Links that lead there, of procfs too. */
  readonly links: readonly string[];
}

/** @param log - what strace has written */
export function callsIn(log: string, served: Served): Traced {
  const main: Process = { program: 'main', descriptors: new Map() };
  const owners = new Map<string, Process>();
  const begun = new Map<string, string>();
  const touching: Call[] = [];
  const programs = new Set<string>();
  let count = 0;
  for (const line of log.split('\n')) {
    const match = LINE.exec(line);
    if (match === null) continue;
    const [, tid = '', name, start = '', resumed, rest = ''] = match;
    // It may never come back: it is judged when it begins, too.
    if (name !== undefined && start.endsWith('<unfinished ...>')) begun.set(tid, start);
    const call = name ?? resumed ?? '';
    const text =
      resumed === undefined ? start : `${(begun.get(tid) ?? '').replace(/ ?<unfinished \.\.\.>$/u, '')}${rest}`;
    const process = owners.get(tid) ?? main;
    owners.set(tid, process);
    count += 1;
    follow(call, text, process, owners);
    if (call === 'execve' && text.endsWith(' = 0')) process.program = SCRIPT.exec(text)?.[1] ?? 'main';
    programs.add(process.program);
    if (goesTo(call, text, process, served)) touching.push({ by: process.program, text: `${call}(${text}` });
  }
  return { touching, count, programs };
}

/** Threads are their process; other children begin with a copy of the descriptors. */
function follow(call: string, text: string, process: Process, owners: Map<string, Process>): void {
  const result = / = (\d+)$/u.exec(text)?.[1];
  if (result === undefined) return;
  if (/^(?:clone3?|v?fork)$/u.test(call))
    owners.set(
      result,
      text.includes('CLONE_THREAD') ? process : { program: process.program, descriptors: new Map(process.descriptors) },
    );
  if (/^(?:open|openat|openat2|creat)$/u.test(call))
    process.descriptors.set(result, pathsOf(call, text, process)[0] ?? '');
}

const PATHS = /^(?:open|creat|stat|lstat|statfs|access|chdir|readlink|l?getxattr|l?listxattr)$/u;
const AT = /^(?:openat2?|newfstatat|statx|faccessat2?|readlinkat)$/u;

/** The path that a call goes to, by what the descriptors in it were opened as. */
function pathsOf(call: string, text: string, process: Process): readonly string[] {
  const string = (from: string): string | undefined => /^"((?:[^"\\]|\\.)*)"/u.exec(from)?.[1];
  if (PATHS.test(call)) return [real(string(text) ?? '', '', process)];
  if (AT.test(call)) {
    const [, folder = '', rest = ''] = /^(AT_FDCWD|\d+), (.*)$/su.exec(text) ?? [];
    const base = process.descriptors.get(folder) ?? '';
    const given = string(rest) ?? '';
    return [given === '' ? base : real(given, base, process)];
  }
  // A mapping names its file as the fifth argument, inotify the path as the second.
  if (call === 'inotify_add_watch') return [real(string(text.replace(/^\d+, /u, '')) ?? '', '', process)];
  const descriptor = call === 'mmap' ? /^(?:[^,]+, ){4}(\d+), /u.exec(text)?.[1] : /^(\d+)\b/u.exec(text)?.[1];
  return [process.descriptors.get(descriptor ?? '') ?? ''];
}

/** `/proc/self/fd/21/name` is the name below what 21 was opened as. */
function real(given: string, base: string, { descriptors }: Process): string {
  const own = /^\/proc\/self\/fd\/(\d+)(?=\/|$)/u.exec(given);
  if (own !== null) return `${descriptors.get(own[1] ?? '') ?? ''}${given.slice(own[0].length)}`;
  return given.startsWith('/') ? given : `${base}/${given}`;
}

/** To ask a link where it leads is no call to what lies there. */
function isOfLink(call: string, text: string): boolean {
  return (
    call.startsWith('readlink') ||
    call === 'lstat' ||
    text.includes('AT_SYMLINK_NOFOLLOW') ||
    text.includes('O_NOFOLLOW')
  );
}

function goesTo(call: string, text: string, process: Process, { at, links }: Served): boolean {
  const [path = ''] = pathsOf(call, text, process);
  const below = (point: string): boolean => path === point || path.startsWith(`${point}/`);
  return at.some(below) || links.some((link) => below(link) && !(path === link && isOfLink(call, text)));
}
