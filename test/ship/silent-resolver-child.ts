/**
 * A wrapped handler, called once, beside a resolver that takes questions and answers none: node
 * silent-resolver-child.ts, as root of a network namespace of its own. Marks of its own stand between the lines that
 * Amber logs, in the order in which they came.
 */
import { spawn } from 'node:child_process';
import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { withCapture } from '../../src/index.ts';

const SILENT = `const s = require('dgram').createSocket('udp4'); let asked = 0; s.on('message', () => console.log(++asked, Date.now())); s.bind(53, '127.0.0.1', () => console.log('ready'));`;
const budgetMs = Number(process.env['AMBER_MAX_MS']);
const mark = (what: string, facts: object = {}): void =>
  void writeSync(1, `${JSON.stringify({ mark: what, ...facts })}\n`);

const resolver = spawn(process.execPath, ['-e', SILENT], { stdio: ['ignore', 'pipe', 'inherit'] });
let asked = 0;
let firstMs: number | undefined;
await new Promise((resolve) => {
  resolver.stdout.on('data', (chunk: Buffer) => {
    const told = [...chunk.toString().matchAll(/^(\d+) (\d+)$/gmu)];
    asked = Number(told.at(-1)?.[1] ?? asked);
    firstMs ??= told[0] === undefined ? undefined : Number(told[0][2]);
    resolve(undefined);
  });
});
const handler = withCapture(() => Promise.resolve('the answer'));
const started = performance.now();
const context = {
  awsRequestId: '11111111-2222-3333-4444-555555555555',
  invokedFunctionArn: 'arn:aws:lambda:eu-central-1:111122223333:function:f',
  getRemainingTimeInMillis: () => 60_000 - (performance.now() - started),
};
const answer: unknown = await (handler as (event: unknown, context: unknown) => unknown)({}, context);
const answeredMs = Date.now();
// The line of the first question may still be in the pipe.
await sleep(100);
mark('answer', { answer, heldMs: answeredMs - (firstMs ?? 0), asked });
await sleep(budgetMs + 2000);
mark('end', { asked });
resolver.kill('SIGKILL');
// A look-up that hangs in the thread pool would be waited for.
process.kill(process.pid, 'SIGKILL');
