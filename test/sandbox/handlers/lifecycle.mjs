// A function that does what the event says, for tests of a sandbox's life.
import { execSync, spawn } from 'node:child_process';
import { copyFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';

/** Fills /tmp with scripts until there is no room, empties it, and again: how many MB went in each time. */
function fillTmp(times) {
  const script = Buffer.alloc(1 << 20, '#!/bin/sh\n');
  return Array.from({ length: times }, () => {
    const names = [];
    try {
      for (;;) {
        names.push(`/tmp/fill-${names.length}.sh`);
        writeFileSync(names.at(-1), script);
      }
    } catch (error) {
      if (error.code !== 'ENOSPC') throw error;
    }
    for (const name of names) rmSync(name);
    return names.length - 1;
  });
}

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
  if (event.fill !== undefined) return fillTmp(event.fill);
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
