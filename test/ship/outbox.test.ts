import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Destination, Receipt, Segment } from '../../src/contracts.ts';
import { AmberError, isAmberError } from '../../src/errors.ts';
import { openOutbox, type Shipped } from '../../src/ship/outbox.ts';
import { segmentName, sha256 } from '../contracts/destination.ts';

function segment(number: number): Segment {
  const body = Buffer.from(`segment ${number}`);
  return { number, name: segmentName(number), body: [body], bytes: body.length, sha256: sha256(body), continues: false, tarOffset: 0, tarBytes: 1, tier: 'files' };
}

const STORED: Receipt = { state: 'stored', attempts: 1 };
const never = new AbortController().signal;

function destination(put: Destination['put']): Destination {
  return { location: 'test://', put, commit: put, close: () => undefined };
}

test('a segment without an answer counts as lost until it has one', async () => {
  const answer = Promise.withResolvers<Receipt>();
  const told: Shipped[] = [];
  const outbox = openOutbox(destination(({ name }) => (name === segmentName(1) ? answer.promise : Promise.resolve(STORED))), never, 3, (shipped) => told.push(shipped));
  for (const number of [0, 1, 2]) await outbox.send(segment(number));
  // A timer of its own: that of AbortSignal.timeout keeps no event loop alive.
  const patience = new AbortController();
  setTimeout(() => patience.abort(), 20);
  await outbox.settle(patience.signal);
  assert.deepEqual(outbox.shipped().map(({ receipt, error }) => receipt?.state ?? error?.code), ['stored', 'DESTINATION_UNAVAILABLE', 'stored']);
  assert.deepEqual(told.map(({ segment: { number } }) => number), [0, 2]);
  answer.resolve(STORED);
  await outbox.settle();
  assert.deepEqual(outbox.shipped().map(({ receipt }) => receipt?.state), ['stored', 'stored', 'stored']);
  assert.equal(told.length, 3);
});

test('a segment that is answered this very moment is listed once', async () => {
  const listed: number[] = [];
  const outbox = openOutbox(destination(() => Promise.resolve(STORED)), never, 3, () => listed.push(outbox.shipped().length));
  for (const number of [0, 1]) await outbox.send(segment(number));
  await outbox.settle();
  assert.deepEqual(listed, [2, 2]);
});

test('a segment has the name under which it was stored', async () => {
  const outbox = openOutbox(destination(() => Promise.resolve({ ...STORED, name: 'capture-0000-0123abcd.tar.zst' })), never, 1, () => undefined);
  await outbox.send(segment(0));
  await outbox.settle();
  assert.equal(outbox.shipped()[0]?.segment.name, 'capture-0000-0123abcd.tar.zst');
});

test('after a refusal for good nothing more is sent; after a refusal of one segment the next ones are', async () => {
  for (const [code, sent] of [['DESTINATION_DENIED', 1], ['DESTINATION_EXISTS', 3]] as const) {
    let puts = 0;
    const outbox = openOutbox(destination(() => {
      puts += 1;
      return Promise.reject(new AmberError(code));
    }), never, 1, () => undefined);
    for (const number of [0, 1, 2]) await outbox.send(segment(number));
    await outbox.settle();
    assert.equal(puts, sent);
    assert.deepEqual(outbox.shipped().map(({ error }) => error?.code), [code, code, code]);
    assert.equal(outbox.refused()?.code, sent === 1 ? code : undefined);
  }
});

test('a closed outbox takes nothing and tells of nothing', async () => {
  const told: Shipped[] = [];
  const outbox = openOutbox(destination(() => Promise.resolve(STORED)), never, 2, (shipped) => told.push(shipped));
  await outbox.send(segment(0));
  await outbox.settle();
  outbox.close();
  await assert.rejects(outbox.send(segment(1)), (error) => isAmberError(error) && error.code === 'CAPTURE_ABORTED');
  assert.equal(told.length, 1);
});
