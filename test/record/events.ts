/** Events as a recorder may write them: of any text, any size. */
import fc from 'fast-check';
import type { Draft } from '../../src/record/encode.ts';
import { KINDS } from '../../src/record/format.ts';
import type { RecordedKind } from '../../src/contracts/recorded.ts';
import { defined } from '../../src/defined.ts';

/** Every sequence of UTF-16 units, lone surrogates too. */
export const anyText = (maxLength: number): fc.Arbitrary<string> =>
  fc.oneof(
    fc.string({ unit: 'binary', maxLength }),
    fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)), maxLength }),
    fc.string({ unit: fc.constantFrom('"', '\\', '\0', '\u2028', '\ud800', '\udc00', '😀', 'a'), maxLength }),
  );
const whole = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });

export const anyDraft: fc.Arbitrary<Draft> = fc
  .record({
    sequence: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    timeMs: whole,
    invocation: whole,
    pid: fc.integer({ min: 1, max: 4_194_304 }),
    kind: fc.constantFrom(...(Object.keys(KINDS) as RecordedKind[])),
    subject: anyText(700),
    argv: fc.option(fc.array(anyText(300), { maxLength: 40 }), { nil: undefined }),
    count: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    origin: fc.option(fc.array(anyText(100), { maxLength: 5 }), { nil: undefined }),
    lineage: fc.option(
      fc
        .record({
          child: fc.option(whole, { nil: undefined }),
          stdio: fc.option(fc.array(anyText(20), { maxLength: 5 }), { nil: undefined }),
        })
        .map((one) => defined(one)),
      { nil: undefined },
    ),
    detail: fc.option(
      fc.dictionary(fc.stringMatching(/^[a-z]{1,12}$/u), fc.oneof(anyText(200), fc.integer()), { maxKeys: 6 }),
      { nil: undefined },
    ),
  })
  .map((one) => defined(one));

/** An ordinary event. */
export function draft(over: Partial<Draft> = {}): Draft {
  const { sequence = 1 } = over;
  return {
    sequence,
    timeMs: 1_764_000_000_000 + (sequence % 1_000_000),
    invocation: 1,
    pid: 17,
    kind: 'connect',
    subject: '203.0.113.7:443',
    count: 1,
    ...over,
  };
}
