/** The command as it is published, in a process of its own. */
import { spawn } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { freshFolder } from '../case/captures.ts';
import { COMMAND } from './program.ts';

export interface BuiltRan {
  readonly code: number;
  /** The signal that ended it, where one did: SIGKILL for what did not end by itself. */
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
  /** The most memory that it had, of its own process: VmHWM. */
  readonly bytes: number;
}

export type BuiltAmber = (
  argv: readonly string[],
  options?: { readonly env?: NodeJS.ProcessEnv; readonly withinMs?: number; readonly cwd?: string },
) => Promise<BuiltRan>;

/** A module that runs before the command: it says at the end how much memory the process had at most. */
const MEASURE = `data:text/javascript,${encodeURIComponent(`
import { readFileSync, writeSync } from 'node:fs';
process.on('exit', () => writeSync(3, /VmHWM:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]));
`)}`;

/** Puts the one file of the command alone into a folder. */
export function builtAmber(): BuiltAmber {
  const command = join(freshFolder(), 'amber.mjs');
  copyFileSync(COMMAND, command);
  return async (argv, { env = {}, withinMs = 300_000, cwd = '.' } = {}) => {
    const child = spawn(process.execPath, ['--import', MEASURE, command, ...argv], {
      cwd,
      env: { PATH: '/usr/bin:/bin', HOME: '/nonexistent', AWS_EC2_METADATA_DISABLED: 'true', ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), withinMs);
    const said = child.stdio.slice(1).map((stream) => {
      const pieces: Buffer[] = [];
      stream?.on('data', (piece: Buffer) => pieces.push(piece));
      return pieces;
    });
    const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) =>
      child.once('close', (...ended) => resolve(ended)),
    );
    clearTimeout(timer);
    const [out = '', err = '', memory = ''] = said.map((pieces) => Buffer.concat(pieces).toString('utf8'));
    return { code: code ?? -1, signal, out, err, bytes: Number(memory) * 1024 };
  };
}
