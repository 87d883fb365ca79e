/**
 * The change monitor of a wrapped function: what it costs nothing for, what makes it look, and what a finding starts.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { describe, test } from 'node:test';
import type { Finding, FindingsReport } from '../../../src/contracts/evidence.ts';
import type { OwnRecords } from '../../../src/detect/own.ts';
import type { Seen, AnomalyMonitor } from '../../../src/detect/anomaly-monitor.ts';
import type { Moved, Probe } from '../../../src/host/monitor/probe.ts';
import { findingsOf, nowOf, processOf } from '../../detect/scene.ts';
import { lambdaContext, testEnvironment, wrap, type Handler, type TestEnvironment } from '../environment.ts';

/** A finding of severity high. */
const [FOUND] = findingsOf({ now: nowOf({ processes: [processOf({ exe: '/memfd:x', exeDeleted: true })] }) });

interface Scene {
  readonly environment: TestEnvironment;
  /** A file comes. */
  readonly move: () => void;
  /** Looks that were taken. */
  readonly looks: () => number;
  /** What the next look finds. */
  readonly find: (...findings: Finding[]) => void;
}

function scene(env: Record<string, string> = {}): Scene {
  let looks = 0;
  let due: Finding[] = [];
  let noted: OwnRecords | undefined;
  const observation = nowOf();
  const monitor: AnomalyMonitor = {
    scan: (): Promise<Seen> => {
      looks += 1;
      const fresh = due;
      due = [];
      noted?.children.splice(0);
      return Promise.resolve({ observation: { ...observation, processes: [] }, fresh });
    },
    report: (): Promise<FindingsReport> =>
      Promise.resolve({
        by: 'process',
        findings: FOUND === undefined ? [] : [FOUND],
        threshold: 'high',
        baselineMs: 0,
        failed: {},
        left: [],
      }),
    baseline: () => undefined,
    rejudge: () => [],
    snapshot: () => ({ by: 'process', findings: [], threshold: 'high', baselineMs: 0, failed: {}, left: [] }),
  };
  let moved: Moved | undefined;
  const environment = {
    ...testEnvironment({ AMBER_DESTINATION: 'file:///tmp/amber-not-there', AMBER_COOLDOWN_MS: '0', ...env }),
    // What moves on the machine that runs the tests is not the matter here; the probe itself is tested below.
    probe: (spawned: () => number): Probe => ({
      moved: () => {
        const now = spawned() > 0 ? 'processes' : moved;
        moved = undefined;
        return now;
      },
      seen: () => undefined,
    }),
    anomalyMonitor: (records: OwnRecords) => {
      noted = records;
      return Promise.resolve(monitor);
    },
  };
  return {
    environment,
    move: () => void (moved = 'files'),
    looks: () => looks,
    find: (...findings) => void (due = findings),
  };
}

/** Waits until something is so; fails after ten seconds. */
async function until(what: () => boolean): Promise<void> {
  for (const end = Date.now() + 10_000; !what(); ) {
    assert.ok(Date.now() < end, 'it did not come to that');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const slow: Handler = () => new Promise((resolve) => setTimeout(resolve, 50, 'answer'));

describe('the guard', () => {
  test('has the handler called directly while nothing moves, and loads nothing', () => {
    const { environment, looks } = scene();
    const stack = wrap(environment, (...given: unknown[]) => `${new Error('x').stack ?? ''} ${given.length}`);
    // The first one is noted: it tells the timeout of the function.
    stack(undefined, lambdaContext());
    for (let count = 0; count < 3; count += 1) assert.doesNotMatch(stack(undefined, lambdaContext()), /wrap\.ts/u);
    assert.equal(looks(), 0);
  });

  test('looks when a file has come, and what it finds starts a capture that the answer waits for', async () => {
    const { environment, move, looks, find } = scene();
    assert.ok(FOUND !== undefined);
    const handler = wrap(environment, slow);
    await handler(undefined, lambdaContext());
    move();
    find(FOUND);
    for (let count = 0; count < 3; count += 1) assert.equal(await handler(undefined, lambdaContext()), 'answer');
    await until(() => environment.requests.length > 0);
    assert.ok(looks() >= 1);
    const [request] = environment.requests;
    assert.equal(request?.cause.trigger, 'anomaly');
    assert.match(request.cause.reason, /^detectors found staged-executable \(high\): pid 40 /u);
    assert.deepEqual((await request.findings?.())?.findings, [FOUND]);
  });

  test('looks when a child was started, and tells of it', async () => {
    const { environment, looks, find } = scene();
    assert.ok(FOUND !== undefined);
    find(FOUND);
    const handler: Handler = wrap(environment, async () => {
      const child = spawn('true', ['argument'], { stdio: 'ignore' });
      await new Promise((resolve) => child.once('exit', resolve));
      return 'answer';
    });
    await handler(undefined, lambdaContext());
    await handler(undefined, lambdaContext());
    await until(() => looks() > 0 && environment.requests.length === 1);
  });

  test('looks when a built-in was replaced', async (t) => {
    const { environment, looks } = scene();
    const handler = wrap(environment, slow);
    await handler(undefined, lambdaContext());
    const { parse } = JSON;
    t.after(() => void (JSON.parse = parse));
    JSON.parse = (...args) => parse(...args) as unknown;
    await handler(undefined, lambdaContext());
    await until(() => looks() === 1);
  });

  test('looks when a built-in has become a getter, and one that throws harms nobody', async (t) => {
    const { environment, looks } = scene();
    const handler = wrap(environment, slow);
    await handler(undefined, lambdaContext());
    const { parse } = JSON;
    t.after(() =>
      Object.defineProperty(JSON, 'parse', { value: parse, writable: true, configurable: true, enumerable: false }),
    );
    let throws = true;
    Object.defineProperty(JSON, 'parse', {
      get: () => {
        if (throws) throw new TypeError('not for you');
        return () => 'patched';
      },
      configurable: true,
    });
    const answered = await handler(undefined, lambdaContext());
    throws = false;
    await handler(undefined, lambdaContext());
    assert.equal(answered, 'answer');
    await until(() => looks() === 1);
  });

  test('captures without a further invocation where the sandbox runs on', async () => {
    const { environment, move, find } = scene();
    assert.ok(FOUND !== undefined);
    const handler = wrap(environment, slow, { onError: 'Other' });
    find(FOUND);
    move();
    await handler(undefined, lambdaContext(100_000));
    await until(() => environment.requests.length === 1);
    assert.equal(environment.requests[0]?.invocation?.requestId, 'request-1');
  });

  test('ends before the deadline of an invocation that has answered: a client may still wait for an empty event loop', async () => {
    const { environment, move, find } = scene();
    assert.ok(FOUND !== undefined);
    const handler = wrap(environment, slow, { onError: 'Other' });
    find(FOUND);
    move();
    const deadlineMs = Date.now() + 5000;
    await handler(undefined, lambdaContext(5000));
    await until(() => environment.requests.length === 1);
    const [request] = environment.requests;
    assert.ok((request?.hardStopMs ?? Infinity) < deadlineMs + 100, String((request?.hardStopMs ?? 0) - deadlineMs));
  });

  test('leaves findings below the level alone, and respects the cap', async () => {
    const { environment, move, looks, find } = scene({ AMBER_DETECT: 'critical', AMBER_MAX_CAPTURES: '1' });
    assert.ok(FOUND !== undefined);
    const handler = wrap(environment, slow);
    move();
    find(FOUND);
    await handler(undefined, lambdaContext());
    await until(() => looks() === 1);
    assert.equal(environment.requests.length, 0);
    find({ ...FOUND, severity: 'critical' }, { ...FOUND, key: 'other', severity: 'critical' });
    JSON.parse = Object.assign(JSON.parse, {});
    spawn('true', { stdio: 'ignore' });
    await handler(undefined, lambdaContext());
    await until(() => environment.requests.length === 1);
  });

  test('tries again in the next invocation when too little was left of this one', async () => {
    const { environment, move, looks, find } = scene();
    assert.ok(FOUND !== undefined);
    const handler = wrap(environment, slow);
    move();
    find(FOUND);
    await handler(undefined, lambdaContext(400));
    await handler(undefined, lambdaContext(400));
    await until(() => looks() === 1 && environment.lines.some((line) => line['amber'] === 'refused'));
    assert.deepEqual(
      environment.lines.map((line) => [line['amber'], line['trigger'], line['limit']]),
      [['refused', 'anomaly', 'budget']],
    );
    await handler(undefined, lambdaContext());
    await until(() => environment.requests.length === 1);
  });

  for (const [what, env] of [
    ['without a destination', { AMBER_DESTINATION: '' }],
    ['with AMBER_DETECT=off', { AMBER_DETECT: 'off' }],
    ['with AMBER_CAPTURE=off', { AMBER_CAPTURE: 'off' }],
  ] as const) {
    test(`is not there ${what}`, async () => {
      const { environment, move, looks } = scene(env);
      const handler = wrap(environment, slow);
      move();
      await handler(undefined, lambdaContext());
      await handler(undefined, lambdaContext());
      await new Promise((resolve) => setTimeout(resolve, 50));
      assert.equal(looks(), 0);
    });
  }

  test('a look that fails is told once and harms nobody', async () => {
    const { environment, move } = scene();
    const broken = { ...environment, anomalyMonitor: () => Promise.reject(new TypeError('x')) };
    const handler = wrap(broken, slow);
    move();
    assert.equal(await handler(undefined, lambdaContext()), 'answer');
    await until(() => environment.lines.some((line) => line['where'] === 'detect'));
    assert.equal(await handler(undefined, lambdaContext()), 'answer');
  });
});
