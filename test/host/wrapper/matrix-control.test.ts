/**
 * The handler matrix once more, with a read of the control object in flight at every invocation: of a server that never
 * answers, and of one that is never reached. What the client posts, how it ends and what it logs is the same.
 */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { bundleLibrary, type Bundle } from '../../bench/bundle.ts';
import { CLIENTS, ensureClient, ensureClients, STARTS_BOTH, type Client } from '../../sandbox/clients.ts';
import { LOOP, record, withoutFrames, WRAPPER, type Recording } from '../../sandbox/record.ts';
import { silentServer, unreachedServer, type Silent } from '../../servers/silent.ts';
import { ROWS, type Row } from './matrix-scripts.ts';

let bundle: Bundle;
let silent: Silent;
let unreached: Silent;
before(async () => {
  [bundle, silent, unreached] = await Promise.all([bundleLibrary(), silentServer(), unreachedServer()]);
});
after(async () => {
  rmSync(bundle.directory, { recursive: true });
  await Promise.all([silent.stop(), unreached.stop()]);
});

const CONTROL = {
  AMBER_DESTINATION: 'file:///tmp/amber-matrix',
  AMBER_CONTROL: 's3://control/orders.json',
  AMBER_CONTROL_TTL_MS: '0',
  AMBER_S3_PATH_STYLE: '1',
  AMBER_DETECT: 'off',
};
/** Where an answer depends on how long the event loop has something to do. */
const WAITS_FOR_THE_LOOP = /callback|event loop|never settles/u;

for (const client of CLIENTS) {
  describe(client.name, { skip: STARTS_BOTH, concurrency: 2 }, () => {
    for (const row of rowsFor(client)) {
      test(`${row.name}; the server never answers`, async (t) => {
        if (!ensureClient(t, client)) return;
        const before = silent.connections();
        await same(client, row, silent);
        // Rows that end in their init have no handler that could be wrapped.
        if (row.events.length > 0 && row.name !== 'three parameters')
          assert.ok(silent.connections() > before, 'no check was in flight');
      });
      if (!WAITS_FOR_THE_LOOP.test(row.name)) continue;
      test(`${row.name}; the server is never reached`, async (t) => {
        if (ensureClient(t, client)) await same(client, row, unreached);
      });
    }
  });
}

async function same(client: Client, row: Row, { endpoint }: Silent): Promise<void> {
  const [bare, checked] = await Promise.all([
    run(client, row, 'plain', {}),
    run(client, row, 'amber', { ...CONTROL, AMBER_S3_ENDPOINT: endpoint }),
  ]);
  const { amber, ...rest } = withoutFrames(checked, `${LOOP}|${WRAPPER}`);
  assert.deepEqual({ ...rest, amber: [] }, withoutFrames(bare, LOOP));
  assert.ok(
    amber.every((line) => line['where'] === 'control'),
    JSON.stringify(amber),
  );
}

function rowsFor(client: Client): readonly Row[] {
  const fitting = ROWS.filter(({ generation }) => generation === undefined || generation === client.generation);
  return client.real || STARTS_BOTH !== false || !ensureClients()
    ? fitting
    : fitting.filter(({ basic }) => basic === true);
}

async function run(
  client: Client,
  row: Row,
  module: 'plain' | 'amber',
  env: Record<string, string>,
): Promise<Recording> {
  const name = module === 'amber' ? (row.wrapped ?? row.handler) : row.handler;
  return record(client, {
    ...row,
    handler: `${module}.handlers.${name}`,
    env: { NODE_OPTIONS: '--stack-trace-limit=50', SANDBOX_LIBRARY: bundle.entry, ...row.env, ...env },
  });
}
