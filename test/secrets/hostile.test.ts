/** Text that an attacker wrote to make a regular expression, a search or a dictionary run away. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { isAmberError } from '../../src/errors.ts';
import { createRedactor } from '../../src/secrets/redactor.ts';
import { refusal } from '../../src/secrets/pattern.ts';
import { cpuMs } from './cpu-ms.ts';

const MIB = 1024 * 1024;

describe('a dictionary that an attacker fills', () => {
  test('values that share their beginning, and a text of near misses', () => {
    const redactor = createRedactor();
    const ms = cpuMs(() => {
      const block = Array.from(
        { length: 3000 },
        (_, index) => `T${index}_TOKEN=${'aaaa-'.repeat(1 + (index % 200))}${index}z!`,
      ).join('\0');
      redactor.bytes(Buffer.from(block), 'environ');
      const { value, redactions } = redactor.text('aaaa-'.repeat(MIB / 5));
      assert.ok(value.endsWith('<limit>'), 'the rest of such a text is not kept');
      assert.match(redactions.join(), /^text:limit:work \(\d{3,} characters\)$/u);
    });
    assert.ok(ms < 60_000, `${ms} ms: it hangs`);
    const other = 'ordinary evidence, untouched: /var/task/index.js';
    assert.equal(redactor.text(other).value, other);
  });

  test('more values than the bounds: the first ones stay known, the rest is hidden in place, and said', () => {
    const redactor = createRedactor();
    const own = 'k3Jx9-the-functions-own';
    redactor.learn({ DB_PASSWORD: own });
    const before = process.memoryUsage().rss;
    const values = Array.from({ length: 9000 }, () => randomBytes(120).toString('base64'));
    const block = values.map((value, index) => `P${index}_PASSWORD=${value}`).join('\0');
    const { value, redactions } = redactor.bytes(Buffer.from(block), 'environ');
    const shown = Buffer.from(value).toString();
    assert.ok(values.every((secret) => !shown.includes(secret)));
    assert.match(redactions.at(-1) ?? '', /^and \d+ more$/u);
    assert.ok(redactions.some((name) => name.includes(':limit:known-values (')) || redactions.length === 501);
    assert.match(
      redactor.text(`x ${own} y ${values[0] ?? ''}`).value,
      /^x <redacted:[0-9a-f]{16}> y <redacted:[0-9a-f]{16}>$/u,
    );
    // one call learns no more than a hundred
    for (const secret of values.slice(0, -1)) redactor.text(`PASSWORD=${secret}`);
    const last = values.at(-1) ?? '';
    assert.deepEqual(redactor.json({ password: last }).redactions, [
      'password',
      'password:limit:known-values (1 values)',
    ]);
    assert.ok(process.memoryUsage().rss - before < 200 * MIB);
  });

  test('secrets that contain, overlap and extend each other', () => {
    const redactor = createRedactor();
    redactor.learn({ A_TOKEN: 'abcdef12', B_TOKEN: 'abcdef1234567', C_TOKEN: '4567890xyz', D_TOKEN: 'bcdef123' });
    assert.match(
      redactor.text('<abcdef12> <abcdef1234567> <abcdef1234567890xyz>').value,
      /^(?:<<redacted:[0-9a-f]{16}>> ?){2}<<redacted:[0-9a-f]{16}>(?:890xyz)?>$/u,
    );
    assert.match(redactor.text('xbcdef123x').value, /^x<redacted:[0-9a-f]{16}>x$/u);
  });

  test('a long secret is found in pieces, also where it was cut', () => {
    const redactor = createRedactor();
    const long = randomBytes(6000).toString('base64');
    redactor.learn({ BIG_SECRET: long });
    const mark = redactor.text(long).value;
    assert.match(mark, /^<redacted:[0-9a-f]{16}>$/u);
    const cut = redactor.text(`log: ${long.slice(0, 5000)}`).value;
    assert.ok(cut.length < 1100, `${cut.length} characters are left`);
    assert.ok(
      !redactor
        .text(Buffer.from(`x${long}`).toString('base64'))
        .value.includes(Buffer.from(`x${long}`).toString('base64').slice(10, 60)),
    );
  });
});

describe('the pattern of AMBER_REDACT', () => {
  test('hides what it matches, everywhere', () => {
    const redactor = createRedactor({ extra: /internal-[0-9]+/iu });
    assert.match(
      redactor.text('a internal-1 INTERNAL-22 b').value,
      /^a <redacted:[0-9a-f]{16}> <redacted:[0-9a-f]{16}> b$/u,
    );
    const { value, redactions } = redactor.json({ 'x-internal-7': ['internal-123456789'] });
    assert.ok(!JSON.stringify(value).includes('internal-'));
    assert.deepEqual(redactions.length, 2);
    assert.ok(!Buffer.from(redactor.bytes(Buffer.from('A=internal-5\0'), 'environ').value).includes('internal'));
    for (const number of [123456789, 987654321]) {
      const encoded = redactor.text(Buffer.from(`see internal-${number}`).toString('base64')).value;
      assert.match(
        Buffer.from(encoded, 'base64').toString(),
        /^see <redacted:[0-9a-f]{16}>$/u,
        'inside an encoded text as well',
      );
    }
  });

  test('hides a match as a whole, although a shorter one is known already', () => {
    const extra = /internal-[0-9]+/u;
    for (const long of ['internal-123456789', 'internal-1000']) {
      const redactor = createRedactor({ extra });
      redactor.text('internal-1');
      const places = {
        text: redactor.text(`a ${long} b`).value,
        query: redactor.text(`https://h/x?a=${long}&b=1`).value.replace('https://h/x?a=', 'a ').replace('&b=1', ' b'),
        json: (redactor.json([`a ${long} b`]).value as string[])[0] ?? '',
        variable: Buffer.from(redactor.bytes(Buffer.from(`X=a ${long} b`), 'environ').value)
          .toString()
          .slice(2),
        argument: Buffer.from(redactor.bytes(Buffer.from(`a ${long} b`), 'cmdline').value).toString(),
        base64: Buffer.from(redactor.text(Buffer.from(`a ${long} b`).toString('base64')).value, 'base64').toString(),
        escaped: decodeURIComponent(redactor.text(encodeURIComponent(`"a ${long} b"`)).value).slice(1, -1),
      };
      for (const [place, shown] of Object.entries(places)) assert.match(shown, /^a <redacted:[0-9a-f]{16}> b$/u, place);
    }
  });

  test('leaves marks alone, and hides what stands around them', () => {
    const redactor = createRedactor({ extra: /[0-9a-f]{16}|x.{1,60}y/u });
    const mark = redactor.text('DB_PASSWORD=hunter2!').value.slice(12);
    assert.equal(redactor.text(`see ${mark}`).value, `see ${mark}`);
    assert.match(redactor.text(`x1 ${mark} 2y`).value, /^(?:<redacted:[0-9a-f]{16}>){3}$/u);
  });

  test('matches at the borders of its windows', () => {
    for (let offset = 300; offset < 900; offset += 7) {
      const text = `${'.'.repeat(offset)}internal-${'1234567890'.repeat(60)}${'.'.repeat(2000)}internal-1`;
      const shown = createRedactor({ extra: /internal-[0-9]+/u }).text(text).value;
      assert.equal(shown.replaceAll(/<redacted:[0-9a-f]{16}>/gu, '*'), `${'.'.repeat(offset)}*${'.'.repeat(2000)}*`);
    }
  });

  test('a pattern that may run for ever is refused, with what to do', () => {
    for (const source of [
      '(a+)+$',
      '(a|b)*c',
      '([a-z]+x)*',
      '(?:a{1,}){2,}',
      'a*',
      '',
      '(a)\\1',
      'a+b+c+d',
      '((a{1,30}){1,30}){1,30}',
      '[a-z]{1,90}[a-z]+[a-z]+!',
      'x'.repeat(1001),
      '(?<n>a)\\k<n>',
    ]) {
      assert.ok(refusal(new RegExp(source, 'u')) !== undefined, source);
      assert.throws(
        () => createRedactor({ extra: new RegExp(source, 'u') }),
        (error) => isAmberError(error) && error.code === 'CONFIG_INVALID',
      );
    }
    for (const source of [
      'internal-[0-9]+',
      '[A-Z]{3}-[0-9]{4,12}',
      '(?:dev|prod)-secret-\\w+',
      '(?<=id=)[0-9a-f]{32}',
      'cust_[a-z0-9]{8}(?:-[a-z0-9]{4})?',
      '[)(*+]{3}x',
      'a\\+b',
    ])
      assert.equal(refusal(new RegExp(source, 'u')), undefined, source);
  });

  test('a slow pattern costs one text its rest, not the capture its time', () => {
    const redactor = createRedactor({ extra: /[a-z]+[a-z]+!/u });
    const ms = cpuMs(() => {
      const { value, redactions } = redactor.text('a'.repeat(MIB));
      assert.match(redactions.join(), /^text:limit:pattern \(\d{3,} characters\)$/u);
      assert.ok(value.endsWith('<limit>'));
    });
    assert.ok(ms < 60_000, `${ms} ms: it hangs`);
  });
});
