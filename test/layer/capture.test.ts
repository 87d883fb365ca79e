/**
 * A capture by the layer alone: everything that it needs is in the zip, both transports, encryption, and what is rarely
 * asked for.
 */
import assert from 'node:assert/strict';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { resolveConfig } from '../../src/config/config.ts';
import { listCaptures } from '../../src/case/store/list.ts';
import { openOnly, openPlace } from '../../src/case/store/locate.ts';
import { verifyCapture } from '../../src/case/verify/verify.ts';
import { openIdentity } from '../../src/seal/age-open.ts';
import { IDENTITY } from '../case/checking.ts';
import { ensureClient, ric4, STARTS_BOTH } from '../sandbox/clients.ts';
import { record, type Recording } from '../sandbox/record.ts';
import { fauxqs, type Fauxqs } from '../servers/fauxqs.ts';
import { unpackedLayer, type Unpacked } from './unpacked.ts';
import { attach, managed3, type Way } from './ways.ts';

let layer: Unpacked;
let server: Fauxqs;
before(async () => {
  [layer, server] = await Promise.all([unpackedLayer('node'), fauxqs()]);
  server.createBucket('evidence');
  process.env['AWS_ACCESS_KEY_ID'] = 'test';
  process.env['AWS_SECRET_ACCESS_KEY'] = 'test';
});
after(async () => {
  rmSync(layer.home, { recursive: true });
  await server.stop();
});

interface Captured {
  readonly recording: Recording;
  readonly folder: string;
}

/** One invocation that captures; what it captures of files is one folder of the test. */
async function captured(client: typeof ric4, way: Way, env: Readonly<Record<string, string>>): Promise<Captured> {
  const taskRoot = mkdtempSync(join(layer.home, 'task-'));
  const folder = join(taskRoot, 'evidence');
  mkdirSync(folder);
  mkdirSync(join(taskRoot, 'tmp'));
  writeFileSync(join(taskRoot, 'tmp', 'payload.sh'), '#!/bin/sh\n');
  writeFileSync(join(taskRoot, 'index.mjs'), 'export const handler = async () => 1;\n');
  const attached = attach(way, layer.opt, client, 'index.handler');
  const recording = await record(attached.client, {
    handler: attached.handler,
    taskRoot,
    events: [{}],
    timeoutMs: 60_000,
    awaitsCapture: true,
    env: {
      ...attached.env,
      AMBER_CAPTURE: 'now',
      AMBER_DETECT: 'off',
      AMBER_WRITABLE: join(taskRoot, 'tmp'),
      AMBER_CODE: `${taskRoot}/index.mjs,${layer.opt}`,
      AMBER_DESTINATION: `file://${folder}`,
      ...env,
    },
  });
  assert.equal(recording.answers[0]?.body, '1', recording.stdout.join('\n'));
  return { recording, folder };
}

function report({ amber }: Recording): Readonly<Record<string, unknown>> {
  assert.deepEqual(
    amber.filter((line) => line['amber'] === 'fault'),
    [],
  );
  return amber.find((line) => line['amber'] === 'capture') ?? {};
}

describe('a capture by the layer alone', { skip: STARTS_BOTH }, () => {
  for (const transport of ['sdk', 'light'] as const) {
    for (const client of [managed3, ric4]) {
      test(`${client.name}: to S3 by ${transport}`, async (t) => {
        if (!ensureClient(t, client)) return;
        const prefix = `${transport}-${client.generation}`;
        const { recording } = await captured(client, 'preload', {
          AMBER_DESTINATION: `s3://evidence/${prefix}`,
          AMBER_S3_TRANSPORT: transport,
          AMBER_S3_ENDPOINT: server.endpoint,
          AMBER_S3_PATH_STYLE: '1',
          AMBER_COLLECT: '-memory',
        });
        assert.equal(report(recording)['state'], 'whole', JSON.stringify(recording.amber));
        const place = await openPlace(`s3://evidence/${prefix}`, {
          config: resolveConfig({ s3Endpoint: server.endpoint, s3PathStyle: true }, {}),
        });
        const states: string[] = [];
        for await (const { state } of listCaptures(place.store)) states.push(state);
        assert.deepEqual(states, ['whole']);
        assert.equal((await verifyCapture(await openOnly(place))).verdict, 'verified');
        place.close();
      });
    }
  }

  test('what comes with a whole core and time, and what by name only: systeminformation and scripts', async (t) => {
    if (!ensureClient(t, ric4)) return;
    const { recording, folder } = await captured(ric4, 'redirect', {
      AMBER_COLLECT: '+scripts',
      AMBER_COMPRESSION: 'none',
      AMBER_MAX_MS: '50000',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '1769',
    });
    assert.equal(report(recording)['state'], 'whole', JSON.stringify(recording.amber));
    const [tarball = ''] = globSync(`${folder}/**/capture.tar`);
    const found = outcomes(readFileSync(tarball));
    // What the layer changes in the environment of the process is there to be seen, and is no more than this.
    const changed = /"changed":\s*\{\s*"variables":\s*(\{[^}]*\})/u.exec(readFileSync(tarball, 'latin1'))?.[1] ?? '';
    assert.deepEqual(JSON.parse(changed), { _HANDLER: 'index.handler' });
    assert.equal(found.get('live_response/systeminformation.json'), 'collected');
    assert.ok(
      [...found].some(([path, outcome]) => path.startsWith('live_response/scripts') && outcome === 'collected'),
      [...found.keys()].join(' '),
    );
  });

  test('encrypted, to a folder', async (t) => {
    if (!ensureClient(t, ric4)) return;
    const identity = openIdentity(IDENTITY);
    const { recording, folder } = await captured(ric4, 'exec', { AMBER_RECIPIENT: identity.recipients[0] ?? '' });
    assert.equal(report(recording)['state'], 'whole', JSON.stringify(recording.amber));
    const place = await openPlace(folder, { config: resolveConfig({}, {}) });
    const result = await verifyCapture(await openOnly(place), { identity });
    place.close();
    assert.equal(result.verdict, 'verified', result.summary);
  });
});

/** The outcomes of the manifest, by path, found in the bytes of a tarball that is not compressed. */
function outcomes(tarball: Buffer): ReadonlyMap<string, string> {
  const text = tarball.toString('latin1');
  const parts = [...text.matchAll(/^\{.*\}$/gmu)].map(([line]) => line);
  const field = (line: string, name: string): string => new RegExp(`"${name}":"([^"]*)"`, 'u').exec(line)?.[1] ?? '';
  return new Map(
    parts.filter((line) => line.includes('"outcome":')).map((line) => [field(line, 'path'), field(line, 'outcome')]),
  );
}
