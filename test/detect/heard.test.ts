/** What is remembered of recorded events, and when it is not to be trusted. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RecordedEvent } from '../../src/contracts/recorded.ts';
import { openHeard } from '../../src/detect/heard.ts';
import { unheard } from '../../src/detect/unheard.ts';
import { eventOf, processOf, RUNTIME, socketOf, within } from './scene.ts';

const news = (...events: Partial<RecordedEvent>[]): { events: RecordedEvent[]; left: number } => ({
  events: events.map(eventOf),
  left: 0,
});
const CONNECT = { kind: 'connect', subject: '203.0.113.7:443' } as const;
const WORKER = { kind: 'worker', subject: 'thread' } as const;

describe('what the black box has told of', () => {
  test('addresses and threads are remembered from one look to the next', () => {
    const book = openHeard();
    book.add(news(CONNECT));
    const heard = book.add(news(WORKER));
    assert.deepEqual([...(heard?.addresses ?? [])], ['203.0.113.7:443']);
    assert.deepEqual(
      heard?.workers.map(({ subject }) => subject),
      ['thread'],
    );
  });

  for (const [name, events, left] of [
    ['events found no room', [CONNECT], 1],
    ['connections were left out', [{ kind: 'limit', subject: 'connect' }], 0],
    ['the hook is not armed', [{ kind: 'away', subject: 'bindings' }], 0],
    ['the hook was taken away', [{ kind: 'hook', subject: 'tcp_wrap.TCP.prototype.connect' }], 0],
  ] as const) {
    test(`nothing is concluded from then on where ${name}`, () => {
      const book = openHeard();
      assert.ok(book.add(news(CONNECT)) !== undefined);
      assert.equal(book.add({ ...news(...events), left }), undefined);
      assert.equal(book.add(news(CONNECT)), undefined);
    });
  }

  test('a flood of addresses ends the list, and then nothing is concluded', () => {
    const book = openHeard();
    const flood = Array.from({ length: 2000 }, (_, at) => ({ kind: 'connect', subject: `10.0.0.1:${at}` }) as const);
    assert.equal(book.add(news(...flood)), undefined);
  });

  test('a runtime that is made of JavaScript asks before its first invocation', () => {
    const request = {
      kind: 'request',
      subject: 'GET http://127.0.0.1:9001/2018-06-01/runtime/invocation/next',
    } as const;
    assert.equal(openHeard().add(news({ ...request, invocation: 0 }))?.asksRuntimeApi, true);
    assert.equal(openHeard().add(news({ ...request, invocation: 3 }))?.asksRuntimeApi, false);
  });
});

describe('connections of which the black box knows nothing', () => {
  const heard = { addresses: new Set(['203.0.113.7:443', '[2001:db8::1]:443']), workers: [eventOf(WORKER)] };
  const seen = (facts: Parameters<typeof socketOf>[0], workers = heard.workers): number =>
    unheard(
      within({
        processes: [RUNTIME, processOf({ sockets: ['900'] })],
        sockets: [socketOf({ remoteAddress: '198.51.100.20', pids: [9], ...facts })],
        heard: { ...heard, workers, asksRuntimeApi: false },
      }),
    ).length;

  test('are those that no event names, where a thread was started', () => {
    assert.equal(seen({}), 1);
    assert.equal(seen({}, []), 0, 'without a thread it was there before the recorder');
  });

  for (const [name, facts] of [
    ['one that is named', { remoteAddress: '203.0.113.7' }],
    ['one that is named, as IPv6 has it', { remoteAddress: '::ffff:203.0.113.7' }],
    ['one of IPv6 that is named', { remoteAddress: '2001:db8::1' }],
    ['a question to a resolver', { remotePort: 53 }],
    ['one that a child holds as well', { inode: '900' }],
    ['one of somebody else', { pids: [40] }],
    ['one that is closing', { state: 'TIME_WAIT' }],
  ] as const) {
    test(`are not ${name}`, () => assert.equal(seen(facts), 0));
  }

  test('are not told where nothing records', () => {
    assert.deepEqual(unheard(within({ sockets: [socketOf({ pids: [9] })] })), []);
  });
});
