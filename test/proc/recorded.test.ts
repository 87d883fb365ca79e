import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createPool } from '../../src/proc/bounded-pool.ts';
import { poolRead, type PoolRead } from '../../src/proc/read.ts';
import { snapshotProcesses } from '../../src/proc/snapshot.ts';
import { IMPLANT_COMM, plant, SANDBOX } from '../fixtures/proc/sandbox.ts';
import { fileText } from './actors.ts';

const root = plant(SANDBOX);

/** Reads that hang for ever where `hangs` says so; nothing can cancel them, as in the kernel. */
function hanging(hangs: (path: string) => boolean): { pool: PoolRead; tried: string[] } {
  const tried: string[] = [];
  const pool: PoolRead = (path, ...rest) => {
    if (hangs(path)) tried.push(path.slice(root.length + 1));
    else poolRead(path, ...rest);
  };
  return { pool, tried };
}

describe('a recorded sandbox', () => {
  it('is read whole', async () => {
    const table = await snapshotProcesses({ root });
    assert.deepEqual(
      table.processes.map(({ pid, ppid, comm }) => [pid, ppid, comm]),
      [
        [1, 0, 'rapid'],
        [9, 1, 'node'],
        [17, 9, IMPLANT_COMM],
        [23, 17, 'zombie'],
      ],
    );
    assert.deepEqual(
      [table.self, table.detail, table.unread, table.vanished, table.stopped],
      [9, 'full', 0, [31], undefined],
    );
    assert.deepEqual(table.unreadable, [{ pid: 32, outcome: 'failed', reason: 'its stat has no known form' }]);
    // The recorded uptime is not of today, so the start counts from btime.
    assert.equal(table.bootMs, 1_795_498_000_000);
    assert.equal(table.processes[1]?.startMs, 1_795_498_001_000);
    const {
      namespaces: [own],
      unread,
    } = await table.sockets;
    assert.deepEqual(
      [own?.namespace, [...(own?.files.keys() ?? [])].sort(), unread],
      ['net:[4026531840]', ['dev', 'tcp', 'tcp6', 'udp', 'udp6', 'unix'], 0],
    );
    assert.ok(table.processes.every((process) => process.confirmed));
  });

  it('keeps hostile bytes of argv, names and links', async () => {
    const { processes } = await snapshotProcesses({ root });
    const [, node, evil, zombie] = processes;
    assert.deepEqual(evil?.argv, ['./kworker/0:1', '-e', '', '\xff\xfe']);
    assert.deepEqual(evil.exe, { target: '/tmp/.x', deleted: true });
    assert.equal(fileText(evil, 'environ').length, 52);
    assert.deepEqual(
      node?.descriptors.map(({ fd, link }) => [fd, link.target, link.deleted]),
      [
        [0, '/dev/null', false],
        [3, 'anon_inode:[eventpoll]', false],
        [18, 'socket:[5001]', false],
        [19, 'socket:[5002]', false],
        [20, '/tmp/dropped', true],
        [21, '/memfd:stage2', true],
        [22, '/tmp/\xff\x1b[31m\ny', false],
      ],
    );
    assert.deepEqual(node.descriptors[1]?.details, ['tfd: 18 events: 19 data: 12 pos:0 ino:5 sdev:8']);
    assert.equal(zombie?.exe, undefined);
    assert.deepEqual(zombie?.failures, [
      'oom_score: missing (ENOENT)',
      'oom_score_adj: missing (ENOENT)',
      'wchan: missing (ENOENT)',
      'exe: missing (ENOENT)',
      'fd: missing (ENOENT)',
    ]);
  });

  it('holds the order and the limits', async () => {
    const table = await snapshotProcesses({ root, limits: { processes: 2, descriptors: 3, fullDetail: 1 } });
    // Our own process is read first, whatever its number.
    assert.deepEqual(
      table.processes.map(({ pid }) => pid),
      [1, 9],
    );
    assert.equal(table.unread, 4);
    assert.equal(table.detail, 'core');
    const own = table.processes[1]!;
    assert.deepEqual([own.descriptors.length, own.descriptorsUnread], [3, 4]);
    assert.ok(own.failures.includes('fd: 4 descriptors beyond the limit were not read'));
    // Full detail is for ourselves and then the first, so that nobody can crowd that out with a hundred sleepers.
    assert.deepEqual(
      table.processes.map(({ detail, files }) => [detail, files.has('limits'), files.has('environ')]),
      [
        ['core', false, true],
        ['full', true, true],
      ],
    );
    const poor = await snapshotProcesses({ root, limits: { bytes: 2000, descriptorsTotal: 1 } });
    assert.equal(
      poor.processes.reduce((sum, { descriptors }) => sum + descriptors.length, 0),
      1,
    );
    assert.ok(
      poor.processes.some(({ failures }) =>
        failures.some((line) => line.includes('skipped (limit on the bytes of a snapshot)')),
      ),
    );
  });

  it('is empty, not an error, where there is no /proc', async () => {
    const table = await snapshotProcesses({ root: '/nonexistent' });
    assert.deepEqual([table.processes.length, table.self, table.bootMs, table.unread], [0, 0, 0, 0]);
  });
});

describe('reads that hang', () => {
  keepAlive();

  it('cost one place and a quarter of a second, and only the process whose they are', async () => {
    const boundedPool = createPool();
    const { pool, tried } = hanging((path) => path.endsWith('/17/environ'));
    const before = performance.now();
    const { processes } = await snapshotProcesses({ root, boundedPool, pool, limits: { slowMs: 60 } });
    assert.ok(performance.now() - before < 2000);
    assert.deepEqual(tried, ['17/environ']);
    assert.equal(boundedPool.hanging(), 1);
    const [rapid, node, evil, zombie] = processes;
    assert.deepEqual(evil?.files.get('environ'), { ok: false, outcome: 'timed-out', reason: 'no answer within 60 ms' });
    assert.deepEqual(evil.files.get('maps'), {
      ok: false,
      outcome: 'timed-out',
      reason: 'not tried: another read of this process hangs',
    });
    assert.equal(evil.files.get('status')?.ok, true);
    for (const other of [rapid, node, zombie]) assert.equal(other?.files.get('maps')?.ok, true);
  });

  it('are never more than two, in all captures together', async () => {
    const boundedPool = createPool();
    const { pool, tried } = hanging(() => true);
    const options = { root, boundedPool, pool, limits: { slowMs: 40 } };
    const first = await snapshotProcesses(options);
    assert.equal(tried.length, 2);
    assert.equal(boundedPool.hanging(), 2);
    const before = performance.now();
    const second = await snapshotProcesses(options);
    assert.ok(performance.now() - before < 1000);
    assert.equal(tried.length, 2);
    for (const { processes } of [first, second]) {
      assert.equal(processes.length, 4);
      // Our own environment and arguments need no lane.
      assert.deepEqual(processes[1]?.argv, ['/var/lang/bin/node', '--max-semi-space-size=1', '/var/runtime/index.mjs']);
      assert.equal(processes[1].files.get('environ')?.ok, true);
      assert.ok(processes[2]?.failures.some((line) => line.startsWith('environ: timed-out')));
    }
  });

  it('do not hold up the end', async () => {
    const stop = new AbortController();
    const { pool } = hanging((path) => path.includes('/9/'));
    setTimeout(() => stop.abort(), 30);
    const before = performance.now();
    const table = await snapshotProcesses({
      root,
      boundedPool: createPool(1),
      pool,
      signal: stop.signal,
      limits: { slowMs: 5000 },
    });
    assert.ok(performance.now() - before < 1000);
    assert.equal(table.stopped, 'the time of the snapshot was over');
    assert.equal(table.processes.find(({ pid }) => pid === 9)?.argv.length, 3);
    const frozen = JSON.stringify(table.processes.map(({ files }) => [...files.keys()]));
    await nextTurn();
    assert.equal(JSON.stringify(table.processes.map(({ files }) => [...files.keys()])), frozen);
  });

  it('end at once on a signal that was given before', async () => {
    const table = await snapshotProcesses({ root, signal: AbortSignal.abort() });
    assert.deepEqual([table.processes.length, table.unread], [0, 6]);
  });

  it('end with the time of the whole', async () => {
    const { pool } = hanging(() => true);
    const table = await snapshotProcesses({
      root,
      boundedPool: createPool(),
      pool,
      limits: { totalMs: 30, slowMs: 10_000 },
    });
    assert.equal(table.stopped, 'the time of the snapshot was over');
  });
});

/** A call that hangs in the threadpool keeps the event loop alive; a promise that stands for one does not. */
function keepAlive(): void {
  let timer: NodeJS.Timeout | undefined;
  before(() => void (timer = setInterval(() => undefined, 1000)));
  after(() => clearInterval(timer));
}
