import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { JsonEntry } from '../../src/contracts/evidence.ts';
import { render } from '../../src/archive/structured.ts';
import { createRedactor } from '../../src/secrets/redactor.ts';

const entry = (value: unknown): JsonEntry => ({ kind: 'json', path: 'x.json', source: 'test', method: 'api', value });

async function rendered(value: unknown): Promise<unknown> {
  const { body } = await render(entry(value), createRedactor({}), () => undefined);
  return JSON.parse(Buffer.from(body).toString('utf8'));
}

describe('structured evidence is valid JSON', () => {
  const rows = Array.from({ length: 40 }, (_, index) => ({ index, big: 10n }));
  for (const [name, value, expected] of [
    ['an object', { a: 1, b: [1, 2], c: { d: null } }, undefined],
    ['members that are undefined', { a: undefined, b: 1, c: undefined }, { b: 1 }],
    ['nothing but undefined', { a: undefined }, {}],
    ['an empty object', {}, undefined],
    ['a scalar', 'text', undefined],
    ['undefined', undefined, null],
    ['a long table', rows, rows.map(({ index }) => ({ index, big: '10' }))],
    [
      'a long table under a key',
      { before: 1, rows, after: 2 },
      { before: 1, rows: rows.map(({ index }) => ({ index, big: '10' })), after: 2 },
    ],
    ['an empty table under a key', { rows: [] }, undefined],
  ] as const) {
    test(name, async () => assert.deepEqual(await rendered(value), expected === undefined ? value : expected));
  }

  test('redacts by name what stands in a row of a long table', async () => {
    const secret = 'a-rather-secret-value';
    const { body, redactions } = await render(
      entry({ rows: rows.map((row) => ({ ...row, password: secret })) }),
      createRedactor({}),
      () => undefined,
    );
    assert.ok(!Buffer.from(body).toString('utf8').includes(secret));
    assert.equal(redactions.length, 40);
    assert.match(redactions[0] ?? '', /^rows\[0\]\./u);
  });
});
