/** The limits that both hosts ask, and what the extension makes of them. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import type { CaptureRequest } from '../../../src/capture/capture.ts';
import { resolveConfig } from '../../../src/config/config.ts';
import type { CaptureReport, Cause } from '../../../src/contracts/evidence.ts';
import { AmberError, isAmberError } from '../../../src/errors.ts';
import { startCapture } from '../../../src/host/extension/capture.ts';
import { openState, type ExtensionState } from '../../../src/host/extension/state.ts';
import { claimFleet } from '../../../src/host/limits/fleet.ts';
import { CaptureLimiter, type CaptureAttempt, type LimiterSources } from '../../../src/host/limits/limiter.ts';
import { freshState } from '../../../src/host/limits/state.ts';

const CAUSE: Cause = { trigger: 'anomaly', reason: 'a detector found something' };
const ENV = { AMBER_DESTINATION: 's3://evidence-bucket/amber' };
const NOW_MS = 1_000_000;
const config = resolveConfig({ maxCaptures: 2, cooldownMs: 1000, fleetCap: 1 }, ENV);

interface Opened {
  readonly limiter: CaptureLimiter;
  readonly lines: Readonly<Record<string, unknown>>[];
}

function open(sources: Partial<LimiterSources> = {}): Opened {
  const lines: Record<string, unknown>[] = [];
  const limiter = new CaptureLimiter({
    config,
    state: freshState(),
    log: (stream, record) => lines.push({ stream, ...record }),
    isStopped: () => false,
    isRunning: () => false,
    leastMs: () => 100,
    ...sources,
  });
  return { limiter, lines };
}

function limitOf(limiter: CaptureLimiter, attempt: Partial<CaptureAttempt> = {}): unknown {
  const count = { captures: 0, endedMs: 0 };
  return limiter.refusal({ cause: CAUSE, config, count, nowMs: NOW_MS, hardStopMs: NOW_MS + 500, ...attempt })?.details[
    'limit'
  ];
}

describe('the limiter', () => {
  const spent = { captures: 2, endedMs: NOW_MS - 10 };

  test('a capture may start where no limit holds it up', () => {
    assert.equal(limitOf(open().limiter), undefined);
    assert.equal(limitOf(open().limiter, { hardStopMs: NOW_MS + 100 }), undefined);
    assert.equal(limitOf(open().limiter, { count: { captures: 1, endedMs: NOW_MS - 1000 } }), undefined);
  });

  test('of several limits the first in order is named: stop, switch, single flight, cap, cooldown, budget, fleet', async () => {
    const state = freshState();
    const refused = new AmberError('CAPTURE_LIMITED', undefined, { details: { limit: 'fleet' } });
    await claimFleet({
      config,
      cause: CAUSE,
      state,
      env: {},
      invocation: undefined,
      hardStopMs: Date.now() + 1000,
      claim: async () => Promise.resolve({ kind: 'full', untilMs: NOW_MS + 1, refused }),
    });
    let isStopped = true;
    let isRunning = true;
    const sources = { state, isStopped: () => isStopped, isRunning: () => isRunning };
    const late = { hardStopMs: NOW_MS + 99 };
    const off = open({ ...sources, config: { ...config, disabled: true } }).limiter;
    const { limiter } = open(sources);
    assert.equal(limitOf(off, { ...late, count: spent }), 'stop');
    isStopped = false;
    assert.equal(limitOf(off, { ...late, count: spent }), 'switch');
    assert.equal(limitOf(limiter, { ...late, count: spent }), 'single-flight');
    isRunning = false;
    assert.equal(limitOf(limiter, { ...late, count: spent }), 'cap');
    assert.equal(limitOf(limiter, { ...late, count: { ...spent, captures: 1 } }), 'cooldown');
    assert.equal(limitOf(limiter, late), 'budget');
    assert.equal(limitOf(limiter), 'fleet');
    assert.equal(limitOf(limiter, { nowMs: NOW_MS + 1 }), undefined);
  });

  test('a slot is claimed whatever time is left, a fraction of a millisecond among it', async () => {
    const signals: AbortSignal[] = [];
    for (const leftMs of [-1, 0.5, 997, 998, 999, 999.9, 1000])
      await claimFleet({
        config,
        cause: CAUSE,
        state: freshState(),
        env: {},
        invocation: undefined,
        hardStopMs: Date.now() + leftMs,
        claim: async ({ signal }) => {
          signals.push(signal);
          return Promise.resolve({ kind: 'claimed', slot: 1 });
        },
      });
    assert.equal(signals.length, 7);
  });

  test('a signed order passes the cap and the cooldown, and nothing else', () => {
    const { limiter } = open();
    assert.equal(limitOf(limiter, { count: spent, isSigned: true }), undefined);
    assert.equal(limitOf(limiter, { count: spent, isSigned: true, hardStopMs: NOW_MS + 99 }), 'budget');
    assert.equal(limitOf(open({ isRunning: () => true }).limiter, { isSigned: true }), 'single-flight');
    assert.equal(limitOf(open({ isStopped: () => true }).limiter, { isSigned: true }), 'stop');
  });

  test('a refusal is logged once for each trigger and limit', () => {
    const { limiter, lines } = open();
    const refused = (limit: string): AmberError => new AmberError('CAPTURE_LIMITED', 'why', { details: { limit } });
    for (const limit of ['cap', 'cap', 'budget', 'cap']) limiter.logRefusal(CAUSE, refused(limit));
    limiter.logRefusal({ trigger: 'error', reason: 'x' }, refused('cap'));
    assert.deepEqual(
      lines.map(({ stream, trigger, limit }) => [stream, trigger, limit]),
      [
        ['refused', 'anomaly', 'cap'],
        ['refused', 'anomaly', 'budget'],
        ['refused', 'error', 'cap'],
      ],
    );
  });
});

describe('the limiter of the extension', () => {
  const within = (ms: number): { cause: Cause; hardStopMs: number } => ({ cause: CAUSE, hardStopMs: Date.now() + ms });

  test('no time left refuses without a count, but for the last capture of a sandbox', async (t) => {
    const { state, requests } = openExtension(t, {});
    const late = startCapture(state, { ...within(-1000), config: state.config });
    assert.equal(isAmberError(late) ? late.details['limit'] : 'begun', 'budget');
    assert.deepEqual([state.captures.own.captures, state.captures.running], [0, undefined]);
    await begin(state, { ...within(-1000), last: true });
    assert.deepEqual([state.captures.own.captures, requests.length], [1, 1]);
  });

  test('a function of 128 MB is captured in less time than it would take in process', async (t) => {
    const { state, requests } = openExtension(t, { AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128' });
    await begin(state, within(500));
    assert.equal(requests.length, 1);
  });

  test('what a process of the function asks for has a count of its own; the last capture passes both', async (t) => {
    const { state } = openExtension(t, { AMBER_MAX_CAPTURES: '1' });
    const limit = (hinted: boolean): unknown => {
      const start = startCapture(state, { ...within(5000), config: state.config, hinted });
      return isAmberError(start) ? start.details['limit'] : 'begun';
    };
    await begin(state, { ...within(5000), hinted: true });
    assert.equal(limit(true), 'cap');
    await begin(state, within(5000));
    assert.equal(limit(false), 'cap');
    await begin(state, { ...within(5000), last: true });
    assert.deepEqual([state.captures.hinted.captures, state.captures.own.captures], [1, 2]);
  });
});

type Asked = Omit<Parameters<typeof startCapture>[1], 'config'>;

async function begin(state: ExtensionState, asked: Asked): Promise<void> {
  const start = startCapture(state, { ...asked, config: state.config });
  assert.ok(!isAmberError(start), isAmberError(start) ? start.message : '');
  await start.ended;
}

function openExtension(
  t: TestContext,
  env: NodeJS.ProcessEnv,
): { readonly state: ExtensionState; readonly requests: CaptureRequest[] } {
  const directory = mkdtempSync(join(tmpdir(), 'amber-limiter-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const requests: CaptureRequest[] = [];
  const state = openState(
    {
      env: { ...ENV, AMBER_WRITABLE: directory, AMBER_COOLDOWN_MS: '0', ...env },
      log: () => undefined,
      engine: async () =>
        Promise.resolve(async (request: CaptureRequest) => {
          requests.push(request);
          return Promise.resolve({ state: 'whole' } as CaptureReport);
        }),
      anomalyMonitor: async () => Promise.reject(new AmberError('BUG')),
      control: async () => Promise.reject(new AmberError('BUG')),
      exit: () => undefined,
    },
    'polling',
  );
  assert.ok(state !== undefined);
  return { state, requests };
}
