/**
 * Command lines that intruders use and functions hardly ever: one row each, judged by what stands where. A command may
 * fit several.
 */
import type { Severity } from '../contracts/evidence.ts';
import { commandsOf, type Command } from './command-line.ts';
import { isDownloader, isInterpreter, isShell } from './programs.ts';

export interface Idiom {
  readonly name: string;
  readonly severity: Severity;
  readonly what: string;
}

type Test = (one: Command, all: readonly Command[]) => boolean;

const SHELL_SOCKET = /^\/dev\/(?:tcp|udp)\/[\w.:$[{-]/u;
const TEMPORARY = /^\/(?:tmp|dev\/shm|var\/tmp)\//u;
const ENVIRON =
  /(?:^|[=@:/])\/proc\/(?:self|thread-self|\$\$|\$\{?PPID\}?|[\d*?[\]-]+)\/(?:task\/[^/]+\/)?(?:environ|mem)$/u;
/** Code puts the path together: `'/proc/' + str(os.getppid()) + '/environ'`. */
const ENVIRON_IN_CODE = /\/proc\/[^;\n]{0,80}?\/(?:environ|mem)\b/u;
/** `:(){ :|:& };:` */
const CALLS_ITSELF_TWICE = /(?<name>[\w:]+)\s*\(\)\s*\{[^}]*?\k<name>[^}|&]*[|&]\s*\k<name>[^}]*&/u;
const SECRET = /\bAWS_(?:SECRET_ACCESS_KEY|SESSION_TOKEN)\b/u;
const SAYS: ReadonlySet<string> = new Set(['echo', 'printf', ':', 'true']);
const SETS_UP: ReadonlySet<string> = new Set([...SAYS, '', '.', 'source', 'cd', 'export', 'set', 'unset', 'env']);
/** How a socket and a program come together in a text for an interpreter. */
const SOCKET_CODE =
  /\bsocket\b|\bTCPSocket\b|\bfsockopen\b|\bnet\.(?:connect|createConnection|Socket)\b|require\(.net.\)/u;
const SHELL_CODE = /\bdup2\b|\bpty\.spawn\b|\/bin\/(?:ba)?sh\b|["'](?:ba)?sh["']|child_process|>&\w*S\b/u;
const NETWORK: ReadonlySet<string> = new Set([
  'nc',
  'ncat',
  'netcat',
  'nc.openbsd',
  'nc.traditional',
  'telnet',
  'socat',
]);

const isFetcher = ({ program }: Command): boolean => /^(?:curl|wget|aria2c|fetch)$/u.test(program);
const isNetcat = ({ program }: Command): boolean => NETWORK.has(program);
const isSocketTool = (one: Command): boolean =>
  isNetcat(one) || (one.program === 'openssl' && one.words[1] === 's_client');
const runsCode = ({ program }: Command): boolean => isShell(program) || isInterpreter(program);
const decodes = ({ program, words }: Command): boolean =>
  (program === 'base64' && words.some((word) => /^(?:-[a-z]*[dD]|--decode)$/u.test(word))) ||
  (program === 'xxd' && words.some((word) => /^-\w*r/u.test(word)));
/** Prints all variables. `printenv HOME` prints one. */
const printsEnvironment = ({ program, words }: Command): boolean =>
  (/^(?:env|printenv|set|export|declare)$/u.test(program) && words.length === 1) ||
  (/^(?:export|declare)$/u.test(program) && words[1] === '-p' && words.length === 2);

function* before({ from }: Command): Generator<Command> {
  for (let one = from; one !== undefined; one = one.from) yield one;
}

/** The command reads what such a command writes: through a pipe, or in its words. */
function isFed(one: Command, by: (other: Command) => boolean): boolean {
  for (const other of before(one)) if (by(other) || other.within.some(by)) return true;
  return one.within.some((other) => by(other) || isFed(other, by));
}

/** What is fed to the command is run: from its input, as a text, as a file, or as the command itself. */
function runsWhatComes(one: Command, by: (other: Command) => boolean): boolean {
  if (one.readsCode) return isFed(one, by);
  const isRun =
    one.program === '' ||
    (one.program === 'eval' && one.words.length > 1) ||
    isSourced(one) ||
    (runsCode(one) && /\$\(|`|<\(/u.test(one.code ?? one.script ?? ''));
  return isRun && one.within.some((other) => by(other) || isFed(other, by));
}

const OUTPUT: Readonly<Record<string, RegExp>> = {
  curl: /^(?:-[A-Za-z]*o|--output)$/u,
  wget: /^(?:-[A-Za-z]*O|--output-document)$/u,
  aria2c: /^(?:-o|--out)$/u,
};

/** Files into which a download goes. */
function downloadsOf(one: Command): readonly string[] {
  const option = OUTPUT[one.program];
  if (option === undefined) return [];
  const named = one.words.flatMap((word, at) => {
    const attached = /^(?:-o|-O|--output(?:-document)?=)(?<path>\/.+)$/u.exec(word)?.groups?.['path'];
    return attached ?? (option.test(word) ? (one.words[at + 1] ?? []) : []);
  });
  return [...named, ...one.redirects];
}

const plain = (path: string): string => path.replace(/^(?:\.\/)+/u, '');

/** The command executes a file that one before it has downloaded. */
function runsDownload(one: Command, all: readonly Command[]): boolean {
  const [program = ''] = one.words;
  const run = [program.includes('/') ? program : '', one.script ?? '', ...(isSourced(one) ? one.words.slice(1, 2) : [])]
    .filter((path) => path !== '')
    .map(plain);
  return (
    run.length > 0 &&
    all.slice(0, all.indexOf(one)).some((other) => downloadsOf(other).some((path) => run.includes(plain(path))))
  );
}

function isSourced({ program }: Command): boolean {
  return program === '.' || program === 'source';
}

function tiesNetcat({ program, words }: Command): boolean {
  if (program === 'socat') return words.some((word) => /^(?:exec|system|shell):/iu.test(word));
  return words.some((word, at) => {
    if (!/^(?:-[A-Za-z0-9]*[ec]|--exec|--sh-exec)$/u.test(word)) return false;
    const next = words[at + 1] ?? '';
    return next.includes('/') || isShell(next.split(' ', 1)[0]);
  });
}

/** A shell that reads from a pipe file, and the file is one that was made here. */
function readsFifo(one: Command, all: readonly Command[]): boolean {
  if (!isShell(one.program) || !one.readsCode) return false;
  const made = all.flatMap(({ program, words }) =>
    program === 'mkfifo' || (program === 'mknod' && words.at(-1) === 'p') ? words.slice(1) : [],
  );
  const reads = [one, ...before(one)].flatMap(({ words, redirects }) => [...words.slice(1), ...redirects]);
  return made.some((path) => reads.includes(path));
}

/** The path of `grep` is not its pattern, and what `echo` says is no file. */
function readsEnviron({ program, words, redirects, code }: Command): boolean {
  if (code !== undefined && isInterpreter(program)) return ENVIRON_IN_CODE.test(code);
  if (SAYS.has(program)) return redirects.some((path) => ENVIRON.test(path));
  const operands = words.slice(1);
  if (/^[ef]?grep$/u.test(program) && !operands.includes('-e')) {
    const pattern = operands.findIndex((word) => !word.startsWith('-'));
    operands.splice(pattern, 1);
  }
  return [...operands, ...redirects].some((word) => ENVIRON.test(word));
}

/** Behind a command that got an argument: what stands behind `;` in a text that was put into it. */
function isBehind(one: Command, all: readonly Command[]): boolean {
  const at = all.indexOf(one);
  const earlier = all.slice(0, at).filter(({ program, code }) => !(isShell(program) && code !== undefined));
  if (all.some(({ within }) => within.includes(one))) return true;
  return !earlier.some(isSourced) && earlier.some(({ program, words }) => words.length > 1 && !SETS_UP.has(program));
}

const namesOf = ({ words, redirects }: Command): readonly string[] => [...words.slice(1), ...redirects];

const IDIOMS: readonly (Idiom & { readonly test: Test })[] = [
  {
    name: 'dev-tcp',
    severity: 'critical',
    what: 'opens a socket with the shell (/dev/tcp)',
    test: ({ program, redirects, within }) =>
      redirects.some((path) => SHELL_SOCKET.test(path)) && (!SAYS.has(program) || within.length > 0),
  },
  {
    name: 'port-test',
    severity: 'low',
    what: 'asks by the shell whether a port is open (/dev/tcp)',
    test: ({ redirects }) => redirects.some((path) => SHELL_SOCKET.test(path)),
  },
  {
    name: 'netcat-exec',
    severity: 'critical',
    what: 'ties a shell to a socket',
    test: (one) => isNetcat(one) && tiesNetcat(one),
  },
  {
    name: 'netcat-shell',
    severity: 'critical',
    what: 'runs what comes from a socket',
    test: (one) => one.readsCode && isFed(one, isSocketTool),
  },
  {
    name: 'fork-bomb',
    severity: 'high',
    what: 'calls itself twice, in the background',
    test: ({ program, code }) => isShell(program) && CALLS_ITSELF_TWICE.test(code ?? ''),
  },
  { name: 'fifo-shell', severity: 'critical', what: 'ties a shell to a pipe file', test: readsFifo },
  {
    name: 'socket-one-liner',
    severity: 'critical',
    what: 'ties a shell to a socket by an interpreter',
    test: ({ program, code }) =>
      code !== undefined && isInterpreter(program) && SOCKET_CODE.test(code) && SHELL_CODE.test(code),
  },
  {
    name: 'download-run',
    severity: 'high',
    what: 'runs a download',
    test: (one) => runsWhatComes(one, isFetcher),
  },
  { name: 'download-stage', severity: 'high', what: 'downloads a file and runs it', test: runsDownload },
  {
    name: 'decode-run',
    severity: 'high',
    what: 'decodes a text into an interpreter',
    test: (one) => runsWhatComes(one, decodes),
  },
  {
    name: 'environ-read',
    severity: 'high',
    what: 'reads the environment of a process out of /proc',
    test: readsEnviron,
  },
  {
    name: 'environ-send',
    severity: 'high',
    what: 'sends the environment away',
    test: (one) => (isDownloader(one.program) || one.program === 'base64') && isFed(one, printsEnvironment),
  },
  {
    name: 'secrets-send',
    severity: 'high',
    what: 'sends the credentials of the function away',
    test: (one) => isDownloader(one.program) && one.words.some((word) => word.includes('$') && SECRET.test(word)),
  },
  {
    name: 'environ-injected',
    severity: 'high',
    what: 'prints the environment behind another command',
    test: (one, all) => printsEnvironment(one) && one.program !== 'set' && isBehind(one, all),
  },
  {
    name: 'credentials-read',
    severity: 'medium',
    what: 'asks for the credentials of the function',
    test: (one) =>
      namesOf(one).some((word) => (SECRET.test(word) && !word.includes('=')) || word.endsWith('.aws/credentials')),
  },
  {
    name: 'account-files',
    severity: 'medium',
    what: 'reads the files of accounts',
    test: (one) => !SAYS.has(one.program) && namesOf(one).some((word) => /^\/etc\/(?:passwd|shadow)$/u.test(word)),
  },
  {
    name: 'stage-mark',
    severity: 'medium',
    what: 'makes a file of a writable tree executable',
    test: ({ program, words }) =>
      program === 'chmod' &&
      words.some((word) => /^(?:[ugoa]*\+\w*x\w*|[0-7]?[0-7]*[1357][0-7]*)$/u.test(word)) &&
      words.some((word) => TEMPORARY.test(word)),
  },
  {
    name: 'left-behind',
    severity: 'medium',
    what: 'leaves a process behind',
    test: ({ by, program }) => by.includes('nohup') || by.includes('setsid') || program === 'disown',
  },
  {
    name: 'runtime-api',
    severity: 'high',
    what: 'talks to the Runtime API',
    test: (one) =>
      [...namesOf(one), one.code ?? ''].some(
        (word) =>
          /\/2018-06-01\/runtime\/(?:invocation|init)/u.test(word) || /\$\{?AWS_LAMBDA_RUNTIME_API\b/u.test(word),
      ) &&
      (isDownloader(one.program) || isInterpreter(one.program)),
  },
  {
    name: 'survey-injected',
    severity: 'medium',
    what: 'looks around behind another command',
    test: (one, all) => looksAround(one) && isBehind(one, all),
  },
  { name: 'survey', severity: 'low', what: 'looks around', test: looksAround },
];

function looksAround({ program, words }: Command): boolean {
  return program === 'whoami' || (program === 'id' && words.length === 1) || (program === 'uname' && words[1] === '-a');
}

const ORDER = ['critical', 'high', 'medium', 'low'] as const;

/** The idioms of an argv, most severe first. */
export function idiomsOf(argv: readonly string[]): readonly Idiom[] {
  const all = commandsOf(argv);
  return IDIOMS.filter(({ test }) => all.some((one) => test(one, all))).toSorted(
    (one, other) => ORDER.indexOf(one.severity) - ORDER.indexOf(other.severity),
  );
}
