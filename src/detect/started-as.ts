/** What a process was given to do, and whether anybody still has to do with it. */
import type { Observation, ObservedProcess } from '../contracts/evidence.ts';
import { commandsOf } from './command-line.ts';
import { isInterpreter, isShell } from './programs.ts';

/**
 * An interpreter that was given a text to run, or reads it. False where it runs a module or a file, and where its
 * arguments are a title or could not be read.
 */
export function runsText({ argv }: Pick<ObservedProcess, 'argv'>): boolean {
  const [command] = isTitle(argv) ? [] : commandsOf(argv);
  if (command === undefined) return false;
  return (command.code !== undefined && !/\bmultiprocessing\b/u.test(command.code)) || command.readsCode;
}

/** A program may write what it likes over its arguments: then they name no interpreter. */
function isTitle([first = '']: readonly string[]): boolean {
  return !isInterpreter(first) && !isShell(first);
}

/** Its parent has ended, or it has left the session and nobody reads what it says. */
export function isLoose(one: ObservedProcess, { processes }: Pick<Observation, 'processes'>): boolean {
  const isOrphan = processes.some(({ pid, role }) => pid === one.ppid && role === 'init');
  const isDeaf = one.stdio?.every((target) => target === '' || target === '/dev/null') === true;
  return isOrphan || (one.session === one.pid && isDeaf);
}
