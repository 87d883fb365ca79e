/**
 * Runs test files in the order that they are given in, with node's own reporter for readers and ours beside it. The
 * command `node --test` would sort them by name. Exit code 1 if a test fails, as with the command.
 *
 *     node test/in-order.ts TALLY CONCURRENCY TIMEOUT_MS FILE…
 */
import { createWriteStream } from 'node:fs';
import { resolve } from 'node:path';
import { run } from 'node:test';
import { spec as Spec } from 'node:test/reporters';
import tally from './tally.ts';

const [to = '', concurrency, timeout, ...files] = process.argv.slice(2);
const events = run({
  files: files.map((file) => resolve(file)),
  concurrency: Number(concurrency),
  timeout: Number(timeout),
});
// A test that is to do may fail.
events.on('test:fail', ({ todo }) => {
  if (todo === undefined || todo === false) process.exitCode = 1;
});
events.compose<NodeJS.ReadWriteStream>(new Spec()).pipe(process.stdout);
events.compose<NodeJS.ReadableStream>(tally).pipe(createWriteStream(to));
