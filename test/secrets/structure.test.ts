import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import vm from 'node:vm';
import { createRedactor, passThrough } from '../../src/secrets/redactor.ts';
import { json } from './redacted-json.ts';

const MARK = /^<redacted:[0-9a-f]{16}>$/u;

describe('values that JSON does not know', () => {
  test('getters, toJSON, toString, proxies and iterators of the value never run', () => {
    const trap = (): never => assert.fail('code of the value ran');
    const hostile = {
      get secret(): string {
        return trap();
      },
      toJSON: trap,
      toString: trap,
      valueOf: trap,
      [Symbol.toPrimitive]: trap,
      [Symbol.iterator]: trap,
      proxy: new Proxy(
        {},
        { get: trap, ownKeys: trap, getOwnPropertyDescriptor: trap, getPrototypeOf: trap, has: trap },
      ),
      functionProxy: new Proxy(() => undefined, { get: trap, getOwnPropertyDescriptor: trap }),
      array: Object.defineProperty(['a', 'b'], 1, { get: trap, enumerable: true }),
      map: Object.assign(new Map([['a', 1]]), { entries: trap, [Symbol.iterator]: trap, get: trap }),
      set: Object.assign(new Set([1]), { values: trap, [Symbol.iterator]: trap }),
      date: Object.assign(new Date(0), { getTime: trap, toISOString: trap, toJSON: trap }),
      error: Object.defineProperties(new RangeError('boom'), {
        stack: { get: trap },
        name: { get: trap },
        code: { value: 'E' },
      }),
      inherited: Object.create(new Proxy({}, { getPrototypeOf: trap, get: trap })) as object,
      buffer: Object.defineProperty(Buffer.from('hi'), 'length', { get: trap }),
      fn: Object.defineProperty(() => undefined, 'name', { get: trap }),
    };
    const copy = json(hostile) as Record<string, unknown>;
    assert.equal(copy['secret'], '<getter>');
    assert.equal(copy['proxy'], '<proxy>');
    assert.equal(copy['functionProxy'], '<function proxy>');
    assert.deepEqual(copy['array'], ['a', '<getter>']);
    assert.equal((copy['map'] as Record<string, unknown>)['a'], 1);
    assert.deepEqual(copy['set'], [1]);
    assert.equal(copy['date'], '1970-01-01T00:00:00.000Z');
    assert.deepEqual(copy['error'], { name: '<getter>', message: 'boom', stack: '<getter>', code: 'E' });
    assert.deepEqual(copy['inherited'], {});
    assert.equal(copy['fn'], '<function (anonymous)>');
    JSON.stringify(copy);
  });

  test('numbers, dates, bytes, symbols, functions, undefined', () => {
    function handler(): void {
      /* its name is what counts */
    }
    assert.deepEqual(
      json({
        n: 1.5,
        nan: Number.NaN,
        inf: -Infinity,
        big: 12345678901234567890n,
        date: new Date(Number.NaN),
        sym: Symbol('x'),
        handler,
        none: undefined,
        nul: null,
        list: [undefined, () => 1],
        re: /a/u,
        bytes: new Uint8Array([1, 2]),
        floats: new Float32Array([1]),
        buffer: new ArrayBuffer(2),
      }),
      {
        n: 1.5,
        nan: 'NaN',
        inf: '-Infinity',
        big: '12345678901234567890',
        date: 'Invalid Date',
        sym: 'Symbol(x)',
        handler: '<function handler>',
        nul: null,
        list: [null, '<function (anonymous)>'],
        re: '<regexp>',
        bytes: { length: 2, base64: 'AQI=' },
        floats: { length: 4, base64: 'AACAPw==' },
        buffer: { length: 2, base64: 'AAA=' },
      },
    );
  });

  test('errors, of this realm and another one, with causes and own properties', () => {
    class OrderError extends Error {
      readonly orderId = 7;
      override readonly name = 'OrderError';
    }
    const inner = Object.assign(new Error('password=hunter2'), { code: 'ECONN' });
    const copy = json(new OrderError('outer', { cause: inner })) as {
      name: string;
      message: string;
      stack: string;
      orderId: number;
      cause: { message: string; code: string; stack: string };
    };
    assert.equal(copy.name, 'OrderError');
    assert.equal(copy.orderId, 7);
    assert.match(copy.stack, /^OrderError: outer|^Error: outer/u);
    assert.match(copy.cause.message, /^password=<redacted:[0-9a-f]{16}>$/u);
    assert.ok(!copy.cause.stack.includes('hunter2'));
    assert.equal(copy.cause.code, 'ECONN');
    const foreign = json(vm.runInNewContext('new TypeError("far")')) as { name: string; message: string };
    assert.equal(foreign.name, 'TypeError');
    assert.equal(foreign.message, 'far');
    assert.equal(
      (json(new AggregateError([new Error('one')], 'many')) as { errors: { message: string }[] }).errors[0]?.message,
      'one',
    );
  });

  test('a module namespace with a binding in its dead zone', async () => {
    const namespace: unknown = await import('node:path');
    assert.equal(typeof (json(namespace) as { sep: string }).sep, 'string');
  });

  test('maps: by key where keys are strings, pairs otherwise', () => {
    assert.deepEqual(
      json(
        new Map<unknown, unknown>([
          [{ a: 1 }, 'x'],
          [2, 3],
        ]),
      ),
      [
        [{ a: 1 }, 'x'],
        [2, 3],
      ],
    );
    const copy = json(
      new Map([
        ['password', 'x'],
        ['user', 'bob'],
      ]),
    ) as Record<string, string>;
    assert.match(copy['password'] ?? '', MARK);
    assert.equal(copy['user'], 'bob');
  });

  test('__proto__ as a key stays an own key and changes no prototype', () => {
    const copy = json(JSON.parse('{"__proto__":{"polluted":true},"a":1}')) as Record<string, unknown>;
    assert.equal(Object.getPrototypeOf(copy), Object.prototype);
    assert.equal(JSON.stringify(copy), '{"__proto__":{"polluted":true},"a":1}');
  });
});

describe('names in objects', () => {
  test('branches, pairs of name and value, arrays and numbers', () => {
    const value = {
      credentials: {
        accessKeyId: 'ASIAIOSFODNN7EXAMPLE',
        secretAccessKey: 'abc',
        sessionToken: 'def',
        expiration: '2026-08-01T00:00:00.000Z',
        user: 'bob',
        cached: true,
      },
      headers: [
        { name: 'Authorization', value: 'Bearer abc1' },
        { Name: 'Host', Value: 'h' },
      ],
      multiValueHeaders: { 'X-Api-Key': ['a', 'b'] },
      rawHeaders: ['Host', 'h', 'Authorization', 'Bearer abc1', 'X-Api-Key', 'k'],
      password: 123456,
      tokens: ['x', 'y'],
      maxTokens: 4096,
      token: null,
      secret: true,
      cookies: ['sid=abc; Path=/'],
      empty: { password: '' },
      userIdentity: { sessionContext: { sessionIssuer: { arn: 'arn:aws:iam::123456789012:role/x', userName: 'x' } } },
    };
    const { value: copy, redactions } = createRedactor().json(value);
    const starred = JSON.parse(JSON.stringify(copy).replaceAll(/<redacted:[0-9a-f]{16}>/gu, '*')) as unknown;
    assert.deepEqual(starred, {
      credentials: {
        accessKeyId: 'ASIAIOSFODNN7EXAMPLE',
        secretAccessKey: '*',
        sessionToken: '*',
        expiration: '2026-08-01T00:00:00.000Z',
        user: '*',
        cached: true,
      },
      headers: [
        { name: 'Authorization', value: 'Bearer *' },
        { Name: 'Host', Value: 'h' },
      ],
      multiValueHeaders: { 'X-Api-Key': ['*', '*'] },
      rawHeaders: ['Host', 'h', 'Authorization', 'Bearer *', 'X-Api-Key', '*'],
      password: '*',
      tokens: ['*', '*'],
      maxTokens: 4096,
      token: null,
      secret: true,
      cookies: ['sid=*; Path=/'],
      empty: { password: '' },
      userIdentity: { sessionContext: { sessionIssuer: { arn: 'arn:aws:iam::123456789012:role/x', userName: 'x' } } },
    });
    assert.deepEqual(redactions, [
      'credentials.secretAccessKey',
      'credentials.sessionToken',
      'credentials.user',
      'headers[].value',
      'multiValueHeaders.X-Api-Key[]',
      'rawHeaders[]',
      'password',
      'tokens[]',
      'cookies[]',
    ]);
  });

  test('a secret that was read with its line end is found without', () => {
    const redactor = createRedactor();
    redactor.learn({ DB_PASSWORD: 'kJ8sd7f6g!\n' });
    assert.match(redactor.text('use kJ8sd7f6g! now').value, /^use <redacted:[0-9a-f]{16}> now$/u);
  });

  test('keys that become one are both kept', () => {
    const redactor = createRedactor();
    redactor.learn({ PASSWORD: 'kJ8sd7f6g!' });
    const mark = redactor.text('kJ8sd7f6g!').value;
    assert.deepEqual(Object.keys(redactor.json({ 'kJ8sd7f6g!': 1, [mark]: 2 }).value as object), [mark, `${mark}~2`]);
  });

  test('a second pass changes nothing', () => {
    const redactor = createRedactor();
    const once = redactor.json({
      env: { DB_PASSWORD: 'x', A: 'postgres://u:pw123456@h/', TOKEN: 'kJ8sd7f6gH5jk4L3mN2b1V0c' },
      argv: ['mysql', '-pabc', '--password', 'hunter22'],
      text: 'Authorization: Bearer abc1\nCookie: a=b\npassword=zzz, {"token":"q"}',
      cookie: 'a=b',
    }).value;
    assert.deepEqual(redactor.json(once).value, once);
    assert.deepEqual(createRedactor().json(once).value, once);
  });
});

test('the pass-through changes no value and reports nothing', () => {
  const inside = passThrough();
  const value = { DB_PASSWORD: 'x', argv: ['--token', 'y'], text: 'password=z', big: 1n, error: undefined };
  assert.deepEqual(inside.json(value), {
    value: { DB_PASSWORD: 'x', argv: ['--token', 'y'], text: 'password=z', big: '1' },
    redactions: [],
  });
  const cyclic: unknown[] = [];
  cyclic.push(cyclic);
  assert.deepEqual(inside.json(cyclic).value, ['<cycle>']);
  const body = Buffer.from('PASSWORD=x\0');
  for (const kind of ['environ', 'cmdline', 'text', 'content'] as const)
    assert.equal(inside.bytes(body, kind).value, body);
  assert.deepEqual(inside.text('password=z'), { value: 'password=z', redactions: [] });
  inside.learn({ PASSWORD: 'abcdefgh1' });
  assert.equal(inside.text('abcdefgh1').value, 'abcdefgh1');
});
