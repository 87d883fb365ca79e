import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync, symlinkSync, rmSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createPool } from '../../src/proc/bounded-pool.ts';
import { readAside, readInPool, readNow } from '../../src/proc/read.ts';

const never = <T>(): Promise<T> => new Promise<T>(() => undefined);

describe('lane', () => {
  keepAlive();

  it('gives values and errors back', async () => {
    const pool = createPool(2);
    assert.deepEqual(await pool.run(() => Promise.resolve(7), 1000), { state: 'done', value: 7 });
    const error = new Error('no');
    assert.deepEqual(await pool.run(() => Promise.reject(error), 1000), { state: 'failed', error });
  });

  it('never runs more than its places', async () => {
    const pool = createPool(2);
    let now = 0;
    let most = 0;
    await Promise.all(
      Array.from({ length: 20 }, () =>
        pool.run(async () => {
          most = Math.max(most, (now += 1));
          await sleep(1);
          now -= 1;
        }, 1000),
      ),
    );
    assert.equal(most, 2);
  });

  it('goes on with one place while another hangs, and tries nothing once both hang', async () => {
    const pool = createPool(2);
    let started = 0;
    const hang = (): Promise<never> => {
      started += 1;
      return never();
    };
    assert.equal((await pool.run(hang, 20)).state, 'timed-out');
    assert.equal(pool.hanging(), 1);
    assert.equal((await pool.run(() => Promise.resolve(1), 1000)).state, 'done');
    // Queued while the last place is in use by a job that will hang: they must not wait for ever.
    const results = await Promise.all([pool.run(hang, 20), pool.run(hang, 20), pool.run(hang, 20)]);
    assert.deepEqual(
      results.map((result) => result.state),
      ['timed-out', 'timed-out', 'timed-out'],
    );
    assert.equal(pool.hanging(), 2);
    assert.equal(started, 2);
    const before = performance.now();
    assert.match(JSON.stringify(await pool.run(hang, 1000)), /not tried: 2 earlier reads/u);
    assert.ok(performance.now() - before < 100);
  });

  it('gives one owner no second place', async () => {
    const pool = createPool(2);
    assert.equal((await pool.run(() => never(), 10, '7:1')).state, 'timed-out');
    assert.deepEqual(await pool.run(() => never(), 1000, '7:1'), {
      state: 'timed-out',
      reason: 'not tried: an earlier read of this process hangs',
    });
    assert.equal(pool.hanging(), 1);
    assert.equal((await pool.run(() => Promise.resolve(1), 1000, '7:2')).state, 'done');
    assert.equal((await pool.run(() => Promise.resolve(1), 1000)).state, 'done');
  });

  it('takes a place back from a call that returns after its time', async () => {
    const pool = createPool(1);
    let release = (): void => undefined;
    const late = pool.run(() => new Promise<void>((resolve) => (release = resolve)), 10);
    assert.equal((await late).state, 'timed-out');
    assert.equal((await pool.run(() => Promise.resolve(1), 10)).state, 'timed-out');
    release();
    await sleep(5);
    assert.equal(pool.hanging(), 0);
    assert.equal((await pool.run(() => Promise.resolve(1), 10)).state, 'done');
  });

  it('counts the time from the last progress', async () => {
    const pool = createPool(1);
    const result = await pool.run(async (ticket) => {
      for (let step = 0; step < 6; step += 1) {
        await sleep(30);
        ticket.progress();
      }
      return 'long';
    }, 90);
    assert.deepEqual(result, { state: 'done', value: 'long' });
  });

  it('does not blame a call for a busy main thread', async () => {
    const pool = createPool(1);
    const result = pool.run(
      (ticket) => readInPool('/proc/self/stat', { cap: 4096, whole: true }, { left: 4096 }, ticket),
      100,
    );
    const until = performance.now() + 300;
    while (performance.now() < until);
    assert.equal((await result).state, 'done');
  });
});

describe('bounded reading', () => {
  const folder = mkdtempSync(join(tmpdir(), 'amber-read-'));
  after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'file');
  const ticket = { abandoned: () => false, progress: () => undefined };
  const content = Buffer.alloc(200_000, 'abcdefg');
  writeFileSync(file, content);

  for (const whole of [true, false]) {
    it(`keeps all of a file that fits, by both ways (${whole ? 'one text' : 'a list'})`, async () => {
      const rule = { cap: content.length, whole };
      const expected = { ok: true, body: content, truncated: false };
      assert.deepEqual(readNow(file, rule, { left: 1e9 }), expected);
      assert.deepEqual(await readInPool(file, rule, { left: 1e9 }, ticket), expected);
    });

    it(`cuts at the cap and says so (${whole ? 'one text' : 'a list'})`, async () => {
      for (const cap of [1, 1000, 65_536, 65_537, 199_999]) {
        const expected = { ok: true, body: content.subarray(0, cap), truncated: true };
        assert.deepEqual(readNow(file, { cap, whole }, { left: 1e9 }), expected);
        assert.deepEqual(await readInPool(file, { cap, whole }, { left: 1e9 }, ticket), expected);
      }
    });
  }

  it('spends one allowance and stops at its end', async () => {
    const allowance = { left: 250_000 };
    const rule = { cap: 1e6, whole: false };
    assert.equal(readNow(file, rule, allowance).ok, true);
    assert.equal(allowance.left, 50_000);
    assert.deepEqual(readNow(file, rule, allowance), { ok: true, body: content.subarray(0, 50_000), truncated: true });
    assert.deepEqual(readNow(file, rule, allowance), {
      ok: false,
      outcome: 'skipped',
      reason: 'limit on the bytes of a snapshot',
    });
    assert.deepEqual(await readAside(file, rule, allowance), {
      ok: false,
      outcome: 'skipped',
      reason: 'limit on the bytes of a snapshot',
    });
  });

  it('stops at the last line that the kernel always gives', () => {
    const maps = join(folder, 'maps');
    writeFileSync(maps, '1000-2000 x\nffff-ffff y\nbehind\n');
    const read = (lastLine: string): string => {
      const result = readNow(maps, { cap: 1000, whole: false, lastLine }, { left: 1000 });
      return result.ok ? Buffer.from(result.body).toString() : '';
    };
    assert.equal(read('ffff'), '1000-2000 x\nffff-ffff y\nbehind\n');
    writeFileSync(maps, 'ffff-ffff y\n');
    assert.equal(read('ffff'), 'ffff-ffff y\n');
    writeFileSync(maps, '');
    assert.equal(read('ffff'), '');
  });

  it('names what is not there, and follows no link', () => {
    const rule = { cap: 10, whole: true };
    assert.deepEqual(readNow(join(folder, 'none'), rule, { left: 10 }), {
      ok: false,
      outcome: 'missing',
      reason: 'ENOENT',
    });
    symlinkSync(file, join(folder, 'link'));
    assert.deepEqual(readNow(join(folder, 'link'), rule, { left: 10 }), {
      ok: false,
      outcome: 'failed',
      reason: 'ELOOP',
    });
    assert.deepEqual(readNow(folder, rule, { left: 10 }), { ok: false, outcome: 'failed', reason: 'EISDIR' });
  });

  it('does not hang on a FIFO', async () => {
    const fifo = join(folder, 'fifo');
    assert.equal(spawnSync('mkfifo', [fifo]).status, 0);
    const expected = { ok: true, body: Buffer.alloc(0), truncated: false };
    assert.deepEqual(readNow(fifo, { cap: 10, whole: true }, { left: 10 }), expected);
    assert.deepEqual(await readInPool(fifo, { cap: 10, whole: true }, { left: 10 }, ticket), expected);
  });
});

/** A call that hangs in the threadpool keeps the event loop alive; a promise that stands for one does not. */
function keepAlive(): void {
  let timer: NodeJS.Timeout | undefined;
  before(() => void (timer = setInterval(() => undefined, 1000)));
  after(() => clearInterval(timer));
}
