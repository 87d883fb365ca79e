/**
 * What processes of the function hand over for a capture that the extension makes: nothing of it is lost without a
 * line.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Collector, Entry, Finding, FindingsReport, CollectorContext } from '../../../src/contracts/evidence.ts';
import { handedOver } from '../../../src/host/extension/received-handoffs.ts';
import { readHanded } from '../../../src/host/handoff/findings.ts';
import { faultsOf } from '../../collect/ocsf-schema.ts';
import { makeContext } from '../../collect/context.ts';
import { findingsOf, INIT_MS, nowOf, processOf, within, ownOf } from '../../detect/scene.ts';
import { canIsolate } from '../../sandbox/ground.ts';
import { jsonOf, storedCaptures, type Stored } from '../extension/captures.ts';
import { openScene } from '../extension/sandbox.ts';

const facts = (path: string): Promise<unknown> =>
  Promise.resolve({ cost: { ms: 1 }, entries: [{ kind: 'json', path, source: 'v8', method: 'api', value: { path } }] });

function running(): { handed: Promise<unknown>[]; isSealed: boolean } {
  return { handed: [], isSealed: false };
}

async function collect(
  collector: Collector | undefined,
  context: CollectorContext = makeContext({}),
): Promise<Entry[]> {
  const entries: Entry[] = [];
  for await (const entry of collector?.collect(context) ?? []) entries.push(entry);
  return entries;
}

const pathsOf = (entries: readonly Entry[]): string[] => entries.map(({ path }) => path);

test('what comes while the capture is under way is stored at its end', async () => {
  const one = running();
  const [early, late] = handedOver(one).collectors;
  one.handed.push(facts('live_response/runtime.json'));
  assert.deepEqual(pathsOf(await collect(early)), ['live_response/runtime.json', 'live_response/handed-over.json']);
  assert.equal(one.isSealed, false);
  one.handed.push(facts('live_response/scripts.json'));
  assert.deepEqual(pathsOf(await collect(late)), ['live_response/scripts.json', 'live_response/handed-over-1.json']);
  assert.equal(one.isSealed, true);
});

test('nothing stored is replaced, and no name but those of facts is taken', async () => {
  const one = running();
  const [early, late] = handedOver(one).collectors;
  one.handed.push(facts('live_response/runtime.json'));
  await collect(early);
  for (const path of [
    'live_response/runtime.json',
    'live_response/processes.json',
    'live_response/handed-over.json',
    'manifest/0000.jsonl',
  ])
    one.handed.push(facts(path));
  const entries = await collect(late);
  assert.deepEqual(pathsOf(entries), [
    'live_response/runtime-1.json',
    'live_response/handed-over-1.json',
    'live_response/handed-over-2.json',
    'live_response/handed-over-3.json',
    'live_response/handed-over-4.json',
  ]);
  const last = entries.at(-1);
  assert.ok(last?.kind === 'absent' && last.outcome === 'skipped' && last.reason.startsWith('1 more'));
});

test('who says nothing that can be read is told of', async () => {
  const one = running();
  one.handed.push(Promise.resolve(undefined));
  const [entry] = await collect(handedOver(one).collectors[0]);
  assert.ok(entry?.kind === 'absent' && entry.outcome === 'timed-out');
});

const OURS: readonly Finding[] = findingsOf({
  now: nowOf({ processes: [processOf({ exe: '/tmp/tool', startMs: INIT_MS - 60_000 })] }),
});
const THEIRS: readonly Finding[] = findingsOf({
  now: within({ own: ownOf({ patched: [{ name: 'fetch', script: '' }] }) }),
});
const REPORT: FindingsReport = {
  by: 'extension',
  findings: OURS,
  threshold: 'high',
  baselineMs: INIT_MS,
  failed: {},
  left: [],
};
const own = (findings: unknown): Promise<unknown> =>
  Promise.resolve({
    entries: [
      {
        kind: 'json',
        path: 'live_response/function-process.json',
        source: 'x',
        method: 'api',
        value: { pid: 9, findings: { by: 'process', findings } },
      },
    ],
  });
const keysOf = (findings: readonly { readonly key: string }[]): string[] => findings.map(({ key }) => key);
const marked = (one: Finding): Finding => ({ ...one, handedOver: true });

test('what the process found stands in the list of the capture, behind ours and marked, each thing once', async () => {
  assert.ok(OURS.length > 0 && THEIRS.length > 0);
  const one = running();
  const {
    collectors: [early, late],
    withHanded,
  } = handedOver(one);
  const forged = { ...OURS[0], severity: 'low', title: 'nothing of note' };
  one.handed.push(own([...THEIRS, forged, ...THEIRS]));
  await collect(early);
  const { findings, left } = withHanded(REPORT);
  assert.deepEqual(findings, [...OURS, ...THEIRS.map(marked)]);
  assert.deepEqual(left, []);
  assert.deepEqual(pathsOf(await collect(late)), [], 'nothing is left to tell');
});

test('what comes when the list is written has one of its own, and its OCSF events hold the schema', async () => {
  for (const collects of [[], ['-findings']]) {
    const one = running();
    const {
      collectors: [early, late],
      withHanded,
    } = handedOver(one);
    await collect(early);
    withHanded(REPORT);
    one.handed.push(own([...OURS, ...THEIRS]));
    const context = makeContext({ options: { collect: collects } });
    const lists = (await collect(late, context)).filter(({ path }) => path.includes('findings-late'));
    if (collects.length > 0) assert.deepEqual(lists, [], 'the list was not wanted');
    else {
      const [rows, events] = lists.map((entry) => (entry.kind === 'jsonl' ? entry.rows : []));
      assert.deepEqual(pathsOf(lists), ['live_response/findings-late.jsonl', 'live_response/findings-late-ocsf.jsonl']);
      assert.deepEqual(rows, THEIRS.map(marked));
      for (const event of events ?? []) {
        assert.deepEqual(faultsOf(event as Readonly<Record<string, unknown>>), []);
        assert.match((event as { message: string }).message, / \(as a process of the function says\)$/u);
      }
    }
  }
});

test('what is no finding is counted and kept apart, and nothing of a finding is taken that has another form', () => {
  const [good] = OURS;
  assert.ok(good !== undefined);
  const bad: readonly unknown[] = [
    null,
    7,
    'x',
    [],
    {},
    { ...good, severity: 'fatal' },
    { ...good, kind: '__proto__' },
    { ...good, detector: '<b>' },
    { ...good, title: {} },
    { ...good, key: '' },
    { ...good, key: 'x'.repeat(20_000) },
    { ...good, technique: 'T1059' },
    { ...good, technique: { id: 'T1<b>' } },
  ];
  assert.deepEqual(readHanded({ findings: bad }), { kept: [], left: bad.length });
  for (const report of [undefined, null, 7, [], { findings: 'x' }])
    assert.deepEqual(readHanded(report), { kept: [], left: 0 });
  const odd = {
    ...good,
    title: 'x'.repeat(5000),
    more: 1,
    subject: { pid: -1, path: 7, name: 'x', more: 1 },
    evidence: ['a', 7, ...Array.from({ length: 50 }, () => 'b')],
    happened: { time: 'now', of: 'process' },
    attackVersion: 'x',
  };
  const [kept] = readHanded({ findings: [odd] }).kept;
  assert.deepEqual(
    [
      kept?.title.length,
      kept?.subject,
      kept?.evidence.length,
      kept?.happened,
      kept?.attackVersion,
      Object.hasOwn(kept ?? {}, 'more'),
    ],
    [300, { name: 'x' }, 7, undefined, '19', false],
  );
  const flood = readHanded({
    findings: Array.from({ length: 5000 }, (_, number) => ({ ...good, key: String(number) })),
  });
  assert.deepEqual([flood.kept.length, flood.left], [200, 4800]);
});

const skip =
  canIsolate() || process.env['REQUIRE_PEERS'] === '1'
    ? false
    : 'not run: needs root, for namespaces, and a checkout outside of /tmp';

test('a finding that only the process has stands in findings.jsonl and as OCSF of the capture that the extension makes', {
  skip,
}, async (t) => {
  const platform = await openScene(t, {
    handler: 'wrapped.handler',
    memoryMb: 177, // it waits 200 ms to be heard, which a busy machine may need
    env: { AMBER_DETECT: 'high,-code-changed' },
  });
  await platform.invoke({}, 20_000);
  await platform.idle();
  await platform.invoke({ patch: true }, 20_000);
  await platform.idle();
  for (let number = 0; number < 4; number += 1) await platform.invoke({ waitMs: 200 }, 20_000);
  await platform.idle();
  const found = (await storedCaptures(platform.ground.evidence)).filter(
    ({ manifest }) => manifest?.cause.trigger === 'anomaly',
  );
  const [one, ...more] = found;
  assert.ok(one !== undefined && more.length === 0, platform.log());
  assert.equal(
    (jsonOf(one, 'live_response/invocation.json') as { sandbox: { inProcess: boolean } }).sandbox.inProcess,
    false,
    platform.log(),
  );
  const said = (
    jsonOf(one, 'live_response/function-process.json') as { findings: FindingsReport }
  ).findings.findings.filter(({ detector }) => detector === 'patched-builtins');
  assert.ok(said.length > 0, platform.log());
  const listed = [
    ...rowsOf(one, 'live_response/findings.jsonl'),
    ...rowsOf(one, 'live_response/findings-late.jsonl'),
  ] as readonly Partial<Finding>[];
  const named = listed.filter(({ detector }) => detector === 'patched-builtins');
  assert.deepEqual(
    named.map(({ key, handedOver: by }) => [key, by]),
    keysOf(said).map((key) => [key, true]),
  );
  const events = [
    ...rowsOf(one, 'live_response/findings-ocsf.jsonl'),
    ...rowsOf(one, 'live_response/findings-late-ocsf.jsonl'),
  ] as readonly { finding_info: { uid: string } }[];
  for (const { key } of said)
    assert.equal(events.filter((event) => event.finding_info.uid.endsWith(`/${key}`)).length, 1);
  for (const event of events) assert.deepEqual(faultsOf(event as unknown as Readonly<Record<string, unknown>>), []);
});

function rowsOf(one: Stored, path: string): readonly unknown[] {
  return (one.entries.get(path)?.toString() ?? '')
    .split('\n')
    .filter((line) => line !== '')
    .map((line): unknown => JSON.parse(line));
}
