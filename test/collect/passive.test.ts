import assert from 'node:assert/strict';
import { test } from 'node:test';
import { passive } from '../../src/collect/passive.ts';

test('plain values come through as they are', () => {
  const event = { a: 1, b: [true, null, 'x'], c: { d: 'é' } };
  assert.deepEqual(passive(event), event);
});

test('an error comes with name, message, stack, cause and what was hung on it', () => {
  const cause = new RangeError('inner');
  const error = Object.assign(new TypeError('failed', { cause }), {
    config: { headers: { authorization: 'Bearer x' } },
  });
  const plain = passive(error) as Record<string, unknown>;
  assert.equal(plain['name'], 'TypeError');
  assert.equal(plain['message'], 'failed');
  assert.match(String(plain['stack']), /TypeError: failed\n\s+at /u);
  assert.deepEqual(plain['config'], { headers: { authorization: 'Bearer x' } });
  assert.equal((plain['cause'] as Record<string, unknown>)['name'], 'RangeError');
});

test('no code of the value runs', () => {
  let ran = 0;
  const trap = (): never => {
    ran += 1;
    throw new Error('ran');
  };
  const hostile = {
    get secret(): string {
      return trap();
    },
    toJSON: trap,
    toString: trap,
    [Symbol.toPrimitive]: trap,
    [Symbol.iterator]: trap,
    proxy: new Proxy({}, { get: trap, ownKeys: trap, getOwnPropertyDescriptor: trap, getPrototypeOf: trap }),
    error: Object.defineProperty(new Error('e'), 'stack', { get: trap }),
    then: trap,
  };
  const plain = passive(hostile) as Record<string, unknown>;
  assert.equal(ran, 0);
  assert.equal(plain['secret'], '[getter]');
  assert.equal(plain['proxy'], '[proxy]');
  assert.equal((plain['error'] as Record<string, unknown>)['stack'], '[getter]');
});

test('cycles, depth, width and odd values end', () => {
  const cyclic: Record<string, unknown> = {
    n: 1n,
    s: Symbol('x'),
    u: undefined,
    f: () => 1,
    nan: Number.NaN,
    d: new Date(5),
    b: Buffer.from('body'),
    m: new Map([['k', 'v']]),
    e: new Set([1]),
  };
  cyclic['self'] = cyclic;
  const plain = passive(cyclic) as Record<string, unknown>;
  assert.equal(plain['self'], '[circular]');
  assert.equal(plain['n'], '[bigint 1]');
  assert.equal(plain['b'], '[4 bytes] body');
  assert.deepEqual(plain['m'], { '[map]': [['k', 'v']] });
  assert.deepEqual(plain['e'], { '[set]': [1] });
  assert.doesNotThrow(() => JSON.stringify(plain));

  let deep: unknown = 'end';
  for (let level = 0; level < 10_000; level += 1) deep = { deep };
  assert.match(JSON.stringify(passive(deep)), /too deep/u);
  const wide = passive({ list: Array.from({ length: 100_000 }, (_, n) => n), long: 'x'.repeat(2 ** 20) });
  assert.ok(JSON.stringify(wide).length < 500_000);
  const proto = passive(JSON.parse('{"__proto__":{"polluted":true}}')) as Record<string, unknown>;
  assert.equal(proto['polluted'], undefined);
  assert.deepEqual(Object.keys(proto), ['__proto__']);
});
