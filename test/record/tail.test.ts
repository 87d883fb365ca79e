/** What detectors get of the black box: bounded, once, and a look is due for what is rare. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Draft } from '../../src/record/encode.ts';
import { makeTail } from '../../src/record/tail.ts';

const draft = (facts: Partial<Draft>): Draft => ({
  sequence: 1,
  timeMs: 1,
  invocation: 1,
  pid: 9,
  kind: 'connect',
  subject: '203.0.113.7:1',
  count: 1,
  ...facts,
});

describe('the tail of the recorder', () => {
  test('a look is due for what is rare, and for code of no file', () => {
    for (const [facts, isDue] of [
      [{}, false],
      [{ kind: 'spawn' }, true],
      // Node's own channel tells of it, and knows Amber's children.
      [{ kind: 'spawn', lineage: { child: 7 } }, false],
      [{ kind: 'inspector' }, true],
      [{ origin: ['/var/task/a.js', 'eval'] }, false],
      [{ origin: ['eval'] }, true],
      [{ kind: 'worker', subject: 'thread' }, true],
      [{ kind: 'datagram', subject: '203.0.113.53:53' }, true],
      [{ kind: 'datagram', subject: '127.0.0.1:2000' }, false],
      [{ kind: 'resolve', subject: 'x.example', detail: { type: 'a', length: 70, label: 60 } }, true],
      [{ kind: 'resolve', subject: 'x.example', detail: { type: 'a', length: 20, label: 12 } }, false],
      [{ kind: 'request', subject: 'POST http://203.0.113.7', origin: ['/x/node_modules/y/z.js'] }, true],
      [{ kind: 'request', subject: 'POST http://203.0.113.7', origin: ['/x/node_modules/y/z.js'], count: 2 }, false],
      [{ kind: 'request', subject: 'POST http://203.0.113.7', origin: ['/x/node_modules/y', '/x/a.js'] }, false],
      [{ kind: 'request', subject: 'GET https://example.com', origin: ['/x/node_modules/y/z.js'] }, false],
    ] as const) {
      const tail = makeTail();
      tail.add(draft(facts));
      assert.equal(tail.isDue(), isDue, JSON.stringify(facts));
      tail.take();
      assert.equal(tail.isDue(), false);
    }
  });

  test('an event is given once, and what found no room is counted', () => {
    const tail = makeTail();
    for (let sequence = 1; sequence <= 100; sequence += 1) tail.add(draft({ sequence, timeMs: sequence }));
    tail.add(draft({ sequence: 101, kind: 'spawn', timeMs: 101 }));
    const { events, left } = tail.take();
    assert.deepEqual([events.length, left, events.at(-1)?.sequence], [97, 4, 101]);
    assert.deepEqual(tail.take(), { events: [], left: 0 });
  });

  test('long arguments are cut, and it is said', () => {
    const tail = makeTail();
    const argv = ['x', 'a'.repeat(3000), 'b'];
    tail.add(draft({ kind: 'spawn', subject: 'x', argv }));
    const [event] = tail.take().events;
    assert.deepEqual([event?.argv?.map(({ length }) => length), event?.cut], [[1, 2046, 0], 955]);
    tail.add(draft({ kind: 'spawn', subject: 'x', argv: Array.from({ length: 40 }, () => 'yy') }));
    const [other] = tail.take().events;
    assert.deepEqual([other?.argv?.length, other?.cut], [32, 16]);
  });
});
