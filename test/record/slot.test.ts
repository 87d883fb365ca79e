/** A slot: whatever is to be recorded fits, and comes back as it was or as a beginning of it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { RecordedEvent } from '../../src/contracts/recorded.ts';
import { decodeSlot, isEvent } from '../../src/record/decode.ts';
import { encodeSlot, type Draft } from '../../src/record/encode.ts';
import { SLOT_BYTES } from '../../src/record/format.ts';
import { times } from '../effort.ts';
import { anyDraft, anyText, draft } from './events.ts';

function slotOf(event: Draft): Buffer {
  const page = Buffer.alloc(SLOT_BYTES, 0xff);
  encodeSlot(page, event);
  return page;
}

function read(event: Draft): RecordedEvent {
  const found = decodeSlot(slotOf(event));
  if (!isEvent(found)) assert.fail(JSON.stringify(found));
  return found;
}

describe('a slot', () => {
  test('takes every event: one line of ASCII, 512 bytes, a newline at its end and nowhere else', () => {
    fc.assert(
      fc.property(anyDraft, (event) => {
        const page = slotOf(event);
        assert.equal(page.length, SLOT_BYTES);
        assert.equal(page.indexOf('\n'), SLOT_BYTES - 1);
        assert.ok(page.every((byte, at) => (byte >= 0x20 && byte < 0x80) || at === SLOT_BYTES - 1));
      }),
      { numRuns: times(2000) },
    );
  });

  test('gives back numbers and kind, and of texts a beginning whose rest is counted', () => {
    fc.assert(
      fc.property(anyDraft, (event) => {
        const found = read(event);
        for (const key of ['sequence', 'timeMs', 'invocation', 'pid', 'kind', 'count'] as const)
          assert.equal(found[key], event[key]);
        assert.ok(event.subject.startsWith(found.subject));
        const texts = [event.subject, ...(event.argv ?? [])];
        const kept = [found.subject, ...(found.argv ?? [])].join('').length;
        assert.equal(texts.join('').length - kept, found.cut ?? 0);
        assert.equal(found.argv === undefined, event.argv === undefined);
        found.argv?.forEach((arg, at) => assert.ok(event.argv?.slice(at).some((one) => one.startsWith(arg))));
        assert.equal(found.lineage?.child, event.lineage?.child);
      }),
      { numRuns: times(2000) },
    );
  });

  test('keeps a short event whole, of any text', () => {
    const short = fc.record({ subject: anyText(12), argv: fc.array(anyText(4), { maxLength: 4 }) });
    fc.assert(
      fc.property(short, ({ subject, argv }) => {
        const event = draft({
          subject,
          argv,
          origin: ['/var/task/index.js', 'eval'],
          detail: { length: 80, why: 'ü' },
        });
        assert.deepEqual(read(event), event);
      }),
      { numRuns: times(2000) },
    );
  });

  test('parts no character', () => {
    const { subject, cut } = read(draft({ subject: '😀'.repeat(300) }));
    assert.match(subject, /^(?:😀)+$/u);
    assert.equal(subject.length + (cut ?? 0), 600);
  });

  test('has room for what matters beside the longest origin and detail', () => {
    const long = 'x'.repeat(2000);
    const { subject, argv } = read(
      draft({
        ...{ sequence: Number.MAX_SAFE_INTEGER, count: Number.MAX_SAFE_INTEGER, invocation: Number.MAX_SAFE_INTEGER },
        ...{ kind: 'inspector', subject: long, argv: [long, long], origin: [long, long, long] },
        ...{ detail: { one: long, two: long }, lineage: { child: 4_194_304, stdio: [long, long] } },
      }),
    );
    assert.ok(subject.length > 20, `${subject.length} of the subject`);
    assert.ok((argv?.[0] ?? '').length > 8, `${argv?.[0]?.length} of the arguments`);
  });
});

describe('a slot of somebody else', () => {
  test('is an event or a fault, and nothing is thrown', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: SLOT_BYTES }),
      fc.json().map((json) => Buffer.from(`${json.slice(0, SLOT_BYTES - 1).padEnd(SLOT_BYTES - 1)}\n`)),
    );
    fc.assert(
      fc.property(bytes, (slot) => {
        const found = decodeSlot(slot);
        assert.ok(found === undefined || isEvent(found) || found.reason.length > 0);
      }),
      { numRuns: times(1000) },
    );
  });

  test('is a fault where one field is missing or of another type', () => {
    const good = JSON.parse(slotOf(draft({ argv: ['a'], origin: ['b'] })).toString()) as Record<string, unknown>;
    const as = (fields: object): unknown =>
      decodeSlot(Buffer.from(`${JSON.stringify(fields).padEnd(SLOT_BYTES - 1)}\n`));
    assert.ok(isEvent(as(good) as RecordedEvent));
    for (const key of ['n', 't', 'i', 'p', 'k', 'c', 's']) {
      assert.deepEqual((as({ ...good, [key]: undefined }) as { what: string }).what, 'unreadable', key);
      assert.deepEqual((as({ ...good, [key]: [] }) as { what: string }).what, 'unreadable', key);
    }
    for (const wrong of [{ k: 'toString' }, { a: [1] }, { o: 'x' }, { l: { child: 'x' } }, { d: { x: {} } }, { n: 0 }])
      assert.equal((as({ ...good, ...wrong }) as { what: string }).what, 'unreadable', JSON.stringify(wrong));
    assert.equal((as({ ...good, v: 2 }) as { what: string }).what, 'schema');
  });
});
