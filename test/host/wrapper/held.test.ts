/**
 * While a capture holds an answer, the process may end by what the handler has left behind. The caller gets what he
 * gets bare, under each runtime client: the answer is posted before the process ends.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { bundleLibrary, type Bundle } from '../../bench/bundle.ts';
import { ensureClient, ric3, ric4, ric4on22, STARTS_BOTH, type Client } from '../../sandbox/clients.ts';
import { HANDLERS } from '../../sandbox/record.ts';
import { startSandbox, type Result } from '../../sandbox/sandbox.ts';

let bundle: Bundle;
before(async () => {
  bundle = await bundleLibrary();
});
after(() => rmSync(bundle.directory, { recursive: true }));

/** Its capture takes longer than what the handler leaves behind: the answer is held when that comes. */
const CAPTURE = {
  AMBER_CAPTURE: 'now',
  AMBER_DETECT: 'off',
  AMBER_MAX_MS: '15000',
  AMBER_COLLECT: '-inventory,-recovered,-writable,-timeline,-code',
};

const WAYS = [
  'an exception',
  'an exception that is no error',
  'a rejection',
  'an exit',
  'an exit in a promise',
  'a signal',
  'an exit by a listener of the function',
];

/** A process that exits while its client waits for an invocation hangs, bare too: Node joins the thread that waits. */
const DYING_MS = 150;

interface Case {
  readonly name: string;
  readonly handler: 'asynchronous' | 'callback' | 'streaming';
  readonly event: object;
  readonly generation?: Client['generation'];
  /** The process goes on. */
  readonly lives?: true;
}

// biome-ignore format: a table, a row a line
const CASES: readonly Case[] = [
  ...WAYS.flatMap((way) => ['value', 'error'].map((answer): Case => ({ name: `${way}, the answer is a ${answer}`, handler: 'asynchronous', event: { way, answer } }))),
  ...['undefined', 'bigint'].map((answer): Case => ({ name: `an exception, the answer is ${answer}`, handler: 'asynchronous', event: { way: 'an exception', answer } })),
  ...['an exception', 'a rejection', 'an exit'].map((way): Case => ({ name: `${way} before the answer is out`, handler: 'asynchronous', event: { way, answer: 'value', atOnce: true } })),
  ...WAYS.flatMap((way) => [true, false].map((waits): Case => ({ name: `${way}, a callback that waits for the event loop: ${String(waits)}`, handler: 'callback', event: { way, answer: 'value', waits }, generation: 'v3' }))),
  { name: 'an exception, a callback with an error', handler: 'callback', event: { way: 'an exception', answer: 'error', waits: true }, generation: 'v3' },
  ...['an exception', 'an exit', 'a signal'].map((way): Case => ({ name: `${way}, a streamed answer`, handler: 'streaming', event: { way } })),
  { name: 'an exception that a listener takes', handler: 'asynchronous', event: { way: 'an exception that a listener takes', answer: 'value' }, generation: 'v4', lives: true },
];

for (const client of [ric3, ric4on22, ric4]) {
  describe(client.name, { skip: STARTS_BOTH, concurrency: 2 }, () => {
    for (const one of CASES.filter(({ generation }) => generation === undefined || generation === client.generation)) {
      test(one.name, async (t) => {
        if (!ensureClient(t, client)) return;
        const folder = mkdtempSync(join(tmpdir(), 'amber-held-'));
        t.after(() => rmSync(folder, { recursive: true }));
        const bare = await run(client, 'plain', one, {});
        const held = await run(client, 'amber', one, { ...CAPTURE, AMBER_DESTINATION: `file://${folder}` });
        // Where the process ends in the middle of its answer, a loaded machine decides, bare too: either is right then.
        for (let more = 0; more < 3 && !isDeepStrictEqual(held.answer, bare.answer); more += 1)
          bare.answer = (await run(client, 'plain', one, {})).answer;
        assert.deepEqual(held.answer, bare.answer, held.log);
        if (one.lives === true) assert.equal(held.posts, 1);
      });
    }
  });
}

interface Run {
  answer: unknown;
  readonly posts: number;
  readonly log: string;
}

async function run(
  client: Client,
  module: 'plain' | 'amber',
  { handler, event, lives }: Case,
  env: Record<string, string>,
): Promise<Run> {
  const sandbox = await startSandbox({
    client,
    handler: `late.${module}.${handler}`,
    taskRoot: HANDLERS,
    timeoutMs: 15_000,
    env: { SANDBOX_LIBRARY: bundle.entry, ...env },
  });
  assert.equal(await sandbox.ready(), 'ready', sandbox.stderr());
  const result = await sandbox.invoke(event);
  if (lives !== true) await Promise.race([sandbox.exited, new Promise((resolve) => setTimeout(resolve, DYING_MS))]);
  await sandbox.stop();
  return {
    answer: answerOf(result),
    posts: sandbox.api.posts.filter(({ kind }) => kind === 'response').length,
    log: sandbox.stdout() + sandbox.stderr(),
  };
}

/** Without the frames of a stack, where those of the wrapper are. */
function answerOf(result: Result): unknown {
  if (!('body' in result)) return result.kind;
  const type = result.headers[result.headers.findIndex((name) => name.toLowerCase() === 'content-type') + 1];
  const text = result.body.toString();
  if (result.kind !== 'error') return [result.kind, type, text];
  const { errorType, errorMessage, trace } = JSON.parse(text) as Record<string, unknown>;
  return [result.kind, type, errorType, errorMessage, Array.isArray(trace)];
}
