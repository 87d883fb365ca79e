import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { ahead, pages } from '../../src/acquire/ask.ts';
import { absentEntry, classifyError } from '../../src/acquire/error-class.ts';
import { openLedger, type LedgerHead } from '../../src/acquire/ledger.ts';
import { tokenBucket } from '../../src/acquire/pace.ts';
import { component, folders } from '../../src/acquire/paths.ts';
import { trailRecords } from '../../src/acquire/records.ts';
import { openSeries } from '../../src/acquire/rows.ts';
import { parseFunctionName } from '../../src/acquire/function-name.ts';
import { rowOfRecord, trailTime } from '../../src/acquire/trail-row.ts';
import { freshFolder } from './scene.ts';
import { times } from '../effort.ts';

const HEAD: LedgerHead = {
  collection: 1,
  functionArn: 'arn',
  sinceMs: 1,
  untilMs: 2,
  started: '2025-06-30T09:00:00.000Z',
};

describe('pace', () => {
  test('a bucket lets its burst through at once, then one each interval', async () => {
    const pace = tokenBucket(50, 3);
    const { signal } = new AbortController();
    const started = performance.now();
    for (let count = 0; count < 3; count += 1) await pace(signal);
    assert.ok(performance.now() - started < 15, 'the burst');
    for (let count = 0; count < 5; count += 1) await pace(signal);
    const took = performance.now() - started;
    assert.ok(took >= 90 && took < 500, `${took} ms for five more at 50 a second`);
  });
  test('two a second, whoever asks: ten that ask together are done after four and a half seconds, not before', async () => {
    const pace = tokenBucket(20, 1);
    const started = performance.now();
    await Promise.all(Array.from({ length: 10 }, () => pace(new AbortController().signal)));
    assert.ok(performance.now() - started >= 440);
  });
  test('an aborted signal ends the wait', async () => {
    const pace = tokenBucket(0.01, 1);
    const stop = new AbortController();
    await pace(stop.signal);
    setTimeout(() => stop.abort(), 20);
    await assert.rejects(pace(stop.signal), { name: 'AbortError' });
  });
});

describe('ledger', () => {
  test('what was recorded is done in the next run; half a line at the end is not', () => {
    const path = join(freshFolder(), 'deeper', 'state.jsonl');
    const first = openLedger(path);
    first.begin(HEAD);
    first.record([
      { path: 'a', capture: 'c1' },
      { path: 's-0000.jsonl', capture: 'c1', series: 's', mark: 7, complete: false },
    ]);
    appendFileSync(path, '{"path":"half');
    const second = openLedger(path);
    assert.deepEqual(second.head, HEAD);
    assert.deepEqual([second.done('a'), second.done('half'), second.done('b'), second.size()], [true, false, false, 2]);
    assert.deepEqual(second.series('s'), { parts: 1, mark: 7, complete: false });
    assert.deepEqual(second.series('none'), { parts: 0, mark: undefined, complete: false });
    second.finish('c2');
    assert.deepEqual(openLedger(path).size(), 0);
    assert.deepEqual(readdirSync(join(path, '..')), ['state-c2.done.jsonl']);
  });
  test('the run after one that was killed in the middle of a line reads what it writes itself', () => {
    const path = join(freshFolder(), 'state.jsonl');
    openLedger(path).begin(HEAD);
    appendFileSync(path, '{"path":"half');
    openLedger(path).record([{ path: 'b', capture: 'c2' }]);
    assert.equal(openLedger(path).done('b'), true);
  });
  test('a file that is something else is refused', () => {
    const path = join(freshFolder(), 'state.jsonl');
    writeFileSync(path, '{"name":"package"}\n');
    assert.throws(() => openLedger(path), { code: 'CASE_UNREADABLE', message: /not the state of a collection/u });
    assert.equal(readFileSync(path, 'utf8'), '{"name":"package"}\n');
  });
});

describe('paths', () => {
  test('no name leaves its folder, and no two names become one', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 600 }), (name) => {
        const path = `/logs/${folders(name)}/x`;
        assert.ok(!path.includes('/../') && !path.includes('/./') && !path.includes('//'), path);
        assert.match(component(name), /^[A-Za-z0-9._$[\]@:+=%~-]{1,210}$/u);
      }),
      { numRuns: times(100) },
    );
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (one, other) => {
        if (one !== other) assert.notEqual(component(one), component(other));
      }),
      { numRuns: times(100) },
    );
    assert.equal(folders('/aws/lambda/checkout'), 'aws/lambda/checkout');
    assert.equal(component('2025[$LATEST]'), '2025[$LATEST]');
    assert.equal(folders('a/../..'), 'a/%2E%2E/%2E%2E');
  });
});

describe('asking', () => {
  test('pages end at the last token, and at one that comes twice', async () => {
    const seen: (string | undefined)[] = [];
    for await (const page of pages(
      (token) => Promise.resolve({ token, next: token === undefined ? 'a' : token === 'a' ? 'b' : undefined }),
      (one) => one.next,
    ))
      seen.push(page.token);
    assert.deepEqual(seen, [undefined, 'a', 'b']);
    await assert.rejects(
      async () => {
        for await (const page of pages(
          () => Promise.resolve({ next: 'same' }),
          (one) => one.next,
        ))
          assert.equal(page.next, 'same');
      },
      { code: 'ACQUIRE_FAILED' },
    );
  });
  test('questions go ahead up to the width, answers come in order', async () => {
    let open = 0;
    let widest = 0;
    const answers: number[] = [];
    for await (const answer of ahead([5, 1, 4, 2, 3], 3, async (ms) => {
      open += 1;
      widest = Math.max(widest, open);
      await new Promise((resolve) => setTimeout(resolve, ms * 4));
      open -= 1;
      return ms;
    }))
      answers.push(answer);
    assert.deepEqual(answers, [5, 1, 4, 2, 3]);
    assert.equal(widest, 3);
  });
  test('errors mean one of four things', () => {
    const named = (name: string, message = 'm'): Error => Object.assign(new Error(message), { name });
    assert.deepEqual(
      [
        'AccessDeniedException',
        'ResourceNotFoundException',
        'NoSuchEntityException',
        'ExpiredToken',
        'ServiceException',
      ].map((name) => classifyError(named(name))),
      ['denied', 'missing', 'missing', 'credentials', 'failed'],
    );
    const entry = absentEntry(
      { path: 'p', call: 'lambda:GetLayerVersionByArn x', action: 'lambda:GetLayerVersion' },
      named('AccessDeniedException', 'User: u is not authorized to perform: kms:Decrypt on resource: r'),
    );
    assert.deepEqual([entry.outcome, entry.reason], ['denied', 'kms:Decrypt is denied (AccessDeniedException)']);
    assert.throws(() => absentEntry({ path: 'p', call: 'c' }, named('UnrecognizedClientException')), {
      code: 'ACQUIRE_CREDENTIALS',
    });
  });
  test('what is no name of a function is refused', () => {
    for (const bad of [
      '',
      'a b',
      '../x',
      'arn:aws:s3:::bucket',
      'arn:aws:lambda:eu-central-1:function:x',
      'x'.repeat(200),
    ]) {
      assert.throws(() => parseFunctionName(bad), { code: 'USAGE' });
    }
  });
});

describe('CloudTrail', () => {
  test('records are found in whatever pieces the file comes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 })), { maxLength: 6 }),
        fc.integer({ min: 1, max: 40 }),
        async (records, size) => {
          const texts = records.map((record) => JSON.stringify(record));
          const zipped = gzipSync(`{"Records":[${texts.join(', ')}]}`);
          const source = async function* (): AsyncGenerator<Uint8Array> {
            for (let at = 0; at < zipped.length; at += size)
              yield await Promise.resolve(zipped.subarray(at, at + size));
          };
          const found: string[] = [];
          for await (const text of trailRecords(source())) found.push(text);
          assert.deepEqual(found, texts);
        },
      ),
      { numRuns: times(60) },
    );
  });
  test('a file that ends early or is no gzip is an error, not an end', async () => {
    const read = async (bytes: Uint8Array): Promise<number> => {
      let count = 0;
      for await (const text of trailRecords(
        (async function* () {
          yield await Promise.resolve(bytes);
        })(),
      ))
        count += text.length;
      return count;
    };
    const whole = gzipSync(`{"Records":[{"a":1},{"b":"${'x'.repeat(5000)}"}]}`);
    await assert.rejects(read(whole.subarray(0, whole.length - 20)), { code: 'ACQUIRE_FAILED' });
    await assert.rejects(read(Buffer.from('plain')), { code: 'ACQUIRE_FAILED' });
    await assert.rejects(read(gzipSync('{"Records":[{"a":1},{"b"')), { code: 'ACQUIRE_FAILED' });
  });
  test('times have a space in the middle, as plaso wants them', () => {
    assert.equal(trailTime(Date.parse('2025-06-30T09:16:40.123Z')), '2025-06-30 09:16:40+00:00');
    const row = rowOfRecord(
      '{"eventTime":"2025-06-30T09:16:40Z","eventName":"X","userIdentity":{"arn":"arn:aws:sts::1:assumed-role/r/checkout","accessKeyId":"ASIA"}}',
      'f',
    )?.row;
    assert.deepEqual(
      [row?.EventTime, row?.Username, row?.AccessKeyId],
      ['2025-06-30 09:16:40+00:00', 'checkout', 'ASIA'],
    );
    assert.equal(rowOfRecord('{"eventTime":7}', 'f'), undefined);
  });
});

test('a series goes on with the number after the last that is safe', () => {
  const ledger = openLedger(undefined);
  ledger.record([
    { path: 's-0000.jsonl', capture: 'c', series: 's', mark: 5 },
    { path: 's-0001.jsonl', capture: 'c', series: 's', mark: 9 },
  ]);
  const rows = openSeries({ stem: 's', source: 'x', ledger, further: Math.max });
  rows.add({ a: 1 }, 10, 12);
  assert.equal(rows.waiting(), 10);
  const entry = rows.flush({ complete: false });
  assert.deepEqual(
    [entry?.path, entry?.notes?.()],
    ['s-0002.jsonl', { series: 's', rows: 1, complete: false, mark: 12 }],
  );
  assert.equal(rows.flush({ complete: true }), undefined, 'nothing waits');
});
