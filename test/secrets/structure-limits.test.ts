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
    assert.deepEqual(redactions, ['limit:depth (1 objects)']);
    assert.ok(JSON.stringify(value).includes('"<limit>"'));
  });

  test('nodes: wide, and a bomb of shared references', () => {
    let bomb: unknown = ['x'];
    for (let level = 0; level < 40; level++) bomb = [bomb, bomb];
    for (const [value, left] of [
      [Array.from({ length: 300_000 }, (_, index) => index), 100_001],
      [new Array(4_000_000_000), 3_999_800_001],
      [{ list: Array.from({ length: 199_998 }, () => 1), a: 1, b: 2, c: 3 }, 3],
      [bomb, undefined],
    ] as const) {
      const redacted = createRedactor().json(value);
      const [only = ''] = redacted.redactions;
      assert.equal(redacted.redactions.length, 1);
      assert.match(only, /^limit:nodes \(\d+ members\)$/u);
      if (left !== undefined) assert.equal(only, `limit:nodes (${left} members)`);
      assert.ok(JSON.stringify(redacted.value).length < 4_000_000);
    }
  });

  test('size', () => {
    const { value, redactions } = createRedactor().json({
      text: 'ab '.repeat(4_000_000),
      again: 'ab '.repeat(4_000_000),
      bytes: Buffer.alloc(9_000_000),
    });
    const text = 2 * (12_000_000 - 8_388_608);
    assert.deepEqual(redactions, [`limit:size (${text} characters)`, `limit:size (${9_000_000 - 8_388_608} bytes)`]);
    assert.ok((value as { text: string }).text.endsWith('<limit>'));
    assert.equal((value as { bytes: { length: number } }).bytes.length, 9_000_000);
  });

  test('command lines: words and scripts beyond the bounds are counted, and looked at as text all the same', () => {
    const secret = 'AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
    const words = ['sh', ...Array.from({ length: 5000 }, (_, index) => `w${index}`), `x=${secret}`];
    for (const { value, redactions } of [
      createRedactor().json({ argv: words }),
      createRedactor().bytes(Buffer.from(words.join('\0')), 'cmdline'),
    ]) {
      const shown = value instanceof Uint8Array ? Buffer.from(value).toString() : JSON.stringify(value);
      assert.ok(!shown.includes('wJalrXUtnFEMI'));
      assert.ok(
        redactions.some((name) => name.endsWith('limit:words (906 words)')),
        redactions.join(),
      );
    }
    const script = `echo ${'a'.repeat(80_000)}`;
    assert.deepEqual(createRedactor().json({ argv: ['sh', '-c', script] }).redactions, [
      `argv[2]:limit:script (${script.length - 65_536} characters)`,
    ]);
  });

  test('what both turns over a value meet is counted once', () => {
    const [limit] = createRedactor()
      .json({ password: 'a-secret-that-is-learned', text: 'ab '.repeat(4_000_000) })
      .redactions.filter((name) => name.startsWith('limit'));
    assert.equal(limit, `limit:size (${12_000_000 - 8_388_608} characters)`);
  });

  test('the list of redactions is bounded', () => {
    const many = Object.fromEntries(Array.from({ length: 2000 }, (_, index) => [`password${index}`, `value-${index}`]));
    const { redactions } = createRedactor().json(many);
    assert.equal(redactions.filter((name) => !name.includes('limit:')).length, 501);
    const limits = redactions.filter((name) => name.includes('limit:known-values'));
    assert.equal(limits.length, 21);
    assert.equal(
      limits.reduce((sum, name) => sum + Number(/\((\d+) values\)/u.exec(name)?.[1]), 0),
      1890,
    );
    assert.match(redactions.at(-1) ?? '', /^and \d+ more$/u);
  });
});
