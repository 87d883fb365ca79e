/** Bounds of what the redactor follows in a value: cycles, depth, nodes, size. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createRedactor } from '../../src/secrets/redactor.ts';
import { json } from './redacted-json.ts';

describe('limits', () => {
  test('cycles', () => {
    const value: Record<string, unknown> = { a: 1 };
    value['self'] = value;
    value['list'] = [value, new Map([['x', value]])];
    assert.deepEqual(json(value), { a: 1, self: '<cycle>', list: ['<cycle>', { x: '<cycle>' }] });
    const shared = { x: 1 };
    assert.deepEqual(json([shared, shared]), [{ x: 1 }, { x: 1 }]);
  });

  test('depth', () => {
    let deep: unknown = 'end';
    for (let level = 0; level < 100_000; level++) deep = [deep];
    const { value, redactions } = createRedactor().json(deep);
    assert.deepEqual(redactions, ['limit:depth']);
    assert.ok(JSON.stringify(value).includes('"<limit>"'));
  });

  test('nodes: wide, and a bomb of shared references', () => {
    let bomb: unknown = ['x'];
    for (let level = 0; level < 40; level++) bomb = [bomb, bomb];
    for (const value of [Array.from({ length: 300_000 }, (_, index) => index), new Array(4_000_000_000), bomb]) {
      const redacted = createRedactor().json(value);
      assert.deepEqual(redacted.redactions, ['limit:nodes']);
      assert.ok(JSON.stringify(redacted.value).length < 4_000_000);
    }
  });

  test('size', () => {
    const { value, redactions } = createRedactor().json({
      text: 'ab '.repeat(4_000_000),
      bytes: Buffer.alloc(9_000_000),
    });
    assert.deepEqual(redactions, ['limit:size']);
    assert.ok((value as { text: string }).text.endsWith('<limit>'));
    assert.equal((value as { bytes: { length: number } }).bytes.length, 9_000_000);
  });

  test('the list of redactions is bounded', () => {
    const many = Object.fromEntries(Array.from({ length: 2000 }, (_, index) => [`password${index}`, `value-${index}`]));
    const { redactions } = createRedactor().json(many);
    assert.equal(redactions.length, 501);
    assert.match(redactions.at(-1) ?? '', /^and \d+ more$/u);
  });
});
