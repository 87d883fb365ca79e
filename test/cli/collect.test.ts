import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { S3 } from '@aws-sdk/client-s3';
import { EXIT } from '../../src/cli/amber.ts';
import { fault, json, onOperation } from '../servers/aws-proxy.ts';
import { replayTrail, trailOf } from '../servers/replay-trail.ts';
import { freshFolder, scene } from '../acquire/scene.ts';
import { program, type Ran } from './program.ts';

async function amber(argv: readonly string[], tty = false): Promise<Ran> {
  return program(argv, { tty });
}

const KEY = 'ASIAQNZEXAMPLE000001';

/** What `amber collect` reads of a capture: its commit marker. */
function captureWithKey(functionName: string, accessKeyId: string): string {
  const folder = join(freshFolder(), 'capture=0197c0de-0000-7000-8000-0000000000aa');
  mkdirSync(folder);
  const manifest = {
    format: 'amber-capture/1',
    captureId: '0197c0de-0000-7000-8000-0000000000aa',
    state: 'whole',
    cause: { trigger: 'flag', reason: 'r' },
    identity: { functionName, accessKeyId },
    tool: { name: 'lambda-amber', version: '0', sha256: null, node: 'v24' },
    clocks: {
      started: '2025-06-30T09:00:00.000Z',
      ended: '2025-06-30T09:00:01.000Z',
      elapsedMs: 1,
      destinationOffsetSeconds: null,
    },
    compression: 'zstd',
    recipient: null,
    segments: [],
    tarball: { sha256: '0'.repeat(64), bytes: 0, tarBytes: 0 },
    chain: { head: null, parts: 0 },
    outcomes: {},
    collectors: {},
    exceptions: [],
    redactions: 0,
    cost: { cpuMs: 0, rssBefore: 0, rssAfter: 0 },
    limits: {},
  };
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest));
  return folder;
}

test('collect, verify, captures and hunt, one after the other, as a responder would', async (t) => {
  const events = trailOf({ count: 60, newestMs: Math.floor(Date.now() / 1000) * 1000 - 60_000, accessKeyId: KEY });
  const set = await scene(t, replayTrail(events));
  if (set === undefined) return;
  const out = freshFolder();
  const base = ['collect', 'checkout', '--out', out, '--endpoint', set.proxy.endpoint, '--since', '1d'];
  const collected = await amber(
    [...base, '--captures', captureWithKey('checkout', KEY), '--sources', 'versions,logs,cloudtrail', '--json'],
    true,
  );
  const report = JSON.parse(collected.out) as {
    state: string;
    location: string;
    problems: string[];
    deniedActions: string[];
    figures: { requests: number };
  };
  assert.equal(report.state, 'whole');
  assert.equal(collected.code, EXIT.ok, collected.err);
  assert.match(collected.err, /1 access key in captures of checkout/u);
  assert.match(collected.err, /\r\d+ of \d+ steps, \d+ requests \(\d+ in flight/u, 'progress on a terminal');
  assert.ok(set.proxy.seen.includes('LookupEvents'));

  assert.equal((await amber(['verify', report.location])).code, EXIT.ok);
  const listed = JSON.parse((await amber(['captures', out, '--json'])).out) as {
    captures: { functionName: string; trigger: string; state: string }[];
  };
  assert.deepEqual(
    listed.captures.map(({ functionName, trigger, state }) => [functionName, trigger, state]),
    [['checkout', 'collect', 'whole']],
  );

  const findings = join(out, 'findings.jsonl');
  const hunted = await amber(['hunt', '--offline', out, '--findings', findings]);
  assert.equal(hunted.code, EXIT.problem);
  assert.match(hunted.out, /secrets-printed +T1552\.001/u);
  assert.match(hunted.out, /1 hit in 60 log events/u);
  assert.equal((JSON.parse(readFileSync(findings, 'utf8').trim()) as { hunt: string }).hunt, 'secrets-printed');
  assert.equal(
    (await amber(['hunt', '--offline', out, '--findings', findings])).code,
    EXIT.usage,
    'nothing is written over',
  );
  assert.equal((await amber(['hunt', '--offline', out, '--hunts', 'miner-output'])).code, EXIT.ok);
  const tarball = readdirSync(report.location).find((name) => name.startsWith('capture.tar')) ?? '';
  assert.match((await amber(['hunt', '--offline', join(report.location, tarball)])).out, /1 hit in 60 log events/u);

  const { events: merged, sources } = JSON.parse((await amber(['timeline', out, '--json'])).out) as {
    events: { timestamp: number; source: string; event_id?: string; resource?: string }[];
    sources: Record<string, number>;
  };
  assert.deepEqual([sources['logs'], sources['cloudtrail'], sources['capture']], [60, 60, 2]);
  assert.equal(
    new Set(merged.filter(({ source }) => source === 'cloudtrail').map(({ event_id }) => event_id)).size,
    60,
    'found by several queries, told once',
  );
  assert.ok(
    merged.some(({ resource }) => resource?.endsWith(':function:checkout:5')),
    'the version that was put in last',
  );
  assert.ok(merged.every(({ timestamp }, index) => index === 0 || timestamp >= (merged[index - 1]?.timestamp ?? 0)));
});

test('show tells of a collection what a responder asks first', async (t) => {
  const set = await scene(t);
  if (set === undefined) return;
  const out = freshFolder();
  await amber([
    'collect',
    'checkout',
    '--out',
    out,
    '--endpoint',
    set.proxy.endpoint,
    '--sources',
    'versions,layers,aliases,policies,urls,role,logs',
  ]);
  const { out: told, code } = await amber(['show', out]);
  assert.equal(code, EXIT.ok);
  const rows = told.split('\n').map((line) => line.trim().replaceAll(/ {2,}/gu, ' | '));
  const row = (start: string): string => rows.find((line) => line.startsWith(start)) ?? '';
  assert.match(row('4 |'), /\| new code \| verified \|.*\| live$/u);
  assert.match(row('5 |'), /\| new code \| verified \|.*\| live 10 %$/u);
  assert.match(row('$LATEST |'), /\| code of 5 \| verified \|/u);
  assert.match(row('function | Allow'), /"\*" \| ANYBODY$/u);
  assert.match(row('URL |'), /NONE .*ANYBODY$/u);
  assert.match(row('999988887777 shared-metrics:1'), /not there \| ANOTHER ACCOUNT \| versions/u);
  assert.match(row('123456789012 amber:1'), /verified/u);
  assert.match(row('shop/checkout-logs'), /\| out \| arn:aws:lambda/u);
  assert.ok(!told.includes(set.made.secret));
});

test('hunt goes through Logs Insights, doctor says what to do', async (t) => {
  const set = await scene(
    t,
    onOperation('StartQuery', json({ queryId: 'q' })),
    onOperation(
      'GetQueryResults',
      json({
        status: 'Complete',
        results: [
          [
            { field: '@logStream', value: 's' },
            { field: 'inits', value: '2' },
          ],
        ],
        statistics: { recordsScanned: 60 },
      }),
    ),
  );
  if (set === undefined) return;
  const hunted = await amber(['hunt', 'checkout', '--hunts', 'reset-in-place', '--endpoint', set.proxy.endpoint]);
  assert.equal(hunted.code, EXIT.problem);
  assert.match(hunted.out, /reset-in-place .*\n.*@logStream=s inits=2\n1 hit in 60 log events/u);
  const looked = await amber(['doctor', 'checkout', '--endpoint', set.proxy.endpoint, '--json']);
  const { ready, checks } = JSON.parse(looked.out) as {
    ready: boolean;
    checks: { name: string; state: string; fix?: string }[];
  };
  assert.deepEqual([looked.code, ready], [EXIT.problem, false]);
  assert.ok(checks.filter(({ state }) => state === 'failed').every(({ fix }) => fix !== undefined));
});

test('a collection goes to a bucket like a capture', async (t) => {
  const set = await scene(t);
  if (set === undefined) return;
  const s3 = new S3({ endpoint: set.motoEndpoint, region: 'us-east-1', forcePathStyle: true });
  const Bucket = `cli-${Date.now()}`;
  await s3.createBucket({ Bucket });
  const state = join(freshFolder(), 'state.jsonl');
  const ran = await amber([
    'collect',
    'checkout',
    '--destination',
    `s3://${Bucket}/case`,
    '--endpoint',
    set.proxy.endpoint,
    '--sources',
    'versions,tags',
    '--state',
    state,
    '--json',
  ]);
  assert.equal(ran.code, EXIT.ok, ran.out + ran.err);
  const names = ((await s3.listObjectsV2({ Bucket })).Contents ?? []).map(({ Key }) => Key?.split('/').at(-1)).sort();
  assert.deepEqual(names, ['capture-0000.tar.zst', 'manifest.json']);
  s3.destroy();
});

test('what goes wrong is one line, a code and an exit code', async (t) => {
  const set = await scene(t);
  if (set === undefined) return;
  const out = freshFolder();
  const at = ['--endpoint', set.proxy.endpoint, '--out', out];
  const cases: readonly (readonly [argv: readonly string[], code: number, says: RegExp])[] = [
    [
      ['collect', 'no-such-function', ...at],
      EXIT.unreachable,
      /ACQUIRE_MISSING: There is no function "no-such-function" in eu-central-1/u,
    ],
    [['collect', 'checkout', '--endpoint', set.proxy.endpoint], EXIT.usage, /--out DIR, or --destination/u],
    [['collect', 'checkout', ...at, '--destination', 's3://bucket/p'], EXIT.usage, /not both/u],
    [
      ['collect', 'checkout', ...at, '--since', 'yesterday'],
      EXIT.usage,
      /--since is "yesterday"; expected a time with its zone/u,
    ],
    [['collect', 'checkout', ...at, '--since', '1h', '--until', '2h'], EXIT.usage, /ends before it begins/u],
    [['collect', 'checkout', ...at, '--recipient', 'age1nonsense'], EXIT.usage, /recipient/u],
    [
      ['collect', 'checkout', ...at, '--sources', 'versions,nothing'],
      EXIT.usage,
      /--sources has "nothing"; expected names out of versions, /u,
    ],
    [['collect', 'checkout', ...at, '--captures', join(out, 'not-there')], EXIT.unreachable, /CASE_MISSING/u],
    [['collect', ...at], EXIT.usage, /FUNCTION is missing/u],
    [['hunt', '--offline', out], EXIT.problem, /no log events/u],
    [
      ['hunt', 'checkout', '--hunts', 'x', '--endpoint', set.proxy.endpoint],
      EXIT.usage,
      /--hunts has "x"; expected ids/u,
    ],
    [['hunt', '--offline', out, '--context', 'many'], EXIT.usage, /--context is "many"/u],
    [['doctor', 'no-such-function', '--endpoint', set.proxy.endpoint], EXIT.unreachable, /ACQUIRE_MISSING/u],
    [['doctor'], EXIT.usage, /FUNCTION is missing/u],
  ];
  for (const [argv, code, says] of cases) {
    const ran = await amber(argv);
    assert.equal(ran.code, code, `${argv.join(' ')}: ${ran.err}${ran.out}`);
    assert.match(ran.err + ran.out, says);
  }
  assert.deepEqual(readdirSync(out), [], 'nothing is written');
  set.proxy.rules.push(onOperation('GetFunctionConfiguration', fault(403, 'ExpiredTokenException')));
  const expired = await amber(['collect', 'checkout', ...at]);
  assert.deepEqual(
    [expired.code, /^amber: ACQUIRE_CREDENTIALS: .*\(ExpiredTokenException\)/u.test(expired.err)],
    [EXIT.unreachable, true],
    expired.err,
  );
});

test('hunts over a folder whose log writes to the terminal render it safely', async () => {
  const folder = freshFolder();
  mkdirSync(join(folder, 'logs/aws/lambda/x'), { recursive: true });
  const rows = [
    { timestamp: 1, logStreamName: '\u001b[31mred', message: 'sh: 1: nc: not found \u001b]0;title\u0007' },
    { timestamp: 'x' },
    'no object',
    { timestamp: 2, logStreamName: 's', message: 'xmrig '.repeat(3) },
  ];
  writeFileSync(
    join(folder, 'logs/aws/lambda/x/stream-0000.jsonl'),
    `${rows.map((row) => JSON.stringify(row)).join('\n')}\n{"broken`,
  );
  const ran = await amber(['hunt', '--offline', folder], true);
  assert.equal(ran.code, EXIT.problem);
  assert.match(ran.out, /2 hits in 2 log events/u);
  assert.ok(!/\u001b\](?!\[)|\u001b\[31mred|\u0007/u.test(ran.out), JSON.stringify(ran.out));
  const listed = await amber(['hunt', '--list', '--json']);
  assert.equal((JSON.parse(listed.out) as unknown[]).length, 20);
});
