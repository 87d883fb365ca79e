/**
 * The readers that Amber starts for what may never answer: left out of what is found, and nobody else by looking like
 * one.
 */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import { describe, test, type TestContext } from 'node:test';
import { policyOf } from '../../src/config/detect-policy.ts';
import type { Finding, Observation } from '../../src/contracts/evidence.ts';
import { openInProcess } from '../../src/detect/in-process.ts';
import type { OwnRecords } from '../../src/detect/own.ts';
import { openMonitor } from '../../src/detect/anomaly-monitor.ts';
import { currentBuiltins } from '../../src/host/monitor/builtins.ts';
import { openChangeMonitor } from '../../src/host/monitor/change-monitor.ts';
import { splitNul } from '../../src/proc/bytes.ts';
import { startProcfs } from '../../src/proc/aside/child.ts';
import { isReader } from '../../src/proc/aside/started.ts';

const INVOCATION = { number: 1, startedMs: Date.now() };
const ROOTS = { proc: '/proc', writable: [], code: [], etc: '/nowhere' };

/** What the host notes of children, as the guard does. */
function noting(t: TestContext): OwnRecords {
  const records: OwnRecords = { env: { ...process.env }, children: [], builtins: currentBuiltins(), currentBuiltins };
  const note = (message: unknown): void =>
    void records.children.push({ child: (message as { process?: unknown }).process, atMs: Date.now() });
  subscribe('child_process', note);
  t.after(() => unsubscribe('child_process', note));
  return records;
}

/** A reader of ours that waits for its first question, and its pid. */
function reader(t: TestContext, records: OwnRecords): number {
  const before = records.children.length;
  const aside = startProcfs();
  t.after(() => aside.abandon());
  const { pid } = records.children[before]?.child as ChildProcess;
  assert.ok(pid !== undefined);
  return pid;
}

/** Somebody who has read the arguments of a reader, and starts with the same ones. */
async function imitation(t: TestContext, pid: number): Promise<number> {
  const [program = '', ...args] = splitNul(readFileSync(`/proc/${pid}/cmdline`)).map((argument) =>
    Buffer.from(argument, 'latin1').toString(),
  );
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'], cwd: '/', env: {} });
  t.after(() => child.kill('SIGKILL'));
  await new Promise((resolve) => child.once('spawn', resolve));
  assert.deepEqual(readFileSync(`/proc/${child.pid}/cmdline`), readFileSync(`/proc/${pid}/cmdline`));
  return child.pid ?? 0;
}

const of = (found: readonly Finding[], pid: number): readonly string[] =>
  found.filter(({ subject }) => subject.pid === pid).map(({ detector }) => detector);
const roleOf = ({ processes }: Observation, pid: number): string | undefined =>
  processes.find((one) => one.pid === pid)?.role;
const init = { ms: Date.now(), uptimeSeconds: process.uptime(), rssBytes: process.memoryUsage.rss() };

describe('a reader that Amber has started', () => {
  test('is left out in process, and its imitation is reported', async (t) => {
    const records = noting(t);
    const ours = reader(t, records);
    const theirs = await imitation(t, ours);
    const { observation, fresh } = await openInProcess({ roots: ROOTS, policy: policyOf('high') }, records, init).scan(
      INVOCATION,
    );
    assert.deepEqual([roleOf(observation, ours), roleOf(observation, theirs)], ['amber', 'other']);
    assert.deepEqual(of(fresh, ours), []);
    assert.ok(of(fresh, theirs).includes('second-interpreter'));
    assert.deepEqual(
      observation.own?.spawned.map(({ pid }) => pid),
      [theirs],
    );
  });

  test('is left out by the extension, and its imitation is reported', async (t) => {
    const monitor = openMonitor({ by: 'extension', roots: ROOTS, policy: policyOf('high') });
    await monitor.scan(INVOCATION);
    const records = noting(t);
    const ours = reader(t, records);
    const theirs = await imitation(t, ours);
    const { observation, fresh } = await monitor.scan(INVOCATION);
    assert.deepEqual([roleOf(observation, ours), roleOf(observation, theirs)], ['amber', 'other']);
    assert.deepEqual(of(fresh, ours), []);
    assert.ok(of(fresh, theirs).includes('second-interpreter'));
  });

  test('is told by pid and start, and by what it has executed since', (t) => {
    const pid = reader(t, noting(t));
    const startTicks = Number(readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ')[19]);
    assert.equal(isReader(pid, startTicks, '1:2:3'), true);
    assert.equal(isReader(pid, startTicks + 1, '1:2:3'), false, 'another process with its number');
    assert.equal(isReader(pid + 1, startTicks, '1:2:3'), false);
    assert.equal(isReader(pid, startTicks, '4:5:6'), false, 'it has executed something else');
  });

  test('is forgotten when it has ended', async (t) => {
    const records = noting(t);
    const aside = startProcfs();
    const child = records.children[0]?.child as ChildProcess;
    const startTicks = Number(readFileSync(`/proc/${child.pid}/stat`, 'latin1').split(') ')[1]?.split(' ')[19]);
    assert.equal(isReader(child.pid ?? 0, startTicks, ''), true);
    const gone = new Promise((resolve) => child.once('exit', resolve));
    aside.abandon();
    await gone;
    assert.equal(isReader(child.pid ?? 0, startTicks, ''), false);
  });

  test('does not keep the guard looking; another child makes it look', async (t) => {
    let count = (): number => Number.NaN;
    const changeMonitor = openChangeMonitor(
      (spawned) => {
        count = spawned;
        return { moved: () => undefined, seen: () => undefined };
      },
      process.env,
      (records, facts) => Promise.resolve(openInProcess({ roots: ROOTS, policy: policyOf('high') }, records, facts)),
      { ask: () => undefined, begin: () => true, fault: (error) => assert.fail(String(error)) },
    );
    const aside = [startProcfs()];
    t.after(() => aside.forEach((one) => one.abandon()));
    assert.equal(count(), 1, 'before anything is loaded that knows');
    await changeMonitor.anomalyMonitor();
    assert.equal(count(), 0);
    aside.push(startProcfs());
    assert.equal(count(), 0);
    const other = spawn('sleep', ['60'], { stdio: 'ignore' });
    t.after(() => other.kill('SIGKILL'));
    assert.equal(count(), 1);
  });
});
