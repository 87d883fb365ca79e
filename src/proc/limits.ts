/** /proc/PID/limits. Source: proc_pid_limits(5), `proc_pid_limits` in the kernel's fs/proc/base.c. */
import { latin1 } from './bytes.ts';

export interface Limit {
  /** `Max open files`, … */
  readonly name: string;
  /** A number as printed, or `unlimited`. */
  readonly soft: string;
  readonly hard: string;
  /** `bytes`, `processes`, …; empty where the kernel gives none. */
  readonly unit: string;
}

/** Every limit, in the kernel's order; the heading is left out. */
export function parseLimits(body: Uint8Array): Limit[] {
  const limits: Limit[] = [];
  for (const line of latin1(body).split('\n').slice(1)) {
    // The columns are 25, 20, 20 and 10 wide; only the name holds blanks.
    const match = /^(.{25}) (\S+) +(\S+) *(\S*)/u.exec(line);
    if (match === null) continue;
    const [, name = '', soft = '', hard = '', unit = ''] = match;
    limits.push({ name: name.trim(), soft, hard, unit });
  }
  return limits;
}
