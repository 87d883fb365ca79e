// The function of lifecycle.mjs with Amber in it, and what an intruder in it may do to the socket of the extension.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, readlinkSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { withCapture } from '../../../src/index.ts';
import { handler as plain } from './lifecycle.mjs';

const name = `\0lambda-amber-1-${/\d+/.exec(readlinkSync('/proc/self/ns/pid'))[0]}`;

/** Says `say` to the extension, line by line, and gives what it answers until it hangs up or `ms` have passed. */
async function forge({ say = [], ms = 1000, raw }) {
  const socket = connect({ path: name });
  let heard = '';
  socket
    .setEncoding('utf8')
    .on('data', (text) => (heard += text))
    .on('error', () => undefined);
  if (raw !== undefined) socket.write(raw.text.repeat(raw.times));
  // At once: behind a verdict that ends the connection a second write fails, and takes with it what was not read yet.
  if (say.length > 0) socket.write(say.map((line) => `${JSON.stringify(line)}\n`).join(''));
  await Promise.race([new Promise((done) => socket.once('close', done)), new Promise((done) => setTimeout(done, ms))]);
  socket.destroy();
  return heard
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

/** Another process that answers in the extension's place. */
async function squat() {
  const script = `require('net').createServer((socket) => {
    socket.on('error', () => 0);
    socket.write(JSON.stringify({ pid: process.pid }) + '\\n');
    socket.on('data', () => socket.write(JSON.stringify({ verdict: 'done', held: true }) + '\\n'));
  }).listen({ path: ${JSON.stringify(name)} }, () => console.log('ready'))`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
}

const REPORT_MS = 5000;

/**
 * Holds the main thread when the diagnostic report is made, until `file` is there or 5 s have passed, and appends to
 * `file.seen` whether it was: an answer that has not left this process by then never does meanwhile.
 */
function holdReports(file) {
  const { getReport } = process.report;
  process.report.getReport = function (...args) {
    const pause = new Int32Array(new SharedArrayBuffer(4));
    const until = Date.now() + REPORT_MS;
    while (!existsSync(file) && Date.now() < until) Atomics.wait(pause, 0, 0, 10);
    appendFileSync(`${file}.seen`, existsSync(file) ? 'out\n' : 'not out\n');
    rmSync(file, { force: true });
    return Reflect.apply(getReport, this, args);
  };
}

export const handler = withCapture(async (event) => {
  if (event.squat === true) await squat();
  if (event.holdReports !== undefined) holdReports(event.holdReports);
  // By a text: what was deployed may replace a built-in.
  if (event.patch === true) globalThis.fetch = new Function('return () => undefined')();
  if (event.late !== undefined)
    setTimeout(() => {
      throw new Error('late');
    }, event.late);
  if (event.live !== undefined) process.env.SET_BY_CODE = event.live;
  const heard = [];
  for (const one of event.forge ?? []) heard.push(await forge(one));
  if (event.fail !== undefined) throw new TypeError(event.fail);
  return event.forge === undefined ? plain(event) : heard;
});

/** Code that asks for something else than the environment does. */
export const other = withCapture(() => 'other', { maxMs: 9000 });

/** With a trigger of its own. */
export const own = withCapture(async () => 'own', {
  triggers: [
    {
      name: 'always',
      description: 'Every invocation.',
      moments: () => ['settled'],
      fires: () => ({ trigger: 'always', reason: 'a test' }),
    },
  ],
});
