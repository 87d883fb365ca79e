import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Fault, Reply } from '../../src/ship/faults.ts';
import { retry, rulesFor } from '../../src/ship/retry.ts';
import type { Retried } from '../../src/ship/retry.ts';

const quick = { attemptMs: 1000, baseMs: 1, capMs: 4 };
const never = new AbortController().signal;
const fail = (fault: Fault): Reply<string> => ({ ok: false, fault });

/** Answers in turn. */
function answers(...replies: readonly Reply<string>[]): () => Promise<Reply<string>> {
  let next = 0;
  return () => Promise.resolve(replies[next++] ?? fail({ code: 'OutOfScript' }));
}

test('a success is given at once', async () => {
  assert.deepEqual(await retry(answers({ ok: true, value: 'a' }), quick, never), {
    reply: { ok: true, value: 'a' },
    attempts: 1,
    lost: false,
  });
});

test('a fault that will not pass is not tried again', async () => {
  for (const fault of [
    { status: 403, code: 'AccessDenied' },
    { status: 412, code: 'PreconditionFailed' },
    { code: 'CERT_HAS_EXPIRED' },
    { code: 'ENOTFOUND' },
    { code: 'TypeError' },
  ]) {
    const { attempts, lost } = await retry(answers(fail(fault)), quick, never);
    assert.deepEqual([attempts, lost], [1, false], fault.code);
  }
});

test('it goes on as long as there is time, and tells of each pause', async () => {
  const slow = fail({ status: 503, code: 'SlowDown' });
  const told: string[] = [];
  const outage = [...Array<Reply<string>>(40).fill(slow), fail({ code: 'ECONNRESET' })];
  const { reply, attempts, lost } = await retry(
    answers(...outage, { ok: true, value: 'after the outage' }),
    quick,
    never,
    ({ code }) => told.push(code),
  );
  assert.deepEqual([reply, attempts, lost], [{ ok: true, value: 'after the outage' }, 42, true]);
  assert.deepEqual([told.length, told.at(-1)], [41, 'ECONNRESET']);
});

test('what is no receipt is asked for again, and may be stored', async () => {
  const { attempts, lost } = await retry(
    answers(fail({ status: 200, code: 'NoReceipt' }), { ok: true, value: 'a' }),
    quick,
    never,
  );
  assert.deepEqual([attempts, lost], [2, true]);
});

test('an attempt without an answer may have been carried out; one that never connected was not', async () => {
  const done: Reply<string> = { ok: true, value: 'a' };
  for (const [fault, lost] of [
    [{ code: 'ECONNRESET' }, true],
    [{ code: 'AttemptTimeout' }, true],
    [{ status: 500, code: 'InternalError' }, true],
    [{ code: 'ECONNREFUSED' }, false],
    [{ code: 'EAI_AGAIN' }, false],
    [{ code: 'ConnectTimeout' }, false],
    [{ status: 409, code: 'ConditionalRequestConflict' }, false],
  ] as const) {
    const result: Retried<string> = await retry(answers(fail(fault), done), quick, never);
    assert.deepEqual([result.attempts, result.lost], [2, lost], fault.code);
  }
});

test('an attempt that never ends is ended, and tried again', async () => {
  let calls = 0;
  const signals: AbortSignal[] = [];
  const started = performance.now();
  const result = await retry<string>(
    (signal) => {
      signals.push(signal);
      return ++calls < 3 ? new Promise(() => undefined) : Promise.resolve({ ok: true, value: 'third' });
    },
    { ...quick, attemptMs: 30 },
    never,
  );
  assert.deepEqual([result.attempts, result.lost, result.reply.ok], [3, true, true]);
  assert.ok(
    signals.every((signal) => signal.aborted),
    'each attempt is told to let go of what it holds',
  );
  assert.ok(performance.now() - started < 1000);
});

test('the signal ends an attempt that does not listen, and a pause', async () => {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 20);
  const hung = await retry<string>(() => new Promise(() => undefined), quick, controller.signal);
  assert.deepEqual(hung.reply, fail({ code: 'Aborted' }));

  const pausing = new AbortController();
  setTimeout(() => pausing.abort(), 20);
  const started = performance.now();
  const paused = await retry(
    answers(...Array.from({ length: 9 }, () => fail({ status: 503, code: 'SlowDown' }))),
    { ...quick, baseMs: 60_000, capMs: 60_000 },
    pausing.signal,
  );
  assert.deepEqual(
    paused.reply,
    fail({ status: 503, code: 'SlowDown' }),
    'the fault that was met says more than the abort',
  );
  assert.ok(performance.now() - started < 2000);

  const cut = new AbortController();
  const slow = await retry<string>(
    (_, attempt) => {
      if (attempt === 1) return Promise.resolve(fail({ status: 503, code: 'SlowDown' }));
      setTimeout(() => cut.abort(), 5);
      return new Promise(() => undefined);
    },
    quick,
    cut.signal,
  );
  assert.deepEqual(slow.reply, fail({ code: 'Aborted', before: '503 SlowDown' }));

  const before = await retry(answers({ ok: true, value: 'a' }), quick, AbortSignal.abort());
  assert.deepEqual(before.reply, fail({ code: 'Aborted', unsent: true }));
});

test('what throws is a fault', async () => {
  const { reply } = await retry(() => Promise.reject(new TypeError('broken')), quick, never);
  assert.ok(!reply.ok);
  assert.equal(reply.fault.code, 'TypeError');
});

test('an attempt has 3 s, and 1 s more a MiB', () => {
  assert.equal(rulesFor(0).attemptMs, 3000);
  assert.equal(rulesFor(8 * 1024 * 1024).attemptMs, 3000 + 8192);
});
