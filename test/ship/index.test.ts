/** The registry, and a destination as a user would write it. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { resolveConfig } from '../../src/config/config.ts';
import type {
  CaptureIdentity,
  Destination,
  DestinationProvider,
  Receipt,
  StoredObject,
} from '../../src/contracts/evidence.ts';
import { AmberError } from '../../src/errors.ts';
import { DESTINATIONS, openDestination } from '../../src/ship/index.ts';
import { identity, rejected, testDestination } from '../contracts/destination.ts';

const kept = new Map<string, Buffer>();

/** `memory://NAME`: objects in a map. */
const memory: DestinationProvider = {
  name: 'memory',
  protocol: 'memory:',
  description: 'Keeps objects in this process, for tests.',
  open: (url, capture) => openMemory(url, capture),
};

function openMemory(url: URL, capture: CaptureIdentity): Destination {
  const { account, region, functionName, date, captureId } = capture;
  const location = `memory://${url.hostname}/account=${account}/region=${region}/function=${functionName}/date=${date}/capture=${captureId}/`;
  let closed = false;
  const put = (object: StoredObject, signal: AbortSignal): Promise<Receipt> => {
    if (closed || signal.aborted) return Promise.reject(new AmberError('DESTINATION_UNAVAILABLE'));
    if (kept.has(location + object.name)) return Promise.reject(new AmberError('DESTINATION_EXISTS'));
    const body = Buffer.concat(object.body);
    kept.set(location + object.name, body);
    return Promise.resolve({
      state: 'stored',
      attempts: 1,
      checksum: createHash('sha256').update(body).digest('base64'),
    });
  };
  return { location, put, commit: put, close: () => void (closed = true) };
}

const config = resolveConfig({ destinations: [memory] }, {});

testDestination('one that a user made', async (_t, capture) => {
  const destination = await openDestination('memory://store', capture, config);
  return {
    destination,
    stored: (names) => Promise.resolve(Buffer.concat(names.map((name) => kept.get(destination.location + name)!))),
    refusesOverwrite: true,
  };
});

test('a scheme that nobody answers to: the known ones are named', async () => {
  const error = await rejected(openDestination('ftp://host/dir', identity(), config), /^DESTINATION_UNKNOWN$/u);
  assert.equal(error.message, 'No destination answers to ftp:; known schemes are memory:, s3:, file:');
  await rejected(openDestination('no url', identity(), config), /^DESTINATION_UNKNOWN$/u);
});

test('code may replace a built-in destination', async () => {
  const replaced = resolveConfig({ destinations: [{ ...memory, protocol: 's3:' }] }, {});
  const destination = await openDestination('s3://bucket/x', identity(), replaced);
  assert.match(destination.location, /^memory:/u);
});

test('every destination describes itself, under a name and a scheme of its own', () => {
  for (const { name, protocol, description } of DESTINATIONS) {
    assert.match(name, /^[a-z0-9-]+$/u);
    assert.match(protocol, /^[a-z0-9]+:$/u);
    assert.match(description, /\S.{20,}\.$/u);
  }
  for (const key of ['name', 'protocol'] as const)
    assert.equal(new Set(DESTINATIONS.map((entry) => entry[key])).size, DESTINATIONS.length);
});
