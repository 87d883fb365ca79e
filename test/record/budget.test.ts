/** A flood is counted, and takes no more of the ring than its kind may. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { RecordedKind } from '../../src/contracts/recorded.ts';
import { openBudget } from '../../src/record/budget.ts';
import { decodeRing } from '../../src/record/decode.ts';
import { KINDS, SLOTS } from '../../src/record/format.ts';
import { openRecorder, type Recorder } from '../../src/record/recorder.ts';
import { openRing } from '../../src/record/ring.ts';
import type { RecordedEvent } from '../../src/contracts/recorded.ts';
import { times } from '../effort.ts';

const kinds = Object.keys(KINDS) as RecordedKind[];
const inMemory = (): Recorder => openRecorder({ language: 'test', pid: 1 }, () => openRing([]));
const eventsOf = (recorder: Recorder): readonly RecordedEvent[] =>
  decodeRing(recorder.ring()?.bytes() ?? new Uint8Array()).events;

test('the same thing again is written at its 1st, 2nd, 4th, 8th … time', () => {
  const recorder = inMemory();
  for (let at = 0; at < 100; at += 1) recorder.put('resolve', 'example.com');
  const counts = eventsOf(recorder).flatMap(({ kind, count }) => (kind === 'resolve' ? [count] : []));
  assert.deepEqual(counts, [1, 2, 4, 8, 16, 32, 64]);
  assert.deepEqual(recorder.facts().tallies.resolve, { seen: 100, written: 7, left: 0 });
});

test('long texts that differ anywhere near an end are told apart, and none is kept', () => {
  const budget = openBudget();
  const long = 'x'.repeat(100_000);
  const count = (key: string): unknown => budget.judge('spawn', key, 0);
  assert.deepEqual(
    [count(long), count(`${long}y`), count(`y${long}`), count(long)].map((one) => JSON.stringify(one)),
    ['{"count":1}', '{"count":1}', '{"count":1}', '{"count":2}'],
  );
});

describe('a flood of one kind', () => {
  test('leaves the others their events, and is counted', () => {
    const recorder = inMemory();
    recorder.put('spawn', '/bin/sh', { argv: ['sh', '-c', 'id'] });
    for (let at = 0; at < 5000; at += 1) recorder.put('connect', `203.0.113.7:${at}`);
    recorder.put('spawn', '/bin/true');
    const events = eventsOf(recorder);
    assert.equal(events.filter(({ kind }) => kind === 'spawn').length, 2);
    const { seen = 0, written = 0, left = 0 } = recorder.facts().tallies.connect ?? {};
    assert.equal(seen, 5000);
    assert.equal(written + left, 5000);
    const said = events.filter(({ kind, subject }) => kind === 'limit' && subject === 'connect').at(-1)?.detail?.[
      'left'
    ];
    assert.ok(Number(said) > left / 2, `${said} of ${left} were told of in the ring`);
  });

  test('never takes more than its allowance in any time, whatever the clock does', () => {
    const moves = fc.array(fc.integer({ min: -2000, max: 5000 }), { minLength: 1, maxLength: 400 });
    fc.assert(
      fc.property(fc.constantFrom(...kinds), moves, (kind, steps) => {
        const budget = openBudget();
        let forwardMs = 0;
        let nowMs = 1_764_000_000_000;
        steps.forEach((step, at) => {
          nowMs += step;
          forwardMs += Math.max(step, 0);
          budget.judge(kind, String(at), nowMs);
        });
        const { burst, perSecond } = KINDS[kind];
        const { written = 0, left = 0 } = budget.tallies()[kind] ?? {};
        assert.ok(written <= burst + (forwardMs / 1000) * perSecond);
        assert.equal(written + left, steps.length);
      }),
      { numRuns: times(200) },
    );
  });

  test('takes a part of the ring: no kind has more than a quarter at once', () => {
    for (const kind of kinds) assert.ok(KINDS[kind].burst <= SLOTS / 4, kind);
  });
});
