import assert from 'node:assert/strict';
import { readdirSync, readlinkSync } from 'node:fs';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isAmberError } from '../../../src/errors.ts';
import { SortedLines } from '../../../src/case/tar/sorted-lines.ts';
import { times } from '../../effort.ts';

/** Descriptors of files that this process has open and that have no name any more. */
function nameless(): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).includes('amber-sort-');
    } catch {
      return false; // the descriptor of this very look
    }
  }).length;
}

describe('lines that are sorted in files', () => {
  test('come as a stable sort in memory gives them, whatever the limits', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(
            fc.integer({ min: -20, max: 20 }),
            fc.string({ unit: fc.constantFrom('a', 'b', '"', '\\'), maxLength: 30 }),
          ),
          { maxLength: 200 },
        ),
        fc.integer({ min: 1, max: 400 }),
        fc.integer({ min: 2, max: 4 }),
        (rows, batch, width) => {
          const lines = new SortedLines({ batch, width });
          for (const [index, [order, text]] of rows.entries())
            lines.add({ order, key: index % 2 === 0 ? '' : `k${index}`, text });
          const expected = rows
            .map(([order, text], index) => ({ order, key: index % 2 === 0 ? '' : `k${index}`, text }))
            .sort((one, other) => one.order - other.order);
          assert.deepEqual([...lines.sorted()], expected);
          assert.equal(lines.count, rows.length);
          lines.close();
        },
      ),
      { numRuns: times(150), seed: 11 },
    );
  });

  test('of any length, and many, leave no file and no descriptor behind', () => {
    const lines = new SortedLines({ batch: 10_000, width: 3 });
    const long = 'x'.repeat(400_000);
    for (let index = 0; index < 3000; index += 1)
      lines.add({ order: (index * 7919) % 3000, key: '', text: index % 1000 === 0 ? long : `line ${index}` });
    assert.ok(nameless() >= 2, 'it went to files');
    let last = -1;
    let longs = 0;
    for (const { order, text } of lines.sorted()) {
      assert.ok(order >= last);
      last = order;
      longs += text === long ? 1 : 0;
    }
    assert.equal(longs, 3);
    lines.close();
    assert.equal(nameless(), 0);
  });

  test('say which folder cannot take them', () => {
    const before = process.env['TMPDIR'];
    process.env['TMPDIR'] = '/nowhere';
    try {
      const lines = new SortedLines({ batch: 1 });
      lines.add({ order: 1, key: '', text: 'x' });
      assert.throws(
        () => lines.add({ order: 1, key: '', text: 'y' }),
        (error) =>
          isAmberError(error) &&
          error.code === 'DESTINATION_FAILED' &&
          error.message.includes('"/nowhere", cannot be written; TMPDIR'),
      );
    } finally {
      if (before === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = before;
    }
  });
});
