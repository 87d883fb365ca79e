/**
 * The wrapper cannot be told from the bare handler: every row runs bare and wrapped under each runtime client, and what
 * the client posts, how it ends and what it logs is the same, byte for byte.
 */
import assert from 'node:assert/strict';
import { globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { bundleLibrary, type Bundle } from '../../bench/bundle.ts';
import { CLIENTS, ensureClient, ensureClients, ric3, STARTS_BOTH, type Client } from '../../sandbox/clients.ts';
import { LOOP, record, withoutFrames, WRAPPER, type Recording } from '../../sandbox/record.ts';
import { DUE_ROWS, ROWS, type Row } from './matrix-scripts.ts';

let bundle: Bundle;
before(async () => {
  bundle = await bundleLibrary();
});
after(() => rmSync(bundle.directory, { recursive: true }));

/** Without detectors: what moves in /tmp of the machine that runs the tests would have invocations watched. */
const DESTINATION = { AMBER_DESTINATION: 'file:///tmp/amber-matrix', AMBER_DETECT: 'off', AMBER_RECORD: 'events' };
/**
 * V8 keeps ten frames: a frame of ours, where a trigger watches, would push the last one of the client out of sight.
 */
const ALL_FRAMES = { NODE_OPTIONS: '--stack-trace-limit=50' };
/** Triggers that watch every invocation, and that none of the rows fires. */
const WATCHING = { ...DESTINATION, AMBER_ON_ERROR: 'NoErrorOfThisName', AMBER_DEADLINE_MS: '10' };

for (const client of CLIENTS) {
  describe(client.name, { skip: STARTS_BOTH, concurrency: 2 }, () => {
    for (const row of rowsFor(client, ROWS)) {
      test(row.name, async (t) => {
        if (!ensureClient(t, client)) return;
        const [bare, setup, watching] = await Promise.all([
          run(client, row, 'plain', {}),
          run(client, row, 'amber', DESTINATION),
          run(client, row, 'amber', WATCHING),
        ]);
        const expected = withoutFrames(bare, LOOP);
        assert.deepEqual(expected.amber, []);
        // The first invocation is noted, by one frame of ours; no other one is.
        assert.deepEqual(withoutFrames(setup, `${LOOP}|${WRAPPER}`), expected);
        const { amber, ...rest } = withoutFrames(watching, `${LOOP}|${WRAPPER}`);
        assert.deepEqual({ ...rest, amber: [] }, expected);
        assert.ok(amber.length <= 1 && amber.every((line) => line['limit'] === 'uncaught'), JSON.stringify(amber));
      });
    }
  });
}

/** The volatile tier alone: what lies in /tmp of the machine that runs the tests is not the matter here. */
const CAPTURE = {
  AMBER_CAPTURE: 'now',
  AMBER_ON_ERROR: 'any',
  AMBER_DETECT: 'off',
  AMBER_COMPRESSION: 'none',
  AMBER_MAX_MS: '15000',
  AMBER_COLLECT: '-inventory,-recovered,-writable,-timeline,-code',
};
/** The error trigger captures before the process ends only if it is the handler that fails. */
const CRASHES = ['a throw in a timer', 'an unhandled rejection'];

for (const client of CLIENTS) {
  describe(`${client.name}, captured at the first invocation`, { skip: STARTS_BOTH, concurrency: 2 }, () => {
    for (const row of rowsFor(client, DUE_ROWS)) {
      test(row.name, async (t) => {
        if (!ensureClient(t, client)) return;
        const folder = mkdtempSync(join(tmpdir(), 'amber-matrix-'));
        t.after(() => rmSync(folder, { recursive: true }));
        const crashes = CRASHES.includes(row.name);
        const [bare, captured] = await Promise.all([
          run(client, row, 'plain', {}),
          run(client, { ...row, awaitsCapture: !crashes }, 'amber', {
            ...CAPTURE,
            AMBER_DESTINATION: `file://${folder}`,
          }),
        ]);
        const { amber, ...rest } = withoutFrames(captured, `${LOOP}|${WRAPPER}`);
        assert.deepEqual({ ...rest, amber: [] }, withoutFrames(bare, LOOP));
        const ends = amber.filter((line) => line['amber'] === 'capture');
        const manifests = globSync('**/manifest.json', { cwd: folder });
        assert.deepEqual(
          [ends.map((line) => line['state']), manifests.length],
          crashes ? [[], 0] : [['whole'], 1],
          JSON.stringify(amber),
        );
      });
    }
  });
}

test('CommonJS on nodejs22.x, where require() of an ES module is off: an export that is a promise', {
  skip: STARTS_BOTH,
}, async (t) => {
  if (!ensureClient(t, ric3)) return;
  const script = { handler: 'promised.handler', events: [{ a: 1 }, { a: 2 }] };
  const [bare, wrapped] = await Promise.all([
    record(ric3, script),
    record(ric3, { ...script, env: { ...DESTINATION, SANDBOX_WRAP: '1', SANDBOX_LIBRARY: bundle.entry } }),
  ]);
  assert.deepEqual(wrapped, bare);
  assert.equal(bare.answers[1]?.body, '[{"a":2},"function",false]');
});

/** Where the real clients run, the stand-in only has to show that it works. */
function rowsFor(client: Client, rows: readonly Row[]): readonly Row[] {
  const fitting = rows.filter(({ generation }) => generation === undefined || generation === client.generation);
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
  const recording = await record(client, {
    ...row,
    handler: `${module}.handlers.${name}`,
    env: { ...ALL_FRAMES, SANDBOX_LIBRARY: bundle.entry, ...row.env, ...env },
  });
  assert.equal(recording.answers.length, recording.init === undefined ? row.events.length : 0);
  return recording;
}
