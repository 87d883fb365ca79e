/**
 * What every source of code-level evidence keeps to, whatever the control plane answers. Run it over one of your own:
 *
 * ```ts
 * testSource(mySource, TARGET);
 * ```
 *
 * The service is a double, since no real one fails on demand.
 */
import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import type { AcquireContext, Source, Target } from '../../src/acquire/contracts.ts';
import { openClients } from '../../src/acquire/clients.ts';
import { openLedger } from '../../src/acquire/ledger.ts';
import { createMeter } from '../../src/acquire/meter.ts';
import { drainEntries } from '../../src/archive/run-collector.ts';
import type { AbsentEntry, Entry, Outcome } from '../../src/contracts/evidence.ts';
import { describeError, isAmberError } from '../../src/errors.ts';
import { awsProxy, fault, json, type Answer, type AwsProxy } from '../servers/aws-proxy.ts';
import { MOTO_ENV } from '../servers/moto.ts';

const MIB = 1024 * 1024;
/** Longest path that a file system takes as one name after another, and longest reason of a line. */
const MAX_PATH = 1024;
const MAX_REASON = 2048;

/** Refusals of the control plane, and the outcome that each becomes. */
const REFUSALS: Readonly<Record<string, readonly [Answer, Outcome]>> = {
  denied: [fault(403, 'AccessDeniedException', 'User: u is not authorized'), 'denied'],
  absent: [fault(404, 'ResourceNotFoundException'), 'missing'],
  throttled: [fault(429, 'TooManyRequestsException', 'Rate exceeded'), 'failed'],
  'out of order': [fault(500, 'ServiceException'), 'failed'],
  unavailable: [{ status: 503, body: '<html>Service Unavailable</html>' }, 'failed'],
};

/** Answers of success that are none. */
const GARBAGE: Readonly<Record<string, Answer>> = {
  nothing: { status: 200, body: '' },
  'an empty object': json({}),
  null: json(null),
  'a list': json([]),
  'a web page': { status: 200, headers: { 'content-type': 'text/html' }, body: '<!doctype html><p>Sign in' },
  'half of a document': { status: 200, body: '{"Versions":[{"Version":"' },
  'depth without end': { status: 200, body: '['.repeat(100_000) },
  'bytes that are no text': { status: 200, body: Buffer.from([0xff, 0xfe, 0x00, 0x80, 0xc3, 0x28]) },
  'a connection that breaks': { status: 200, body: 'x'.repeat(1000), cutAfter: 10 },
};

export interface SourceRun {
  readonly entries: readonly Entry[];
  readonly warnings: readonly string[];
  readonly error: unknown;
}

/** The context of one source at an endpoint. Clients end with the test. */
function contextAt(
  t: TestContext,
  endpoint: string,
  signal: AbortSignal = new AbortController().signal,
): { readonly context: AcquireContext; readonly warnings: readonly string[] } {
  Object.assign(process.env, MOTO_ENV);
  const meter = createMeter();
  const warnings: string[] = [];
  const clients = { region: 'eu-central-1', endpoint, paced: false, attempts: 1 };
  const aws = openClients(clients, meter, signal);
  t.after(() => aws.close());
  const context: AcquireContext = {
    aws,
    meter,
    ledger: openLedger(undefined),
    signal,
    warn: (problem) => void warnings.push(problem),
  };
  return { context, warnings };
}

/** Everything that a source gives, with the bodies read as the archive reads them. */
export async function runSource(t: TestContext, source: Source, target: Target, endpoint: string): Promise<SourceRun> {
  const { context, warnings } = contextAt(t, endpoint);
  const entries: Entry[] = [];
  let error: unknown;
  try {
    for await (const entry of source.acquire(target, context)) {
      entries.push(entry);
      if (entry.kind !== 'stream') continue;
      let bytes = 0;
      for await (const chunk of entry.chunks()) bytes += chunk.length;
      assert.ok(bytes <= entry.size, `${entry.path} has more than it announces`);
    }
  } catch (thrown) {
    error = thrown;
  }
  return { entries, warnings, error };
}

/** Every entry can go into the tarball as it is, under a path that leads nowhere else. */
export function checkEntries(source: Source, entries: readonly Entry[]): void {
  const paths = entries.map(({ path }) => path);
  assert.equal(new Set(paths).size, paths.length, `each path once: ${paths.join(' ')}`);
  for (const entry of entries) {
    const { path } = entry;
    assert.match(path, /^(?:control_plane|logs|cloudtrail|guardduty)\/[^\u0000-\u0020\u007f-\uffff]+$/u, path);
    assert.ok(!path.split('/').some((part) => part === '' || part === '.' || part === '..'), path);
    assert.ok(path.length <= MAX_PATH && path.split('/').every((part) => part.length <= 255), path);
    assert.ok(entry.source !== '' && entry.method !== '', path);
    if (entry.kind === 'absent') checkAbsent(source, entry);
    else assert.ok(JSON.stringify(entry).length < 16 * MIB, `${path} is bounded`);
  }
}

function checkAbsent(source: Source, { path, outcome, reason, notes }: AbsentEntry): void {
  assert.ok(reason !== '' && reason.length <= MAX_REASON, `${path}: ${reason.slice(0, 200)}`);
  const action = notes?.()['action'];
  if (outcome === 'denied') assert.ok(source.actions.includes(String(action)), `${path}: ${String(action)}`);
}

/** Only credentials that do not work may end a source: every other one would fail as well. */
export function checkError(error: unknown): void {
  if (error === undefined) return;
  assert.ok(isAmberError(error) && error.code === 'ACQUIRE_CREDENTIALS', describeError(error));
}

export function testSource(source: Source, target: Target): void {
  const double = async (t: TestContext, answer: Answer | (() => Answer)): Promise<AwsProxy> => {
    const proxy = await awsProxy('http://127.0.0.1:9', '/nonexistent');
    proxy.rules.push(typeof answer === 'function' ? answer : () => answer);
    t.after(() => proxy.close());
    return proxy;
  };

  suite(`the source ${source.name}`, () => {
    test('says what it is, and needs only what reads', () => {
      assert.match(source.name, /^[a-z][a-z-]+$/u);
      assert.match(source.description, /^[A-Z].*\.$/su);
      assert.ok(source.actions.length > 0);
      for (const action of source.actions)
        assert.match(action, /^[a-z0-9]+:(?:Get|BatchGet|List|Describe|Lookup|Filter|StartQuery$)[A-Za-z]*$/u);
    });

    test('each refusal is an outcome of its own, and the action is named', async (t) => {
      for (const [what, [answer, outcome]] of Object.entries(REFUSALS)) {
        const proxy = await double(t, answer);
        const { entries, error } = await runSource(t, source, target, proxy.endpoint);
        assert.equal(error, undefined, what);
        checkEntries(source, entries);
        const refused = entries.filter(({ kind }) => kind === 'absent');
        for (const entry of refused)
          if (entry.byDesign === undefined && entry.outcome !== 'skipped')
            assert.equal(entry.outcome, outcome, `${what}: ${entry.path}: ${String(entry.reason)}`);
        // Where somebody was asked, somebody is told of.
        assert.ok(proxy.seen.length === 0 || entries.length > 0, `${what}: nothing is said`);
      }
    });

    test('credentials that do not work end it with the one error that says so', async (t) => {
      const proxy = await double(t, fault(400, 'ExpiredTokenException', 'expired'));
      const { entries, error } = await runSource(t, source, target, proxy.endpoint);
      checkEntries(source, entries);
      checkError(error);
      assert.ok(proxy.seen.length <= 16, `${String(proxy.seen.length)} requests with credentials that do not work`);
    });

    test('garbage becomes entries, never an exception', async (t) => {
      for (const [what, answer] of Object.entries(GARBAGE)) {
        const proxy = await double(t, answer);
        const { entries, error } = await runSource(t, source, target, proxy.endpoint);
        assert.equal(error, undefined, what);
        checkEntries(source, entries);
      }
    });

    test('a list without end ends with the signal, and so does a server that never answers', async (t) => {
      let page = 0;
      const endless = await double(t, () => endlessPage((page += 1)));
      const silent = await double(t, json({}));
      silent.delayMs = 60_000;
      for (const { endpoint } of [endless, silent]) {
        const cut = new AbortController();
        const { context } = contextAt(t, endpoint, cut.signal);
        const budget = { signal: cut.signal, yieldIfDue: () => undefined } as never;
        const started = performance.now();
        setTimeout(() => cut.abort(), 100);
        let last: Entry | undefined;
        const sink = { add: (entry: Entry) => void (last = entry), age: () => Promise.resolve() };
        await drainEntries({ name: source.name, start: () => source.acquire(target, context), budget }, sink);
        assert.ok(performance.now() - started < 3000, 'it ended soon');
        assert.notEqual(last?.path, '');
      }
    });
  });
}

/** A page of every list at once, with a token for the next one under every name that a service gives it. */
function endlessPage(page: number): Answer {
  const token = `token-${String(page)}`;
  return json({ NextMarker: token, NextToken: token, nextToken: token, Marker: token, IsTruncated: true });
}
