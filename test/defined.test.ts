/** Members that may be missing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defined } from '../src/defined.ts';

test('leaves out what is undefined and nothing else, in the order given', () => {
  const made = defined({ b: 1, a: undefined, c: null, d: 0, e: '', f: false });
  assert.deepEqual(Object.entries(made), Object.entries({ b: 1, c: null, d: 0, e: '', f: false }));
  assert.equal(Object.hasOwn(made, 'a'), false);
});

test('calls no setter that somebody put on Object.prototype', () => {
  const seen: unknown[] = [];
  Object.defineProperty(Object.prototype, 'planted', { configurable: true, set: (value) => void seen.push(value) });
  try {
    assert.equal(Object.hasOwn(defined({ planted: 1 }), 'planted'), true);
    assert.deepEqual(seen, []);
  } finally {
    Reflect.deleteProperty(Object.prototype, 'planted');
  }
});
