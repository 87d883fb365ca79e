/**
 * Every rule by which the runtimes find a handler: the function behind the layer against the bare one, under the real
 * clients.
 */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { ensureClient, ric4on22, STARTS_BOTH, type Client } from '../sandbox/clients.ts';
import { record, withoutFrames, type Recording } from '../sandbox/record.ts';
import { CASES, makeFunction, type Case } from './resolution-cases.ts';
import { unpackedLayer, type Unpacked } from './unpacked.ts';
import { attach, REAL_CLIENTS, WAYS, type Way } from './ways.ts';

let layer: Unpacked;
before(async () => {
  layer = await unpackedLayer('node');
});
after(() => rmSync(layer.home, { recursive: true }));

/**
 * Frames of the clients, of the layer and of Node: what leads to the function differs, the function's own frames do
 * not.
 */
const FRAMES = 'node:internal|node_modules/ric[34]/|sandbox/managed-v3|lambda-amber/(?:handler|index)';
/** A stack of ten frames ends at another place when there are more of them. */
const ALL_FRAMES = '--stack-trace-limit=60';

async function run(client: Client, one: Case, taskRoot: string, way?: Way): Promise<Recording> {
  const handler = one.handler.replace('@TASK', taskRoot);
  const given = Object.fromEntries(
    Object.entries(one.env ?? {}).map(([name, value]) => [name, value.replace('@TASK', taskRoot)]),
  );
  const attached = way === undefined ? { client, handler, env: {} } : attach(way, layer.opt, client, handler);
  const env = { ...given, ...attached.env, NODE_OPTIONS: `${ALL_FRAMES} ${attached.env['NODE_OPTIONS'] ?? ''}`.trim() };
  const recording = await record(attached.client, {
    handler: attached.handler,
    taskRoot,
    env,
    events: [{}],
    end: 'stop',
  });
  return withoutFrames(recording, FRAMES);
}

/** What became of it, in the words of the cases. */
function outcome({ init, answers }: Recording): string {
  const [answer] = answers;
  if (init !== undefined) return String((JSON.parse(init.body) as { errorType: unknown }).errorType);
  if (answer === undefined || answer.kind === 'exit') return 'exit';
  const body = JSON.parse(answer.body) as unknown;
  if (answer.kind === 'error') return `ok !${(body as { errorType: string }).errorType}`;
  return `ok ${String(Array.isArray(body) ? body[0] : body)}`;
}

for (const client of REAL_CLIENTS) {
  describe(client.name, { skip: STARTS_BOTH, concurrency: 2 }, () => {
    for (const one of CASES) {
      test(one.name, async (t) => {
        if (!ensureClient(t, client)) return;
        const taskRoot = makeFunction(layer.home, one.files);
        const bare = await run(client, one, taskRoot);
        const { v3, v4, v4on22 = v4 } = one.expected;
        assert.equal(outcome(bare), client.generation === 'v3' ? v3 : client === ric4on22 ? v4on22 : v4);
        for (const way of WAYS)
          if (way !== one.notBy?.way) assert.deepEqual(await run(client, one, taskRoot, way), bare, way);
      });
    }
  });
}
