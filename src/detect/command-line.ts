/**
 * A command line as the commands that run: by position, as a shell splits it. What was cut is not guessed at, since
 * half a word means nothing.
 */
import { baseName } from './places.ts';
import { isInterpreter, isShell } from './programs.ts';
import { readShell, type Simple } from './shell-text.ts';

/** One command. */
export interface Command {
  /** Last component of what runs; '' where only the shell knows it. */
  readonly program: string;
  /** Program and arguments; what stands for another program (`env`, `nohup`, `busybox`) is taken off. */
  readonly words: readonly string[];
  /** What was taken off, by name. */
  readonly by: readonly string[];
  readonly redirects: readonly string[];
  /** The command whose output it reads. */
  readonly from: Command | undefined;
  /** Commands whose output stands in its words: `$(…)`, `<(…)`. */
  readonly within: readonly Command[];
  /** What a shell or an interpreter is given as a text: `-c`, `-e`. */
  readonly code?: string;
  /** The file that a shell or an interpreter runs. */
  readonly script?: string;
  /** Nothing says what to run, so it reads it from its input. */
  readonly readsCode: boolean;
}

/** Texts inside of texts. */
const MAX_DEPTH = 4;
const MAX_COMMANDS = 64;
const MAX_WRAPPERS = 8;

/** Programs that run what stands behind their options, with those that take a value. */
const WRAPPERS: ReadonlyMap<string, RegExp> = new Map([
  ['sudo', /^-[ugphC]$/u],
  ['env', /^-[uCS]$/u],
  ['nohup', /^$/u],
  ['setsid', /^$/u],
  ['exec', /^-a$/u],
  ['command', /^$/u],
  ['builtin', /^$/u],
  ['time', /^-[fo]$/u],
  ['nice', /^-n$/u],
  ['ionice', /^-[cnp]$/u],
  ['stdbuf', /^-[ioe]$/u],
  ['timeout', /^-[sk]$/u],
  ['xargs', /^-[IELnPsad]$/u],
  ['busybox', /^$/u],
  ['toybox', /^$/u],
]);
const KEYWORDS: ReadonlySet<string> = new Set(['if', 'then', 'else', 'elif', 'do', 'while', 'until', '!', '{', '}']);
const ASSIGNMENT = /^[A-Za-z_]\w*\+?=/u;

/** The commands of an argv, in the order in which they stand there. */
export function commandsOf(argv: readonly string[]): readonly Command[] {
  const found: Command[] = [];
  add(found, { words: argv, redirects: [], within: [] }, { from: undefined, depth: 0 });
  return found;
}

interface Context {
  readonly from: Command | undefined;
  readonly depth: number;
}

function add(found: Command[], simple: Simple, { from, depth }: Context): Command | undefined {
  if (found.length >= MAX_COMMANDS) return undefined;
  const { words, by } = unwrap(simple.words);
  const program = baseName(words[0] ?? '');
  const within: Command[] = [];
  for (const list of simple.within) within.push(...addAll(found, list, { from: undefined, depth: depth + 1 }));
  const command: Command = {
    program: program.includes('$') || program.includes('`') ? '' : program,
    words,
    by,
    redirects: simple.redirects,
    from,
    within,
    ...runBy(program, words),
  };
  found.push(command);
  const text = command.program === 'eval' ? words.slice(1).join(' ') : isShell(program) ? command.code : undefined;
  if (text !== undefined && depth < MAX_DEPTH) addAll(found, readShell(text), { from, depth: depth + 1 });
  return command;
}

function addAll(found: Command[], list: readonly Simple[], { from: first, depth }: Context): Command[] {
  const added: Command[] = [];
  let last: Command | undefined;
  for (const simple of list) {
    const from = simple.piped === true ? last : first;
    last = depth > MAX_DEPTH ? undefined : add(found, simple, { from, depth });
    if (last !== undefined) added.push(last);
  }
  return added;
}

function unwrap(given: readonly string[]): Pick<Command, 'words' | 'by'> {
  let words = given;
  const by: string[] = [];
  for (let turns = 0; turns < MAX_WRAPPERS; turns += 1) {
    const start = words.findIndex((word) => !KEYWORDS.has(word) && !ASSIGNMENT.test(word));
    if (start < 0) return { words: [], by };
    words = words.slice(start);
    const name = baseName(words[0] ?? '');
    const valued = WRAPPERS.get(name);
    const next = valued === undefined ? words.length : behindOptions(words, valued, name === 'timeout' ? 1 : 0);
    if (next >= words.length) return { words, by };
    by.push(name);
    words = words.slice(next);
  }
  return { words, by };
}

/** Where the words behind the options begin; `operands` of them belong to the program itself. */
function behindOptions(words: readonly string[], valued: RegExp, operands: number): number {
  let at = 1;
  while (at < words.length) {
    const word = words[at] ?? '';
    if (word === '--') return at + 1;
    if (word.startsWith('-')) at += valued.test(word) ? 2 : 1;
    else if (ASSIGNMENT.test(word)) at += 1;
    else break;
  }
  return at + operands;
}

/** Options of interpreters behind which a text stands, by the beginning of their name. */
const TEXT_OPTION: readonly (readonly [RegExp, RegExp])[] = [
  [/^(?:python|pypy)/u, /^-[A-Za-z]*c$/u],
  [/^(?:node|bun|deno)/u, /^(?:-p?e|-p|--eval|--print)$/u],
  [/^(?:perl|ruby)/u, /^-[A-Za-z]*[eE]$/u],
  [/^php/u, /^-r$/u],
  [/^lua/u, /^-e$/u],
];
/** Options of interpreters that take a value which is no file to run. */
const VALUED = /^(?:-[WXrIOodj]|--require|--import|--loader|--rcfile|--init-file)$/u;

function runBy(program: string, words: readonly string[]): Pick<Command, 'code' | 'script' | 'readsCode'> {
  const shell = isShell(program);
  if (!shell && !isInterpreter(program)) return { readsCode: false };
  const option = shell ? /^-[A-Za-z]*c[A-Za-z]*$/u : TEXT_OPTION.find(([name]) => name.test(program))?.[1];
  for (let at = 1; at < words.length; at += 1) {
    const word = words[at] ?? '';
    if (option?.test(word) === true) {
      const code = words.slice(at + 1).find((one) => !/^-[A-Za-z-]+$/u.test(one));
      return code === undefined ? { readsCode: false } : { readsCode: false, code };
    }
    if (word === '-' || (shell && /^-[A-Za-z]*s/u.test(word))) return { readsCode: true };
    if (!shell && /^-[A-Za-z]*m$/u.test(word)) return { readsCode: false };
    if (/^(?:--version|--help|-[Vv])$/u.test(word)) return { readsCode: false };
    if (VALUED.test(word)) at += 1;
    else if (!/^[-+]/u.test(word)) return { readsCode: false, script: word };
  }
  return { readsCode: true };
}
