/** A shell that does what it is told, in the place of a runtime: its children are none of the test's own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Shell {
  readonly pid: number;
  /** Resolves when the command has been carried out, its background jobs left alone. */
  readonly say: (command: string) => Promise<void>;
}

export function openShell(t: TestContext): Shell {
  const shell: ChildProcess = spawn('bash', ['-s'], { stdio: ['pipe', 'pipe', 'ignore'], detached: true });
  t.after(async () => {
    try {
      process.kill(-(shell.pid ?? 0), 'SIGKILL');
    } catch {
      // it has ended
    }
    if (shell.exitCode === null && shell.signalCode === null) await once(shell, 'exit');
  });
  // Its own output may be led elsewhere.
  shell.stdin?.write('exec 8>&1\n');
  let number = 0;
  let heard = '';
  shell.stdout?.setEncoding('latin1').on('data', (text: string) => (heard += text));
  return {
    pid: shell.pid ?? 0,
    say: async (command) => {
      const mark = `said-${(number += 1)}`;
      shell.stdin?.write(`${command}\necho ${mark} >&8\n`, 'latin1');
      await until(() => heard.includes(`${mark}\n`));
    },
  };
}

/** Waits for what must come, and fails after ten seconds. */
export async function until(holds: () => boolean): Promise<void> {
  for (let turns = 0; !holds(); turns += 1) {
    if (turns > 2000) throw new Error('it did not come about in ten seconds');
    await sleep(5);
  }
}
