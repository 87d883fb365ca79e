/** Every fault that S3 and the network can bring, met by both transports through a proxy in front of a real server. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, suite, test } from 'node:test';
import type { S3Client } from '@aws-sdk/client-s3';
import type { AmberErrorCode } from '../../src/errors.ts';
import { isAmberError } from '../../src/errors.ts';
import { identity, object, rejected, segmentName, sha256 } from '../contracts/destination.ts';
import { fauxqs } from '../servers/fauxqs.ts';
import type { Fauxqs } from '../servers/fauxqs.ts';
import { ANSWERS, faultProxy } from '../servers/fault-proxy.ts';
import type { Fault, FaultProxy } from '../servers/fault-proxy.ts';
import { openS3, owner, readBack, TRANSPORTS } from './s3-opened.ts';
import type { Transport } from './s3-opened.ts';

const keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'a-secret-that-no-message-holds' };
const never = new AbortController().signal;
const MIB = 1024 * 1024;
let server: Fauxqs;
let proxy: FaultProxy;
let client: S3Client;

before(async () => {
  server = await fauxqs();
  server.createBucket('evidence');
  proxy = await faultProxy(server.endpoint);
  client = owner(server.endpoint, keys);
});
after(async () => {
  client.destroy();
  await proxy.close();
  await server.stop();
});

/** Code, attempts (0: as many as there is time for), and words that the message must hold. */
const REFUSALS: readonly (readonly [keyof typeof ANSWERS, AmberErrorCode, number, RegExp])[] = [
  ['denied', 'DESTINATION_DENIED', 1, /s3:PutObject.*arn:aws:s3:::evidence\/amber\/\*/u],
  ['signature', 'DESTINATION_DENIED', 1, /s3:PutObject.*bucket evidence.*secret key/u],
  ['noKey', 'DESTINATION_DENIED', 1, /KMS\.NotFoundException.*AMBER_S3_KMS_KEY/u],
  ['noBucket', 'DESTINATION_MISSING', 1, /no bucket evidence/u],
  ['redirect', 'DESTINATION_REGION', 2, /AMBER_S3_REGION=eu-west-1/u],
  ['malformed', 'DESTINATION_REGION', 2, /AMBER_S3_REGION=eu-west-1/u],
  ['skewed', 'DESTINATION_CLOCK', 1, /clock/u],
  ['expired', 'DESTINATION_CREDENTIALS', 1, /expired/u],
  ['unknownKey', 'DESTINATION_CREDENTIALS', 1, /role/u],
  ['exists', 'DESTINATION_EXISTS', 2, /nothing is overwritten/u],
  ['internal', 'DESTINATION_UNAVAILABLE', 0, /after \d+ attempts \(500 InternalError\)/u],
  ['slowDown', 'DESTINATION_UNAVAILABLE', 0, /after \d+ attempts \(503 SlowDown\)/u],
  ['conflict', 'DESTINATION_UNAVAILABLE', 0, /409/u],
];

for (const transport of TRANSPORTS) {
  suite(`s3 ${transport}: faults`, { timeout: 120_000 }, () => {
    for (const [name, code, attempts, words] of REFUSALS) {
      for (const [size, early] of [
        [100, false],
        [8 * MIB, true],
      ] as const) {
        test(`${name}, ${early ? 'before' : 'after'} the body: ${code}`, async () =>
          refusal(transport, { ...ANSWERS[name], early }, size, { code, attempts, words }));
      }
    }
    test('passing faults are repeated until the object is stored', async () => passing(transport));
    test('a 412 after an answer was lost: stored, receipt unknown', async () => lostAnswer(transport));
    test('a 412 after a connection that was never made: somebody else wrote it', async () => firstRefused(transport));
    test('a server that never answers, or never reads, ends with the signal', async () => silence(transport));
    test('a refusal is seen although the server closes in the middle of a body', async () => closesEarly(transport));
    test('a server that accepts and never answers is tried again', async () => triedAgain(transport));
    for (const fault of [ANSWERS.slowDown, ANSWERS.internal, 'reset-in-body', { answers: 200 }] satisfies Fault[]) {
      test(`an outage of 1.5 s (${typeof fault === 'string' ? fault : JSON.stringify(fault)}) loses nothing where there is time`, async () =>
        outage(transport, fault));
    }
    test('connections are kept, and closed at the end', async () => connections(transport));
    test('overlapping puts through a bad network all land', async () => badNetwork(transport));
  });
}

async function refusal(
  transport: Transport,
  fault: Fault,
  size: number,
  expected: { code: AmberErrorCode; attempts: number; words: RegExp },
): Promise<void> {
  const destination = await openS3({ endpoint: proxy.endpoint, bucket: 'evidence', keys }, transport, identity());
  proxy.script(...Array<Fault>(50).fill(fault));
  const signal = expected.attempts === 0 ? AbortSignal.timeout(1200) : never;
  const error = await rejected(
    destination.put(object(segmentName(0), randomBytes(size)), signal),
    new RegExp(`^${expected.code}$`, 'u'),
  );
  destination.close();
  if (expected.attempts > 0) assert.equal(proxy.seen.length, expected.attempts, error.message);
  else assert.ok(proxy.seen.length > 2, error.message);
  assert.match(error.message, expected.words);
  assert.doesNotMatch(error.message, /\n|a-secret/u);
  assert.ok(isAmberError(error) && error.details['bucket'] === 'evidence');
}

async function passing(transport: Transport): Promise<void> {
  for (const fault of [
    'reset-in-body',
    'drop-answer',
    ANSWERS.slowDown,
    ANSWERS.internal,
    ANSWERS.conflict,
  ] satisfies Fault[]) {
    const capture = identity();
    const destination = await openS3({ endpoint: proxy.endpoint, bucket: 'evidence', keys }, transport, capture);
    const body = randomBytes(3 * MIB);
    proxy.script(fault, fault);
    const receipt = await destination.put(object(segmentName(0), body), never);
    destination.close();
    assert.equal(receipt.state, 'stored');
    assert.equal(receipt.attempts, 3);
    assert.equal(sha256(await readBack(client, 'evidence', capture, [segmentName(0)])), sha256(body));
  }
}

async function lostAnswer(transport: Transport): Promise<void> {
  const capture = identity();
  const destination = await openS3({ endpoint: proxy.endpoint, bucket: 'evidence', keys }, transport, capture);
  const body = randomBytes(1000);
  proxy.script('drop-answer', ANSWERS.exists);
  const receipt = await destination.put(object(segmentName(0), body), never);
  assert.equal(receipt.state, 'unknown');
  assert.equal(receipt.attempts, 2);
  assert.equal(sha256(await readBack(client, 'evidence', capture, [segmentName(0)])), sha256(body));
  // Without an answer that was lost, somebody else has taken the name: the segment goes under another one.
  proxy.script(ANSWERS.exists);
  const other = await destination.put(object(segmentName(0), body), never);
  assert.match(other.name ?? '', /^capture-0000-[0-9a-f]{8}\.tar\.zst$/u);
  assert.equal(sha256(await readBack(client, 'evidence', capture, [other.name!])), sha256(body));
  proxy.script(ANSWERS.exists, ANSWERS.exists);
  await rejected(destination.put(object(segmentName(0), body), never), /^DESTINATION_EXISTS$/u);
  proxy.script(ANSWERS.exists);
  await rejected(destination.commit(object('manifest.json', body), never), /^DESTINATION_EXISTS$/u);
  destination.close();
}

async function firstRefused(transport: Transport): Promise<void> {
  const closed = await faultProxy(server.endpoint);
  const destination = await openS3({ endpoint: closed.endpoint, bucket: 'evidence', keys }, transport, identity());
  await closed.close();
  const error = await rejected(
    destination.put(object(segmentName(0), Buffer.from('x')), AbortSignal.timeout(1200)),
    /^DESTINATION_UNAVAILABLE$/u,
  );
  destination.close();
  assert.match(error.message, /after \d+ attempts \(ECONNREFUSED\)/u);
  assert.ok(isAmberError(error) && error.details['maybeStored'] === false);
}

async function silence(transport: Transport): Promise<void> {
  for (const fault of ['never-answer', 'never-read'] satisfies Fault[]) {
    const destination = await openS3({ endpoint: proxy.endpoint, bucket: 'evidence', keys }, transport, identity());
    proxy.script(fault);
    const started = performance.now();
    const error = await rejected(
      destination.put(object(segmentName(0), randomBytes(16 * MIB)), AbortSignal.timeout(700)),
      /^DESTINATION_UNAVAILABLE$/u,
    );
    const waited = performance.now() - started;
    destination.close();
    assert.ok(waited > 600 && waited < 1700, String(waited));
    assert.ok(isAmberError(error) && error.details['aborted'] === true && error.details['maybeStored'] === true);
  }
}

async function closesEarly(transport: Transport): Promise<void> {
  const destination = await openS3({ endpoint: proxy.endpoint, bucket: 'evidence', keys }, transport, identity());
  await destination.put(object(segmentName(0), Buffer.from('small, so that writing is known to work')), never);
  const denied = { ...ANSWERS.denied, early: true };
  proxy.script(denied, denied, denied, denied);
  await rejected(destination.put(object(segmentName(1), randomBytes(16 * MIB)), never), /^DESTINATION_DENIED$/u);
  assert.ok(proxy.seen.length <= 2);
  destination.close();
}

async function triedAgain(transport: Transport): Promise<void> {
  const destination = await openS3({ endpoint: proxy.endpoint, bucket: 'evidence', keys }, transport, identity());
  proxy.script('never-answer');
  const started = performance.now();
  const receipt = await destination.put(object(segmentName(0), randomBytes(1000)), never);
  const waited = performance.now() - started;
  destination.close();
  assert.deepEqual([receipt.state, receipt.attempts], ['stored', 2]);
  assert.ok(waited > 2900 && waited < 5000, String(waited));
}

async function outage(transport: Transport, fault: Fault): Promise<void> {
  const capture = identity();
  const destination = await openS3({ endpoint: proxy.endpoint, bucket: 'evidence', keys }, transport, capture);
  const bodies = [1000, 300_000, 2 * MIB].map((bytes) => randomBytes(bytes));
  proxy.script();
  proxy.outage(1500, fault);
  const receipts = await Promise.all(
    bodies.map((body, number) => destination.put(object(segmentName(number), body), AbortSignal.timeout(20_000))),
  );
  destination.close();
  assert.ok(
    receipts.every(({ state, attempts }) => state === 'stored' && attempts > 2),
    JSON.stringify(receipts),
  );
  assert.equal(
    sha256(
      await readBack(
        client,
        'evidence',
        capture,
        bodies.map((_, number) => segmentName(number)),
      ),
    ),
    sha256(Buffer.concat(bodies)),
  );
}

async function connections(transport: Transport): Promise<void> {
  const fresh = await faultProxy(server.endpoint);
  const destination = await openS3({ endpoint: fresh.endpoint, bucket: 'evidence', keys }, transport, identity());
  for (let number = 0; number < 5; number++)
    await destination.put(object(segmentName(number), randomBytes(100_000)), never);
  assert.equal(fresh.connections(), 1);
  await Promise.all(
    [5, 6, 7, 8, 9, 10, 11, 12].map((number) =>
      destination.put(object(segmentName(number), randomBytes(100_000)), never),
    ),
  );
  assert.ok(fresh.connections() <= 4, String(fresh.connections()));
  destination.close();
  await fresh.close();
}

async function badNetwork(transport: Transport): Promise<void> {
  const bad = await faultProxy(server.endpoint, {
    seed: 7,
    share: 0.25,
    faults: ['reset-in-body', 'drop-answer', ANSWERS.slowDown, { latencyMs: 20 }],
  });
  const capture = identity();
  const destination = await openS3({ endpoint: bad.endpoint, bucket: 'evidence', keys }, transport, capture);
  const bodies = Array.from({ length: 12 }, () => randomBytes(200_000));
  const names = bodies.map((_, number) => segmentName(number));
  const receipts = await Promise.all(
    bodies.map((body, number) => destination.put(object(names[number]!, body), never)),
  );
  destination.close();
  assert.ok(
    receipts.some(({ attempts }) => attempts > 1),
    'the seed brings faults',
  );
  assert.equal(sha256(await readBack(client, 'evidence', capture, names)), sha256(Buffer.concat(bodies)));
  await bad.close();
}
