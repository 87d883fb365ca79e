/**
 * The log stream of the sandbox, for orders that name one: AWS leaves AWS_LAMBDA_LOG_STREAM_NAME out of the environment
 * of extensions ("Lambda Extensions API", AWS Lambda Developer Guide), and the runtime has it in its own.
 */
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

const NAME = 'AWS_LAMBDA_LOG_STREAM_NAME';
const FORM = /(?:^|\0)AWS_LAMBDA_LOG_STREAM_NAME=([^\0\n]{1,512})(?:\0|$)/u;
/** The runtime is among the first processes. */
const MAX_PROCESSES = 32;
/** The environment of a process can block its reader: proc(5), `/proc/PID/environ` and the lock of its memory. */
const READ_MS = 50;

/** Puts it into `env` where it is not, from the first process that has it. Never rejects. */
export async function learnStream(env: NodeJS.ProcessEnv, proc: string = '/proc'): Promise<void> {
  if (env[NAME] !== undefined) return;
  for (const pid of pidsOf(proc)) {
    const text = await Promise.race([
      readFile(`${proc}/${pid}/environ`, 'latin1').catch(() => ''),
      sleep(READ_MS, '', { ref: false }),
    ]);
    const found = FORM.exec(text)?.[1];
    if (found === undefined) continue;
    env[NAME] = found;
    return;
  }
}

function pidsOf(proc: string): readonly string[] {
  try {
    const pids = readdirSync(proc).filter((name) => /^\d+$/u.test(name));
    return pids.sort((one, other) => Number(one) - Number(other)).slice(0, MAX_PROCESSES);
  } catch {
    return [];
  }
}
