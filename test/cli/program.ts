/** The built command in a process of its own, as its users run it: exit code, standard output, standard error. */
import { spawn, type ChildProcess } from 'node:child_process';
import { join, resolve } from 'node:path';
import { defined } from '../../src/defined.ts';
import { buildPackage } from '../built.ts';

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

buildPackage();

/** The file that npm links as `amber`. */
export const COMMAND: string = resolve('dist/cli/amber.js');
/** Lambda's other runtime, which `engines` permits as well. */
export const NODE_22: string = resolve('node_modules/node-22/bin/node');
const TERMINAL = join(import.meta.dirname, 'terminal.py');

export interface ProgramOptions {
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** What stands on standard input, or is typed; nothing without. */
  readonly input?: string | Buffer | undefined;
  /** The interpreter; the one of the tests without. */
  readonly node?: string | undefined;
  readonly cwd?: string | undefined;
  /** On a terminal: one for input and output, another one for errors. */
  readonly tty?: boolean | undefined;
  /** The terminal shows what is typed, as those of users do. */
  readonly echo?: boolean | undefined;
}

/** What a test sets of AWS reaches the command; the machine's own configuration does not. */
function environment(more: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const aws = Object.entries(process.env).filter(([name]) => name.startsWith('AWS_'));
  // Compiled once in a run of the tests: a third of what a short command takes.
  const { TMPDIR, NODE_COMPILE_CACHE } = process.env;
  return {
    PATH: '/usr/bin:/bin',
    HOME: '/nonexistent',
    AWS_EC2_METADATA_DISABLED: 'true',
    ...defined({ TMPDIR, NODE_COMPILE_CACHE }),
    ...Object.fromEntries(aws),
    ...more,
  };
}

/** Starts the command; for what has to be told something while it runs. */
export function startProgram(argv: readonly string[], options: ProgramOptions = {}): ChildProcess {
  const { node = process.execPath, cwd, input, tty = false, echo = false } = options;
  const env = environment(options.env ?? {});
  const command = [node, COMMAND, ...argv];
  if (tty)
    return spawn('python3', [TERMINAL, ...command], {
      env: { ...process.env, AMBER_TEST_ENV: JSON.stringify(env), ...(echo ? { AMBER_TEST_ECHO: '1' } : {}) },
      cwd,
      stdio: 'pipe',
    });
  return spawn(node, command.slice(1), { env, cwd, stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'] });
}

/** Runs the command to its end. A process that a signal ends has the code -1. */
export async function program(argv: readonly string[], options: ProgramOptions = {}): Promise<Ran> {
  const child = startProgram(argv, options);
  const said = { out: '', err: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (said.out += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (said.err += text));
  child.stdin?.on('error', () => undefined).end(options.input);
  const code = await new Promise<number>((done) => child.once('close', (status) => done(status ?? -1)));
  return { code, ...said };
}
