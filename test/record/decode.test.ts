/** A ring as found: cut, forged, replaced, of forked processes. Whatever it is, it is read and its faults are named. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { differences } from '../../src/record/compare.ts';
import { decodeRing } from '../../src/record/decode.ts';
import { encodeSlot, type Draft } from '../../src/record/encode.ts';
import { RING_BYTES, SLOT_BYTES, SLOTS } from '../../src/record/format.ts';
import { times } from '../effort.ts';
import { draft } from './events.ts';

function ringOf(events: readonly Draft[]): Buffer {
  const ring = Buffer.alloc(RING_BYTES);
  for (const event of events) put(ring, event, (event.sequence - 1) % SLOTS);
  return ring;
}

function put(ring: Buffer, event: Draft, slot: number): void {
  encodeSlot(ring.subarray(slot * SLOT_BYTES, (slot + 1) * SLOT_BYTES), event);
}

const run = (from: number, to: number): Draft[] =>
  Array.from({ length: to - from + 1 }, (_, at) => draft({ sequence: from + at }));

const whats = (ring: Buffer): string[] => decodeRing(ring).faults.map(({ slot, what }) => `${slot} ${what}`);

describe('a ring', () => {
  test('gives its last events in order, and counts what they have overwritten', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 3 * SLOTS }), (count) => {
        const { events, overwritten, missing, faults, sizeFault } = decodeRing(ringOf(run(1, count)));
        assert.deepEqual(
          events.map(({ sequence }) => sequence),
          run(Math.max(1, count - SLOTS + 1), count).map(({ sequence }) => sequence),
        );
        assert.deepEqual([overwritten, missing, faults, sizeFault], [Math.max(0, count - SLOTS), [], [], 0]);
      }),
      { numRuns: times(50) },
    );
  });

  test('is read whatever its bytes are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3000 }), fc.integer({ min: 0, max: 5000 }), (bytes, at) => {
        const ring = ringOf(run(1, 12));
        ring.set(bytes, at);
        const { events, faults } = decodeRing(ring);
        assert.ok(events.length <= 12 + faults.length);
        assert.ok(faults.every(({ reason }) => reason.length < 200));
      }),
      { numRuns: times(200) },
    );
  });

  test('that is shorter or longer says by how much', () => {
    const ring = ringOf(run(1, 20));
    const short = decodeRing(ring.subarray(0, 10 * SLOT_BYTES + 100));
    assert.deepEqual([short.events.length, short.sizeFault], [10, 10 * SLOT_BYTES + 100 - RING_BYTES]);
    assert.deepEqual(
      short.faults.map(({ slot, what }) => [slot, what]),
      [[10, 'cut']],
    );
    const long = decodeRing(Buffer.concat([ring, ring]));
    assert.deepEqual([long.events.length, long.sizeFault, long.faults], [20, RING_BYTES, []]);
  });
});

describe('somebody who writes into a ring', () => {
  test('and blanks a slot leaves a gap', () => {
    const ring = ringOf(run(1, 20));
    ring.fill(0, 4 * SLOT_BYTES, 7 * SLOT_BYTES);
    assert.deepEqual(decodeRing(ring).missing, [5, 6, 7]);
  });

  test('and forges a sequence moves nothing else', () => {
    const ring = ringOf(run(600, 700));
    put(ring, draft({ sequence: Number.MAX_SAFE_INTEGER }), 3);
    put(ring, draft({ sequence: 1 }), 400);
    const { overwritten, events, faults } = decodeRing(ring);
    assert.deepEqual([overwritten, events.length], [700 - SLOTS, 103]);
    assert.ok(faults.some(({ slot, what }) => slot === 400 && what === 'misplaced'));
    assert.equal(faults.filter(({ what }) => what === 'apart').length, 2);
  });

  test('and copies, dates back or writes anything is told of by its slot', () => {
    const ring = ringOf(run(1, 20));
    put(ring, draft({ sequence: 3 }), 30);
    put(ring, draft({ sequence: 10, timeMs: 1 }), 9);
    ring.write('nothing', 11 * SLOT_BYTES);
    assert.deepEqual(whats(ring), ['9 backwards', '11 unreadable', '30 twice']);
  });

  test('and changes or erases what was tailed is found by the copy', () => {
    const ring = ringOf(run(1, SLOTS + 8));
    const tailed = [...run(1, 40)];
    put(ring, draft({ sequence: 20, subject: '127.0.0.1:80' }), 19);
    ring.fill(0, 29 * SLOT_BYTES, 30 * SLOT_BYTES);
    assert.deepEqual(differences(tailed, decodeRing(ring)), { changed: [20], erased: [30] });
  });
});

test('a ring in which a forked process goes on names both', () => {
  const ring = ringOf([...run(1, 5), draft({ sequence: 6, pid: 99 })]);
  assert.deepEqual(decodeRing(ring).pids, [17, 99]);
});
