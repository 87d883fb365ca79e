/**
 * The wrapper cannot be told from the bare handler: every row runs bare and wrapped under each runtime client, and what the
 * client posts, how it ends and what it logs is the same, byte for byte.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CLIENTS, ensureClient, type Client } from '../sandbox/clients.ts';
import { record, withoutFrames, type Recording } from '../sandbox/record.ts';
import { ROWS, type Row } from './matrix-scripts.ts';

/** It starts both Nodes itself, so that once is enough. */
const ELSEWHERE = process.versions.node.startsWith('22.') ? 'run by the tests on Node 24, which start both' : false;

const DESTINATION = { AMBER_DESTINATION: 'file:///tmp/amber-matrix' };
/** V8 keeps ten frames: a frame of ours, where a trigger watches, would push the last one of the client out of sight. */
const ALL_FRAMES = { NODE_OPTIONS: '--stack-trace-limit=50' };
/** Triggers that watch every invocation, and that none of the rows fires. */
const WATCHING = { ...DESTINATION, AMBER_ON_ERROR: 'NoErrorOfThisName', AMBER_DEADLINE_MS: '10' };

for (const client of CLIENTS) {
  describe(client.name, { skip: ELSEWHERE, concurrency: 2 }, () => {
    for (const row of ROWS.filter(({ generation }) => generation === undefined || generation === client.generation)) {
      test(row.name, async (t) => {
        if (!ensureClient(t, client)) return;
        const [bare, armed, watching] = await Promise.all([
          run(client, row, 'plain', {}), run(client, row, 'amber', DESTINATION), run(client, row, 'amber', WATCHING),
        ]);
        assert.deepEqual(armed, bare);
        const { amber, ...rest } = withoutFrames(watching);
        const { amber: none, ...expected } = withoutFrames(bare);
        assert.deepEqual(none, []);
        assert.deepEqual(rest, expected);
        assert.ok(amber.length <= 1 && amber.every((line) => line['limit'] === 'uncaught'), JSON.stringify(amber));
      });
    }
  });
}

async function run(client: Client, row: Row, module: 'plain' | 'amber', env: Record<string, string>): Promise<Recording> {
  const name = module === 'amber' ? (row.wrapped ?? row.handler) : row.handler;
  const recording = await record(client, { ...row, handler: `${module}.handlers.${name}`, env: { ...ALL_FRAMES, ...row.env, ...env } });
  assert.equal(recording.answers.length, recording.init === undefined ? row.events.length : 0);
  return recording;
}
