/** Secrets planted at random, in every place and every encoding: none may come through. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createRedactor } from '../../src/secrets/redactor.ts';
import { isLearnable } from '../../src/secrets/values.ts';
import { times } from '../effort.ts';

const RUNS = { numRuns: times(120) };
const from = (alphabet: string): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...Array.from(alphabet)), minLength: 8, maxLength: 80 });
const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

const secret: fc.Arbitrary<string> = fc
  .oneof(
    from(LETTERS),
    from(`${LETTERS}+/=`),
    from(`${LETTERS}-_.~`),
    from('ab"\\\'%+/&=?# <>\n\t:;,'),
    from('äß€日😀x1%"\\ '),
    fc.string({ unit: 'grapheme', minLength: 8, maxLength: 40 }),
    from('0123456789abcdef'),
    fc.string({ unit: 'grapheme-ascii', minLength: 1000, maxLength: 1500 }),
  )
  .filter((text) => !text.includes('\0') && Buffer.byteLength(text) >= 8 && isLearnable(text));
const around = fc.constantFrom('', ' ', 'x', '"', "'", ', ', '\n', '0', 'key is ', '日');

/** Every way in which a program would write the secret into a text. */
const ENCODERS: Readonly<Record<string, (secret: string) => string>> = {
  'as it is': (text) => text,
  JSON: (text) => JSON.stringify({ a: text }),
  'JSON in JSON': (text) => JSON.stringify({ body: JSON.stringify({ a: text }) }),
  'JSON, ASCII only': (text) =>
    JSON.stringify(text).replaceAll(
      /[\u0080-\uffff]/g,
      (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
    ),
  'JSON, slashes escaped': (text) => JSON.stringify(text).replaceAll('/', '\\/'),
  'URL component': (text) => `?a=${encodeURIComponent(text)}&b=1`,
  'URL component, lower case': (text) =>
    encodeURIComponent(text).replaceAll(/%[0-9A-F]{2}/gu, (escape) => escape.toLowerCase()),
  'every byte in percent': (text) =>
    [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''),
  form: (text) => new URLSearchParams({ a: text, b: 'c d' }).toString(),
  'JSON in a URL': (text) => encodeURIComponent(JSON.stringify({ a: text })),
  'twice in percent': (text) => encodeURIComponent(encodeURIComponent(text)),
  hex: (text) => Buffer.from(text).toString('hex'),
  'hex, upper case': (text) => Buffer.from(text).toString('hex').toUpperCase(),
  base64: (text) => Buffer.from(text).toString('base64'),
  'base64, 1 before': (text) => Buffer.from(`:${text}`).toString('base64'),
  'base64, 2 before': (text) => Buffer.from(`u:${text}:p`).toString('base64'),
  base64url: (text) => Buffer.from(`uu:${text}`).toString('base64url'),
  'base64 of user and secret': (text) => `Basic ${Buffer.from(`user:${text}`).toString('base64')}`,
  'base64 of JSON': (text) =>
    Buffer.from(JSON.stringify({ user: 'bob', password: text, more: ['x', 1] })).toString('base64'),
  'base64 of a query': (text) => Buffer.from(`a=1&b=${encodeURIComponent(text)}`).toString('base64'),
  'base64 in a URL': (text) => encodeURIComponent(Buffer.from(`v=${text}`).toString('base64')),
};

/** What a reader could do with the text; the secret must be in none of it. Independent of how Amber searches. */
function* readings(text: string): Generator<string> {
  yield text;
  const percent = text.replaceAll(/%([0-9A-Fa-f]{2})/gu, (_all, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  for (const plain of [text, percent]) {
    yield Buffer.from(plain, 'latin1').toString('utf8');
    yield plain.replaceAll('+', ' ');
    yield Buffer.from(plain.replaceAll('+', ' '), 'latin1').toString('utf8');
    for (const [run] of plain.matchAll(/[A-Za-z0-9+/_-]{10,}/gu)) {
      for (let skip = 0; skip < 4; skip++) yield Buffer.from(run.slice(skip), 'base64').toString('utf8');
    }
    for (const [run] of plain.matchAll(/[0-9a-fA-F]{16,}/gu)) {
      for (let skip = 0; skip < 2; skip++)
        yield Buffer.from(run.slice(skip, run.length - ((run.length - skip) % 2)), 'hex').toString('utf8');
    }
  }
}

function unescaped(text: string): string {
  return text.replaceAll(/\\(?:u([0-9a-f]{4})|(.))/gsu, (_all, hex?: string, letter?: string) =>
    hex === undefined
      ? ({ n: '\n', t: '\t', r: '\r', b: '\b', f: '\f' }[letter ?? ''] ?? letter ?? '')
      : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

function assertGone(text: string, secret: string): void {
  for (const reading of readings(text)) {
    for (const shown of [reading, unescaped(reading), unescaped(unescaped(reading))]) {
      assert.ok(!shown.includes(secret), `${JSON.stringify(secret)} is still in ${JSON.stringify(text)}`);
    }
  }
}

describe('a secret that was learned', () => {
  for (const [name, encode] of Object.entries(ENCODERS)) {
    test(`is gone from a text: ${name}`, () => {
      fc.assert(
        fc.property(secret, around, around, (value, before, after) => {
          const redactor = createRedactor();
          redactor.learn({ DB_PASSWORD: value });
          const text = `${before}${encode(value)}${after}`;
          const shown = redactor.text(text);
          assertGone(shown.value, value);
          assert.ok(shown.redactions.length > 0);
          assert.equal(redactor.text(shown.value).value, shown.value, 'not idempotent');
          const bytes = redactor.bytes(Buffer.from(text), 'text').value;
          assertGone(Buffer.from(bytes).toString('utf8'), value);
        }),
        RUNS,
      );
    });
  }

  test('is gone from environ, argv, keys, deep values and bodies', () => {
    fc.assert(
      fc.property(secret, fc.constantFrom(...Object.values(ENCODERS)), (value, encode) => {
        const redactor = createRedactor();
        redactor.learn({ DB_PASSWORD: value });
        const text = encode(value);
        const json = redactor.json({
          [`k${text}`]: { deep: [{ x: new Map([['y', text]]) }] },
          argv: ['node', `--x=${text}`, text],
          error: new TypeError(text),
          set: new Set([text]),
          body: Buffer.from(text),
        });
        const copy = json.value as { body: { base64: string } };
        assertGone(Buffer.from(copy.body.base64, 'base64').toString('utf8'), value);
        for (const string of strings({ ...copy, body: undefined })) assertGone(string, value);
        assertGone(
          Buffer.from(redactor.bytes(Buffer.from(`A=1\0OTHER=${text}\0${text}=1\0B=2\0`), 'environ').value).toString(),
          value,
        );
        assertGone(
          Buffer.from(redactor.bytes(Buffer.from(`node\0${text}\0--flag\0`), 'cmdline').value).toString(),
          value,
        );
      }),
      RUNS,
    );
  });
});

function* strings(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value;
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    yield key;
    yield* strings(inner);
  }
}

describe('a secret that nobody announced', () => {
  const plain = secret.filter((text) => /^[\w+/=.~-]+$/u.test(text) && !text.startsWith('--'));

  test('is hidden by its name, and from then on everywhere', () => {
    const name = fc.constantFrom(
      'DB_PASSWORD',
      'dbPassword',
      'api-key',
      'X-Api-Key',
      'clientSecret',
      'SESSION_TOKEN',
      'aws_secret_access_key',
      'x-amz-security-token',
      'private_key',
      'passphrase',
    );
    fc.assert(
      fc.property(plain, name, (value, key) => {
        for (const first of [
          { [key]: value },
          { headers: { [key]: [value] } },
          { text: `a ${key}=${value}\n` },
          { text: JSON.stringify({ [key]: value }) },
          { argv: ['x', `--${key}`, value] },
          { argv: ['x', `--${key}=${value}`] },
          [{ name: key, value }],
        ]) {
          const redactor = createRedactor();
          const early = redactor.json({ before: `seen ${value} before`, first });
          assertGone(JSON.stringify(early.value), value);
          for (const encode of Object.values(ENCODERS)) assertGone(redactor.text(encode(value)).value, value);
        }
      }),
      { numRuns: times(60) },
    );
  });

  test('is hidden in a URL', () => {
    fc.assert(
      fc.property(
        secret.filter((text) => text.isWellFormed()),
        (value) => {
          const redactor = createRedactor();
          const shown = redactor.bytes(
            Buffer.from(`DATABASE_URL=postgres://bob:${encodeURIComponent(value)}@db.internal:5432/app\0`),
            'environ',
          ).value;
          assertGone(Buffer.from(shown).toString(), value);
          assert.match(
            Buffer.from(shown).toString(),
            /^DATABASE_URL=postgres:\/\/bob:<redacted:[0-9a-f]{16}>@db\.internal:5432\/app\0$/u,
          );
          assertGone(redactor.text(`password ${value}!`).value, value);
        },
      ),
      RUNS,
    );
  });
});

test('two values get one mark exactly if they are equal, in whatever form they were met', () => {
  fc.assert(
    fc.property(secret, secret, (one, two) => {
      const redactor = createRedactor();
      const mark = (value: string): unknown =>
        (redactor.json({ password: value }).value as { password: unknown }).password;
      const first = mark(one);
      assert.equal(mark(two) === first, one === two);
      const environ = Buffer.from(redactor.bytes(Buffer.from(`PASSWORD=${one}\0`), 'environ').value).toString();
      assert.equal(environ, `PASSWORD=${String(first)}\0`);
      const other = createRedactor();
      assert.notEqual((other.json({ password: one }).value as { password: unknown }).password, first);
    }),
    RUNS,
  );
});

test('what holds no secret comes back as it was, byte for byte', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (noise) => {
      const redactor = createRedactor();
      redactor.learn({ PASSWORD: 'k3Jx9-correct-horse' });
      const body = Buffer.from(noise);
      assert.equal(redactor.bytes(body, 'content').value, body);
      for (const kind of ['text', 'environ', 'cmdline'] as const) {
        const { value, redactions } = redactor.bytes(body, kind);
        if (redactions.length === 0) assert.ok(Buffer.from(value).equals(body));
      }
    }),
    RUNS,
  );
});
