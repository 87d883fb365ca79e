import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { Destination, Receipt, Segment, Trouble } from '../../src/contracts/evidence.ts';
import { AmberError, isAmberError } from '../../src/errors.ts';
import { openOutbox, type Outbox, type OutboxOptions, type Shipped } from '../../src/ship/outbox.ts';
import { segmentName, sha256 } from '../contracts/destination.ts';

function segment(number: number): Segment {
  const body = Buffer.from(`segment ${number}`);
  return {
    number,
    name: segmentName(number),
    body: [body],
    bytes: body.length,
    sha256: sha256(body),
    continues: false,
    tarOffset: 0,
    tarBytes: 1,
    tier: 'files',
  };
}

const STORED: Receipt = { state: 'stored', attempts: 1 };
const never = new AbortController().signal;

function destination(put: Destination['put']): Destination {
  return { location: 'test://', put, commit: put, close: () => undefined };
}

function open(
  put: Destination['put'],
  inFlight: number,
  onShipped: OutboxOptions['onShipped'] = () => undefined,
  more: Partial<OutboxOptions> = {},
): Outbox {
  return openOutbox(destination(put), { signal: never, inFlight, waitingBytes: 1000, onShipped, ...more });
}

test('a segment without an answer counts as lost until it has one', async () => {
  const answer = Promise.withResolvers<Receipt>();
  const told: Shipped[] = [];
  const outbox = open(
    ({ name }) => (name === segmentName(1) ? answer.promise : Promise.resolve(STORED)),
    3,
    (shipped) => told.push(shipped),
  );
  for (const number of [0, 1, 2]) await outbox.send(segment(number));
  // A timer of its own: that of AbortSignal.timeout keeps no event loop alive.
  const patience = new AbortController();
  setTimeout(() => patience.abort(), 20);
  await outbox.settle(patience.signal);
  assert.deepEqual(
    outbox.shipped().map(({ receipt, error }) => receipt?.state ?? error?.code),
    ['stored', 'DESTINATION_UNAVAILABLE', 'stored'],
  );
  assert.deepEqual(
    told.map(({ segment: { number } }) => number),
    [0, 2],
  );
  answer.resolve(STORED);
  await outbox.settle();
  assert.deepEqual(
    outbox.shipped().map(({ receipt }) => receipt?.state),
    ['stored', 'stored', 'stored'],
  );
  assert.equal(told.length, 3);
});

test('a segment that is answered this very moment is listed once', async () => {
  const listed: number[] = [];
  const outbox = open(
    () => Promise.resolve(STORED),
    3,
    () => listed.push(outbox.shipped().length),
  );
  for (const number of [0, 1]) await outbox.send(segment(number));
  await outbox.settle();
  assert.deepEqual(listed, [2, 2]);
});

test('a segment has the name under which it was stored', async () => {
  const outbox = open(() => Promise.resolve({ ...STORED, name: 'capture-0000-0123abcd.tar.zst' }), 1);
  await outbox.send(segment(0));
  await outbox.settle();
  assert.equal(outbox.shipped()[0]?.segment.name, 'capture-0000-0123abcd.tar.zst');
});

test('after a refusal for good nothing more is sent; after a refusal of one segment the next ones are', async () => {
  for (const [code, sent] of [
    ['DESTINATION_DENIED', 1],
    ['DESTINATION_UNTRUSTED', 1],
    ['DESTINATION_EXISTS', 3],
  ] as const) {
    let puts = 0;
    const outbox = open(() => {
      puts += 1;
      return Promise.reject(new AmberError(code));
    }, 1);
    for (const number of [0, 1, 2]) await outbox.send(segment(number));
    await outbox.settle();
    assert.equal(puts, sent);
    assert.deepEqual(
      outbox.shipped().map(({ error }) => error?.code),
      [code, code, code],
    );
    assert.equal(outbox.refused()?.code, sent === 1 ? code : undefined);
  }
});

test('a closed outbox takes nothing and tells of nothing', async () => {
  const told: Shipped[] = [];
  const outbox = open(
    () => Promise.resolve(STORED),
    2,
    (shipped) => told.push(shipped),
  );
  await outbox.send(segment(0));
  await outbox.settle();
  outbox.close();
  await assert.rejects(outbox.send(segment(1)), (error) => isAmberError(error) && error.code === 'CAPTURE_ABORTED');
  assert.equal(told.length, 1);
});

/** A destination that meets trouble with each object until it is told to take them. */
function troubled(): { put: Destination['put']; take: () => void; asked: string[] } {
  const open = Promise.withResolvers<undefined>();
  const asked: string[] = [];
  const put: Destination['put'] = async ({ name }, _, onTrouble) => {
    asked.push(name);
    onTrouble?.('failing');
    await open.promise;
    return STORED;
  };
  return { put, asked, take: () => open.resolve(undefined) };
}

const big = (number: number, bytes: number): Segment => ({
  ...segment(number),
  body: [Buffer.allocUnsafeSlow(bytes)],
  bytes,
});

test('segments that meet trouble wait beside the others, up to a bound of their memory; then the capture waits', async () => {
  const { put, asked, take } = troubled();
  const [told, troubles, full]: [Shipped[], Trouble[], number[]] = [[], [], []];
  const outbox = open(put, 2, (shipped) => told.push(shipped), {
    waitingBytes: 2000,
    onTrouble: (trouble) => troubles.push(trouble),
    onFull: (bytes) => full.push(bytes),
  });
  for (const number of [0, 1]) await outbox.send(big(number, 900));
  let went = false;
  const third = outbox.send(big(2, 900)).then(() => (went = true));
  await turn();
  assert.deepEqual(
    [went, asked.length, full, troubles.length],
    [false, 3, [2700], 3],
    'three are on their way, and the fourth is not packed',
  );
  take();
  await third;
  await outbox.settle();
  assert.deepEqual(
    told.map(({ receipt }) => receipt?.state),
    ['stored', 'stored', 'stored'],
  );
});

test('the memory of a body counts, and not the part of it that is filled', async () => {
  const { put, take } = troubled();
  const full: number[] = [];
  const outbox = open(put, 9, undefined, { waitingBytes: 4000, onFull: (bytes) => full.push(bytes) });
  const sent = outbox.send({ ...segment(0), body: [Buffer.allocUnsafeSlow(5000).subarray(0, 10)], bytes: 10 });
  await turn();
  assert.deepEqual(full, [5000]);
  take();
  await sent;
});

test('with patience a segment in trouble is given up, and the destination is told', async () => {
  let reason = '';
  const put: Destination['put'] = (_, signal, onTrouble) => {
    onTrouble?.('unreached');
    return new Promise((_resolve, reject) =>
      signal.addEventListener('abort', () =>
        reject(new AmberError('DESTINATION_UNAVAILABLE', (reason = 'nobody is there'))),
      ),
    );
  };
  const alive = setTimeout(() => undefined, 10_000);
  const outbox = open(put, 1, undefined, { patienceMs: 20 });
  await outbox.send(segment(0));
  await outbox.settle();
  clearTimeout(alive);
  assert.equal(reason, 'nobody is there');
  assert.equal(outbox.shipped()[0]?.error?.message, 'nobody is there');
});

test('at the end of the time the fault that was met is told', async () => {
  const end = new AbortController();
  const put: Destination['put'] = (_, signal) =>
    new Promise((_resolve, reject) =>
      signal.addEventListener('abort', () => reject(new AmberError('DESTINATION_UNAVAILABLE', 'SlowDown'))),
    );
  const outbox = open(put, 2, undefined, { signal: end.signal });
  await outbox.send(segment(0));
  end.abort();
  await outbox.settle();
  assert.equal(outbox.shipped()[0]?.error?.message, 'SlowDown');
});
