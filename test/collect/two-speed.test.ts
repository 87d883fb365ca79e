import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { twoSpeed } from '../../src/collect/two-speed.ts';
import type { Entry } from '../../src/contracts/evidence.ts';

function entry(path: string): Entry {
  return { kind: 'absent', path, source: path, method: 'test', outcome: 'missing', reason: 'test' };
}

describe('twoSpeed', () => {
  const log: string[] = [];
  function* fast(): Generator<Entry> {
    try {
      yield entry('c');
      yield entry('d');
    } finally {
      log.push('fast closed');
    }
  }
  async function* slow(): AsyncGenerator<Entry, Iterable<Entry>> {
    try {
      yield entry('a');
      await Promise.resolve();
      yield entry('b');
      return fast();
    } finally {
      log.push('slow closed');
    }
  }

  it('gives both parts in order, also to for await', async () => {
    const paths: string[] = [];
    for await (const one of twoSpeed(slow())) paths.push(one.path);
    assert.deepEqual(paths, ['a', 'b', 'c', 'd']);
  });

  it('answers with promises first and at once then', async () => {
    const iterator = twoSpeed(slow())[Symbol.asyncIterator]();
    const kinds: boolean[] = [];
    for (;;) {
      const step: unknown = iterator.next();
      kinds.push(step instanceof Promise);
      if (((await step) as IteratorResult<Entry>).done === true) break;
    }
    assert.deepEqual(kinds, [true, true, true, false, false]);
  });

  it('closes the part that is running when it is left', async () => {
    for (const [stop, closed] of [
      ['a', ['slow closed']],
      ['c', ['slow closed', 'fast closed']],
    ] as const) {
      log.length = 0;
      for await (const one of twoSpeed(slow())) if (one.path === stop) break;
      assert.deepEqual(log, closed);
    }
  });

  it('rejects when the first part fails', async () => {
    const failing = twoSpeed(
      (async function* (): AsyncGenerator<Entry, Iterable<Entry>> {
        yield* [];
        await Promise.reject(new TypeError('boom'));
        return [];
      })(),
    );
    await assert.rejects(async () => {
      for await (const one of failing) assert.fail(one.path);
    }, /boom/u);
  });
});
