// A function that does what the event says, for tests of a sandbox's life.
import { execSync, spawn } from 'node:child_process';
import { copyFileSync, readdirSync, writeFileSync } from 'node:fs';

export const handler = async (event) => {
  if (event.write !== undefined)
    writeFileSync(event.write, event.text ?? 'written by the function\n', { mode: event.mode ?? 0o644 });
  if (event.waitMs !== undefined) await new Promise((done) => setTimeout(done, event.waitMs));
  if (event.stage !== undefined) {
    copyFileSync('/bin/sleep', event.stage);
    spawn(event.stage, ['1000'], { detached: true, stdio: 'ignore', argv0: '[kworker/0:1]' }).unref();
  }
  if (event.run !== undefined) execSync(event.run, { stdio: 'ignore' });
  if (event.kill === true) process.kill(process.pid, 'SIGKILL');
  if (event.spin === true) for (;;);
  if (event.exit !== undefined) process.exit(event.exit);
  if (event.facts !== true) return event.say ?? null;
  return {
    uid: process.getuid(),
    pid: process.pid,
    tmp: readdirSync('/tmp'),
    pids: readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number),
  };
};
