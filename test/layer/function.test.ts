/**
 * The handlers of the matrix behind the layer: answers, streams, crashes and log lines are those of the bare function.
 */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { ROWS, type Row } from '../host/wrapper/matrix-scripts.ts';
import { ensureClient, STARTS_BOTH, type Client } from '../sandbox/clients.ts';
import { LOOP, record, withoutFrames, type Recording } from '../sandbox/record.ts';
import { unpackedLayer, type Unpacked } from './unpacked.ts';
import { attach, REAL_CLIENTS, WAYS, type Way } from './ways.ts';

let layer: Unpacked;
before(async () => {
  layer = await unpackedLayer('node');
});
after(() => rmSync(layer.home, { recursive: true }));

/**
 * Triggers that watch every invocation, and that none of the rows fires; detectors would find what else this machine
 * does.
 */
const WATCHING = {
  AMBER_DESTINATION: 'file:///tmp/amber-layer',
  AMBER_ON_ERROR: 'NoErrorOfThisName',
  AMBER_DETECT: 'off',
};
/** What stands between the runtime and the function, or leads to it: it is another thing behind the layer than bare. */
const FRAMES = `${LOOP}|node:internal|node_modules/ric[34]/|sandbox/managed-v3|lambda-amber/`;

/** Whether an answer waited for a timer is told by the clock: on a busy machine that takes a long timer. */
function patient({ events, timeoutMs = 3000 }: Row): Pick<Row, 'events' | 'timeoutMs'> {
  const pends = events.some((event) => 'pending' in event);
  return pends
    ? { events: events.map((event) => ('pending' in event ? { ...event, pending: 2000 } : event)), timeoutMs: 15_000 }
    : { events, timeoutMs };
}

async function run(
  client: Client,
  row: Row,
  way?: Way,
  amber: Readonly<Record<string, string>> = {},
): Promise<Recording> {
  const handler = `plain.handlers.${row.handler}`;
  const attached = way === undefined ? { client, handler, env: {} } : attach(way, layer.opt, client, handler);
  const env = {
    ...row.env,
    ...amber,
    ...attached.env,
    NODE_OPTIONS: `--stack-trace-limit=50 ${attached.env['NODE_OPTIONS'] ?? ''}`.trim(),
  };
  return withoutFrames(
    await record(attached.client, { ...row, ...patient(row), handler: attached.handler, env }),
    FRAMES,
  );
}

for (const client of REAL_CLIENTS) {
  describe(client.name, { skip: STARTS_BOTH, concurrency: 2 }, () => {
    for (const row of ROWS.filter(
      ({ generation, wrapped }) => wrapped === undefined && (generation ?? client.generation) === client.generation,
    )) {
      test(row.name, async (t) => {
        if (!ensureClient(t, client)) return;
        const [bare, redirected, watched] = await Promise.all([
          run(client, row),
          run(client, row, 'redirect'),
          run(client, row, 'redirect', WATCHING),
        ]);
        assert.deepEqual(bare.amber, []);
        assert.deepEqual(redirected, bare);
        assert.deepEqual({ ...watched, amber: [] }, bare);
        // One of each kind by the other ways: they lead to the same handler.
        if (row.basic === true || row.together === true)
          for (const way of WAYS) assert.deepEqual(await run(client, row, way), bare, way);
      });
    }
  });
}
