// A wrapped function that watches how long its event loop is held, and leaves by process.exit() when it is told to.
import { readFileSync } from 'node:fs';

const { capture, withCapture } = await import(process.env.SANDBOX_LIBRARY ?? '../../../src/index.ts');

let longestMs = 0;
let turns = 0;
let last = performance.now();
let lastWaitedMs = waitedMs();

/** What this thread was ready and got no processor: what the machine does beside us is no hold (sched-stats.rst). */
function waitedMs() {
  return Number(readFileSync('/proc/self/schedstat', 'latin1').split(' ')[1]) / 1e6;
}

setInterval(() => {
  const now = performance.now();
  const waited = waitedMs();
  longestMs = Math.max(longestMs, now - last - (waited - lastWaitedMs));
  turns += 1;
  last = now;
  lastWaitedMs = waited;
}, 1).unref();

export const handler = withCapture(async ({ exitInMs, exitNow, captureForMs, beginAnew }) => {
  if (beginAnew === true) {
    longestMs = 0;
    last = performance.now();
  }
  if (exitNow !== undefined) process.exit(exitNow);
  if (captureForMs !== undefined) {
    const before = turns;
    capture('asked for by the test').catch(() => undefined);
    await new Promise((done) => setTimeout(done, captureForMs));
    process.exit(turns > before ? 7 : 8);
  }
  if (exitInMs !== undefined) setTimeout(() => process.exit(7), exitInMs);
  return { longestMs, turns };
});
