/** Redaction takes time in proportion to the length of the text, whatever the text is. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createRedactor } from '../../src/secrets/redactor.ts';
import { PLACES } from '../../src/secrets/places.ts';
import { SHAPES } from '../../src/secrets/shape-table.ts';
import { cpuMs } from './cpu-ms.ts';

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
