/**
 * Secrets in command lines: `--name=value`, `--name value`, `NAME=value`, the options of well-known programs, and the
 * same inside scripts that stand in one argument (`sh -c "curl -u user:password …"`).
 */
import type { Left } from './hit.ts';
import { isSecretByName } from './names.ts';
import { programOf } from './programs.ts';
import type { Holds, Program } from './programs.ts';

/** A part of an argument that is a secret, and the name of the rule. */
export interface Part {
  readonly start: number;
  readonly end: number;
  readonly name: string;
  /** The part is a list of cookies. */
  readonly cookie?: true;
}

const MAX_WORDS = 4096;
const MAX_SCRIPT = 65_536;
const MAX_NESTING = 3;

const WITH_VALUE = /^((?:--?|\/)?(?:D(?=[a-z]))?([A-Za-z_][\w.-]{0,100}))=/u;
const OPTION = /^--?([A-Za-z][\w.-]{0,100})$/u;
/**
 * Behind an option that takes a value, this is the next option all the same; anything else with a dash may be a
 * password.
 */
const NOT_A_VALUE = /^--[A-Za-z]|^-[A-Za-z]$/u;
/** Positional in `aws configure set NAME VALUE` and the like: the name is a secret's and nothing else. */
const BARE_NAME = /^(?:aws_(?:secret_access_key|session_token)|_authToken)$/u;

interface State {
  program: Program | undefined;
  /** The command may still come: at the start, behind `VAR=value`, behind `sudo` and its options. */
  expecting: 'command' | 'known command' | undefined;
  /** The option whose value comes next. */
  pending: { readonly name: string; readonly holds?: Holds } | undefined;
}

/** A limit was met at this argument: its words or characters are looked at as text alone. */
export type ArgvLimit = (index: number, which: 'words' | 'script' | 'nesting', left: Left) => void;

/** The secret parts of each argument, in order and without overlap. */
export function secretParts(argv: readonly string[], limit: ArgvLimit, nesting = 0): Part[][] {
  const state: State = { program: undefined, expecting: 'command', pending: undefined };
  if (argv.length > MAX_WORDS) limit(MAX_WORDS, 'words', { count: argv.length - MAX_WORDS, of: 'words' });
  return argv.map((arg, index) => {
    const part = index < MAX_WORDS ? examine(arg, state) : undefined;
    if (part !== undefined) return part.end > part.start ? [part] : [];
    if (!/\s/u.test(arg)) return [];
    // Within a script, what is met belongs to the argument that the script is.
    return scriptParts(arg, (_, which, left) => limit(index, which, left), nesting + 1);
  });
}

function examine(arg: string, state: State): Part | undefined {
  const { pending } = state;
  state.pending = undefined;
  const option = OPTION.exec(arg);
  const assigned = WITH_VALUE.exec(arg);
  if (pending !== undefined && !NOT_A_VALUE.test(arg)) {
    const part = valuePart(arg, 0, pending.name, pending.holds);
    if (part !== undefined) return part;
  }
  if (nextProgram(arg, { isOption: option !== null }, state)) return undefined;
  const { program } = state;
  const holds = ownOption(program, arg);
  if (holds !== undefined) {
    state.pending = { name: arg.replace(/^--?/u, ''), holds };
    return undefined;
  }
  if (assigned?.[1] !== undefined && assigned[2] !== undefined) {
    return valuePart(arg, assigned[0].length, assigned[2], ownOption(program, assigned[1]));
  }
  if (arg.startsWith('pass:')) return { start: 5, end: arg.length, name: 'pass' };
  const joined = joinedPart(program, arg);
  if (joined !== undefined) return joined;
  if (option?.[1] !== undefined) state.pending = { name: option[1] };
  else if (BARE_NAME.test(arg)) state.pending = { name: arg };
  return undefined;
}

/** Takes note of the command's name; true if `arg` is that name. */
function nextProgram(arg: string, { isOption }: { readonly isOption: boolean }, state: State): boolean {
  if (state.program?.login !== undefined && arg === 'login') state.program = state.program.login;
  if (state.program?.starts === true && !isOption) state.expecting = 'command';
  if (state.expecting === undefined || isOption || WITH_VALUE.test(arg)) return false;
  const program = programOf(arg);
  if (program === 'starter') state.expecting = 'known command';
  else if (program !== undefined || state.expecting === 'command') {
    state.program = program;
    state.expecting = undefined;
  }
  return state.expecting === undefined;
}

function ownOption(program: Program | undefined, arg: string): Holds | undefined {
  return program !== undefined && Object.hasOwn(program.options, arg) ? program.options[arg] : undefined;
}

function joinedPart(program: Program | undefined, arg: string): Part | undefined {
  const head = arg.slice(0, 2);
  if (program?.joined === undefined || arg.length < 3 || !Object.hasOwn(program.joined, head)) return undefined;
  return valuePart(arg, 2, head.slice(1), program.joined[head]);
}

/** The part of a value that is secret: all of it where the name says so, or what the program's option holds. */
function valuePart(arg: string, from: number, name: string, holds: Holds | undefined): Part | undefined {
  const start = from + (/^["']/u.test(arg.slice(from)) ? 1 : 0);
  const end = Math.max(start, arg.length - (start > from && /["']$/u.test(arg) ? 1 : 0));
  const value = arg.slice(start, end);
  switch (holds) {
    case undefined:
      return isSecretByName(name, value) ? { start, end, name } : undefined;
    case 'header':
      return undefined; // the rules for text know headers
    case 'cookie':
      return value.includes('=') ? { start, end, name, cookie: true } : undefined;
    case 'secret':
      return { start, end, name };
    default: {
      const at = value.indexOf(holds === 'user:password' ? ':' : '%');
      return at < 0 ? undefined : { start: start + at + 1, end, name };
    }
  }
}

/** A script, or a process title in one piece: its words, command by command. */
function scriptParts(script: string, limit: ArgvLimit, nesting: number): Part[] {
  const parts: Part[] = [];
  if (nesting > MAX_NESTING) {
    limit(0, 'nesting', { count: 1, of: 'texts' });
    return parts;
  }
  if (script.length > MAX_SCRIPT) limit(0, 'script', { count: script.length - MAX_SCRIPT, of: 'characters' });
  for (const words of commandsOf(script.slice(0, MAX_SCRIPT))) {
    const found = secretParts(
      words.map((word) => word.text),
      limit,
      nesting,
    );
    for (const [index, inner] of found.entries()) {
      const at = words[index]?.at ?? 0;
      for (const part of inner) parts.push({ ...part, start: at + part.start, end: at + part.end });
    }
  }
  return parts;
}

interface Word {
  readonly text: string;
  /** Offset of `text` in the script. */
  readonly at: number;
}

const BORDER = /[;|&()`\n]/u;

/** Splits like a shell, roughly: blanks part words, quotes keep them together, separators begin a new command. */
function commandsOf(script: string): Word[][] {
  const commands: Word[][] = [[]];
  let start = -1;
  let quote = '';
  const finish = (end: number): void => {
    if (start >= 0) commands.at(-1)?.push(word(script, start, end));
    start = -1;
  };
  for (let at = 0; at < script.length; at++) {
    const char = script[at] ?? '';
    if (quote !== '') {
      if (char === quote) quote = '';
      continue;
    }
    if (/\s/u.test(char) || BORDER.test(char)) {
      finish(at);
      if (BORDER.test(char)) commands.push([]);
      continue;
    }
    if (start < 0) start = at;
    if (char === '"' || char === "'") quote = char;
    if (char === '\\') at++;
  }
  finish(script.length);
  return commands;
}

function word(script: string, start: number, end: number): Word {
  const quoted = end - start > 1 && /^["']/u.test(script[start] ?? '') && script[start] === script[end - 1];
  return quoted
    ? { text: script.slice(start + 1, end - 1), at: start + 1 }
    : { text: script.slice(start, end), at: start };
}
