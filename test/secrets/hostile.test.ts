/** Text that an attacker wrote to make a regular expression, a search or a dictionary run away. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { isAmberError } from '../../src/errors.ts';
import { createRedactor } from '../../src/secrets/redactor.ts';
import { refusal } from '../../src/secrets/pattern.ts';
import { PLACES } from '../../src/secrets/places.ts';
import { SHAPES } from '../../src/secrets/shape-table.ts';

const MIB = 1024 * 1024;

/** User and system together: the kernel only estimates how they are shared. */
function cpuMs(run: () => unknown): number {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/**
 * Repeated to a whole text. One line at least for every pattern in src/secrets; the leads of the shapes are added
 * below.
 */
const PIECES = [
  // shapes
  'eyJ',
  'eyJabcdefgh.',
  'eyJabcdefgh.eyJabcdefgh',
  'a_eyJ',
  '%3DeyJabcdefghi',
  '-----BEGIN PRIVATE KEY-----',
  '-----BEGIN ',
  '-----BEGIN RSA ',
  '-----',
  'LS0tLS1CRUdJTi',
  'IQoJb3JpZ2lu',
  'ghp_',
  'github_pat_',
  'npm_',
  'sk-',
  'x-sk-',
  'SG.',
  'SG.abcdefghijklmnopq.',
  'AIza',
  '123456789:AA',
  '1',
  'xoxb-',
  'hooks.slack.com/services/',
  '/api/webhooks/1234567890123456',
  'key-',
  'AGE-SECRET-KEY-1',
  'pypi-AgE',
  'AKIAABCDEFGHIJKLMNOP',
  'AKIAABCDEFGHIJKLMNOP.........',
  'dapi0',
  'gl',
  'hf_',
  '://',
  '://a:',
  '://a:b',
  'a://a:b@',
  '@',
  'bearer ',
  'Bearer aaaaaaaa',
  'basic ',
  'basic YTpi',
  // assignments and headers
  'password',
  'password=',
  'password="',
  'key=',
  'x_key=',
  'auth=',
  'token_id=',
  'token: ',
  'key="\\',
  'key=\'key="',
  'secret\\"',
  'pass pass',
  'pwd.',
  'cookie:',
  'authorization: ',
  'session=["',
  'tokens=["a",',
  'pin:=[ \t',
  '<password>',
  '<a',
  '<password',
  'token[',
  '=',
  'key=%41',
  'cookie=a;',
  'authorization=AWS4-HMAC-SHA256 ',
  'token_file=/a/',
  'token=arn:aws:',
  'secret=2020-',
  'password=<redacted:',
  '<redacted:0123456789abcdef>',
  'arn:aws:secret:',
  'secret=1,',
  'secret={',
  'secret={a}',
  'secret={b:"',
  'secret: |\n ',
  'secret: |\\n ',
  'secret>:',
  'key.pwd:\n- a',
  'basic+',
  'LS0tLS1CRUdJTi=',
  '"data":[1',
  '<Buffer 61',
  '"Key":"token","Value":',
  '<key>secret</key>',
  // escapes, argv, environ
  '"',
  '\\',
  '%41',
  '%',
  '+',
  'a',
  ' ',
  '-',
  '--token ',
  '-u ',
  "curl -u '",
  'curl "\\"',
  ';',
  'A=',
  'é',
  'deadbeef',
  '\0',
  'A=b\0',
  '--password\0',
  '$(',
  '`',
  "'",
];

const LEADS = [...new Set([...SHAPES, ...PLACES].flatMap(({ leads }) => leads))];
/** What may follow a lead or a name, and go on. */
const RUNS = ['A', 'a0', '-', '.', ' ', '=', '\\', '"', '\n'];
/** Between a name and its value, two by two. */
const SIGNS = ['=', ':', '"', "'", ' ', '\n', '\\', '\\"', '{', '[', '<', '>', '|', ',', '&', '%', '-', '.', 'aB3dE5'];
const NAMES = SIGNS.flatMap((one) =>
  SIGNS.map((other, at) => `${['secret', 'authorization', 'cookie', 'key'][at % 4] ?? ''}${one}${other}`),
);
/** Each piece with some of the others, far from it in the list. */
const PAIRS = PIECES.flatMap((piece, at) =>
  [17, 53, 89].map((step) => piece + (PIECES[(at + step) % PIECES.length] ?? '')),
);

const WHOLE = 32_768;
const TIMES = 16;
/** A quadratic text of this length takes half a second. */
const QUICK_MS = 50;
/** {@link TIMES} when linear, its square when quadratic: a bound in the middle, so that no busy machine reaches it. */
const MAX_RATIO = TIMES * 4;

type Kind = 'text' | 'environ' | 'cmdline';

function redact(piece: string, length: number, kind: Kind): number {
  const body = Buffer.from(piece.repeat(Math.ceil(length / piece.length)).slice(0, length), 'latin1');
  const redactor = createRedactor();
  redactor.learn({ X_TOKEN: `a b"/${piece.repeat(60).slice(0, 300)}!`, Y_SECRET: 'kJ8sd7f6g/H5jk4L3mN2b1V0c' });
  return cpuMs(() => redactor.bytes(body, kind));
}

function least(runs: number, measure: () => number): number {
  return Math.min(...Array.from({ length: runs }, measure));
}

/** How much longer the whole text takes than a sixteenth of it; undefined where the whole takes next to nothing. */
function growth(piece: string, kind: Kind): number | undefined {
  const first = redact(piece, WHOLE, kind);
  if (first < QUICK_MS) return undefined;
  const part = least(5, () => redact(piece, WHOLE / TIMES, kind));
  return (
    Math.min(
      first,
      least(2, () => redact(piece, WHOLE, kind)),
    ) / part
  );
}

describe('the time grows with the length of the text alone', () => {
  const texts: readonly (readonly [string, Kind, readonly string[]])[] = [
    ['text', 'text', PIECES],
    ['environ', 'environ', PIECES],
    ['cmdline', 'cmdline', PIECES],
    ['pieces by two', 'text', PAIRS],
    ['names', 'text', NAMES],
    ['leads of shapes', 'text', LEADS],
    [
      'leads of shapes with a run',
      'text',
      LEADS.flatMap((lead, at) => lead + (RUNS[at % RUNS.length] ?? '').repeat(40)),
    ],
  ];
  for (const [name, kind, pieces] of texts) {
    test(name, () => {
      for (const piece of pieces) {
        const times = growth(piece, kind);
        assert.ok(
          times === undefined || times < MAX_RATIO,
          `${JSON.stringify(piece)}: ${times?.toFixed(0)} times as long for ${TIMES} times the text`,
        );
      }
    });
  }
});

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
      assert.deepEqual(redactions, ['text:limit:work']);
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
    assert.ok(redactions.some((name) => name.endsWith(':limit:known-values')) || redactions.length === 501);
    assert.match(
      redactor.text(`x ${own} y ${values[0] ?? ''}`).value,
      /^x <redacted:[0-9a-f]{16}> y <redacted:[0-9a-f]{16}>$/u,
    );
    // one call learns no more than a hundred
    for (const secret of values.slice(0, -1)) redactor.text(`PASSWORD=${secret}`);
    const last = values.at(-1) ?? '';
    assert.deepEqual(redactor.json({ password: last }).redactions, ['password', 'password:limit:known-values']);
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
      assert.deepEqual(redactions, ['text:limit:pattern']);
      assert.ok(value.endsWith('<limit>'));
    });
    assert.ok(ms < 60_000, `${ms} ms: it hangs`);
  });
});
