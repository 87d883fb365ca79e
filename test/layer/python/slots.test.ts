/** The slots that Python writes are those that the reader expects: of every code point, every byte, every length. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { RecordedEvent } from '../../../src/contracts/recorded.ts';
import { decodeSlot, isEvent } from '../../../src/record/decode.ts';
import { KINDS, SLOT_BYTES } from '../../../src/record/format.ts';
import { times } from '../../effort.ts';
import { anyText } from '../../record/events.ts';
import { STARTS_BOTH } from '../../sandbox/clients.ts';
import { absent, pythonOf, VERSIONS } from './pythons.ts';
import { RECORDER } from './recorded.ts';

interface Asked {
  readonly subject: string;
  readonly argv?: readonly string[];
  /** Arguments in hexadecimal. */
  readonly bytes?: readonly string[];
  readonly origin?: readonly string[];
  readonly stdio?: readonly string[];
  readonly detail?: Readonly<Record<string, string | number>>;
}

function written(program: string, asked: readonly (Asked | 'code points')[]): readonly RecordedEvent[] {
  const { stdout, stderr, status } = spawnSync(program, ['-B', join(import.meta.dirname, 'slots.py'), RECORDER], {
    input: asked.map((one) => `${JSON.stringify(one)}\n`).join(''),
    maxBuffer: 1 << 27,
    env: { AMBER_RECORD: 'off', AMBER_HANDLER: 'json.dumps' },
  });
  assert.equal(status, 0, stderr.toString());
  return Array.from({ length: stdout.length / SLOT_BYTES }, (_, at) => {
    const found = decodeSlot(stdout.subarray(at * SLOT_BYTES, (at + 1) * SLOT_BYTES));
    if (!isEvent(found)) assert.fail(`${JSON.stringify(found)} in slot ${at}`);
    return found;
  });
}

/** What stands there is the beginning of what was given, and `cut` counts all that is not. */
function isBeginning(found: RecordedEvent, { subject, argv }: Asked): void {
  assert.ok(subject.startsWith(found.subject));
  const kept = found.argv ?? [];
  let at = 0;
  for (const one of kept) {
    while (at < (argv?.length ?? 0) && !(argv?.[at] ?? '').startsWith(one)) at += 1;
    assert.ok(at < (argv?.length ?? 0), JSON.stringify([one, argv]));
    at += 1;
  }
  const units = (texts: readonly string[]): number => texts.reduce((sum, { length }) => sum + length, 0);
  assert.equal(found.cut ?? 0, units([subject, ...(argv ?? [])]) - units([found.subject, ...kept]));
}

const anyAsked: fc.Arbitrary<Asked> = fc.record(
  {
    subject: anyText(700),
    argv: fc.array(anyText(300), { maxLength: 40 }),
    origin: fc.array(anyText(100), { maxLength: 5 }),
    stdio: fc.array(anyText(20), { maxLength: 4 }),
    detail: fc.dictionary(fc.stringMatching(/^[a-z]{1,12}$/u), fc.oneof(anyText(200), fc.integer()), { maxKeys: 6 }),
  },
  { requiredKeys: ['subject'] },
);

for (const version of VERSIONS) {
  describe(`slots of Python ${version}`, { skip: STARTS_BOTH }, () => {
    test('hold every code point as it was', (t) => {
      const program = pythonOf(version);
      if (program === undefined) return void absent(t, version);
      const found = written(program, ['code points']);
      assert.equal(found.length, 0x110000 / 32);
      for (const [at, { subject, cut }] of found.entries()) {
        const points = Array.from({ length: 32 }, (_, index) => at * 32 + index);
        assert.equal(subject, String.fromCodePoint(...points), `from ${at * 32}`);
        assert.equal(cut, undefined);
      }
    });

    test('hold every byte of an argument, and the length of what they have no room for', (t) => {
      const program = pythonOf(version);
      if (program === undefined) return void absent(t, version);
      const bytes = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
      const long = { subject: '/bin/sh', argv: ['sh', '-c', 'é'.repeat(1_000_000), '😀'.repeat(1000), 'end'] };
      const found = written(program, [...bytes.map((one) => ({ subject: one, bytes: [one] })), long]);
      for (const [byte, { argv }] of found.slice(0, 256).entries())
        assert.equal(argv?.[0]?.charCodeAt(0), byte < 0x80 ? byte : 0xdc00 + byte);
      const last = found.at(-1);
      assert.ok(last !== undefined);
      isBeginning(last, long);
      assert.ok((last.cut ?? 0) > 1_001_000);
    });

    test('hold the beginning of whatever they are given', (t) => {
      const program = pythonOf(version);
      if (program === undefined) return void absent(t, version);
      const asked = fc.sample(anyAsked, times(500));
      for (const [at, found] of written(program, asked).entries()) isBeginning(found, asked[at] ?? { subject: '' });
    });

    test('are admitted by the allowances of the format', (t) => {
      const program = pythonOf(version);
      if (program === undefined) return void absent(t, version);
      const print = `import sys, json; sys.path.insert(0, ${JSON.stringify(resolve(RECORDER))}); from lambda_amber import ring; print(json.dumps(ring.KINDS))`;
      const { stdout, stderr } = spawnSync(program, ['-B', '-c', print], {
        encoding: 'utf8',
        env: { AMBER_RECORD: 'off', AMBER_HANDLER: 'json.dumps' },
      });
      const kinds = JSON.parse(stdout === '' ? stderr : stdout) as Record<string, [number, number]>;
      for (const [kind, [burst, tenths]] of Object.entries(kinds))
        assert.deepEqual({ burst, perSecond: tenths / 10 }, KINDS[kind as keyof typeof KINDS], kind);
    });
  });
}
