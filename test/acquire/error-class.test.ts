import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fault, onOperation, type Answer } from '../servers/aws-proxy.ts';
import { replayTrail, trailOf } from '../servers/replay-trail.ts';
import { collect, freshFolder, scene, series, value } from './scene.ts';
import { openLocal } from '../../src/case/store/open.ts';
import { verifyCapture } from '../../src/case/verify/verify.ts';

const CONTROL = ['versions', 'layers', 'aliases', 'policies', 'role'];

function iamDenied(action: string): Answer {
  return {
    status: 403,
    headers: { 'content-type': 'text/xml' },
    body: `<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User: arn:aws:iam::123456789012:user/responder is not authorized to perform: iam:${action} on resource: role checkout-role</Message></Error><RequestId>1</RequestId></ErrorResponse>`,
  };
}

test('throttling is waited out, counted, and nothing is lost', async (t) => {
  const set = await scene(
    t,
    onOperation('GetFunction', fault(429, 'TooManyRequestsException', 'Rate exceeded'), 4),
    onOperation('FilterLogEvents', fault(400, 'ThrottlingException', 'Rate exceeded'), 1),
  );
  if (set === undefined) return;
  const { report, files } = await collect(set.proxy.endpoint, { sources: ['versions', 'logs'] });
  assert.equal(report.state, 'whole');
  assert.equal(report.figures.throttled, 5);
  for (const version of Object.keys(set.made.versions))
    assert.ok(files.has(`control_plane/function/${version}/code.zip`), version);
  assert.equal(report.unfinished, false);
});

test('what is denied is named with its action, everything else is there, and a second run gets just that', async (t) => {
  const set = await scene(
    t,
    ...['GetRole', 'ListAttachedRolePolicies'].map((name) => onOperation(name, iamDenied(name), 1)),
    onOperation('GetPolicy', fault(403, 'AccessDeniedException'), 1),
  );
  if (set === undefined) return;
  const out = freshFolder();
  const statePath = join(out, 'state.jsonl');
  const first = await collect(set.proxy.endpoint, { sources: CONTROL, statePath }, {}, out);
  assert.equal(first.report.state, 'whole');
  assert.deepEqual(first.report.deniedActions, ['iam:GetRole', 'iam:ListAttachedRolePolicies', 'lambda:GetPolicy']);
  assert.equal(first.items.find((item) => item.path.endsWith('/role.json'))?.outcome, 'denied');
  assert.match(first.items.find((item) => item.path.endsWith('/role.json'))?.reason ?? '', /^iam:GetRole is denied/u);
  assert.equal(first.report.unfinished, true);

  const downloads = set.proxy.seen.filter((operation) => operation === 'Download').length;
  const second = await collect(set.proxy.endpoint, { sources: CONTROL, statePath }, {}, out);
  assert.ok(second.report.resumed > 20);
  assert.equal(
    set.proxy.seen.filter((operation) => operation === 'Download').length,
    downloads,
    'code is not loaded again',
  );
  assert.ok(second.files.has('control_plane/roles/checkout-role/role.json'));
  assert.ok(second.files.has('control_plane/roles/checkout-role/attached_policies.json'));
  assert.ok(second.files.has('control_plane/policies/function.json'));
  assert.equal(second.report.unfinished, false);
  assert.ok(
    readdirSync(out).some((name) => name.endsWith('.done.jsonl')),
    'a finished collection is not gone on from',
  );
});

test('a version that is deleted in the middle keeps its configuration from the list, and is told of', async (t) => {
  const set = await scene(
    t,
    onOperation('GetFunction', ({ url }) =>
      url.searchParams.get('Qualifier') === '3' ? fault(404, 'ResourceNotFoundException') : undefined,
    ),
  );
  if (set === undefined) return;
  const { report, files, items } = await collect(set.proxy.endpoint, { sources: ['versions'] });
  assert.equal(report.state, 'whole');
  assert.equal(items.find((item) => item.path === 'control_plane/function/3/code.zip')?.outcome, 'missing');
  assert.equal(
    (value(files, 'control_plane/function/3/configuration.json') as { Configuration: { CodeSha256: string } })
      .Configuration.CodeSha256,
    set.made.versions['3'],
  );
  assert.ok(files.has('control_plane/function/4/code.zip'));
  assert.deepEqual(report.problems, ['version 3: its code could not be asked for']);
});

test('credentials that expire stop the collection with one clear error; renewed, it goes on', async (t) => {
  const events = trailOf({
    count: 400,
    newestMs: Math.floor(Date.now() / 1000) * 1000 - 60_000,
    accessKeyId: 'ASIAQNZEXAMPLE000001',
  });
  let lookups = 0;
  let expired = true;
  const set = await scene(
    t,
    onOperation('LookupEvents', () =>
      expired && (lookups += 1) > 7
        ? fault(400, 'ExpiredTokenException', 'The security token included in the request is expired')
        : undefined,
    ),
    replayTrail(events),
  );
  if (set === undefined) return;
  const out = freshFolder();
  const request = {
    sources: ['cloudtrail'],
    statePath: join(out, 'state.jsonl'),
    accessKeyIds: ['ASIAQNZEXAMPLE000001'],
  };
  const first = await collect(set.proxy.endpoint, request, {}, out);
  assert.equal(first.report.stopped?.code, 'ACQUIRE_CREDENTIALS');
  assert.match(first.report.stopped.message, /run the same command again/u);
  assert.equal(first.report.state, 'whole', 'what was collected is closed in order');
  assert.equal((await verifyCapture(await openLocal(first.report.location))).verdict, 'verified');

  expired = false;
  const second = await collect(set.proxy.endpoint, request, {}, out);
  assert.equal(second.report.unfinished, false);
  const ids = [first, second]
    .flatMap(({ files }) =>
      [
        ...new Set(
          [...files.keys()]
            .filter((path) => path.startsWith('cloudtrail/'))
            .map((path) => path.replace(/-\d{4}\.jsonl$/u, '')),
        ),
      ].flatMap((stem) => series<{ EventId: string }>(files, stem)),
    )
    .map((row) => row.EventId);
  assert.deepEqual(
    [...new Set(ids)].sort(),
    events.map((event) => event.EventId).sort(),
    'nothing is lost between the two',
  );
});

test('a download that breaks is taken up where it broke; bytes that are not what Lambda states are a finding', async (t) => {
  let broken = 0;
  const set = await scene(t);
  if (set === undefined) return;
  const { packages, made, proxy } = set;
  const hex = Buffer.from(made.versions['2'] ?? '', 'base64').toString('hex');
  const other = Buffer.from(made.versions['4'] ?? '', 'base64').toString('hex');
  proxy.rules.push(
    onOperation('Download', ({ url }) => {
      if (url.pathname.endsWith(hex) && (broken += 1) === 1)
        return { status: 200, body: readFileSync(join(packages, `${hex}.zip`)), cutAfter: 100 };
      if (url.pathname.endsWith(other)) return { status: 200, body: Buffer.from('not the code that was deployed') };
      return undefined;
    }),
  );
  const { report, files } = await collect(proxy.endpoint, { sources: ['versions'] });
  const cut = value(files, 'control_plane/function/2/code.json') as { matches: boolean; attempts: number };
  assert.deepEqual([cut.matches, cut.attempts], [true, 2]);
  assert.deepEqual(files.get('control_plane/function/2/code.zip'), readFileSync(join(packages, `${hex}.zip`)));
  assert.equal((value(files, 'control_plane/function/4/code.json') as { matches: boolean }).matches, false);
  assert.match(report.problems.join('\n'), /function\/4\/code\.zip: the bytes do not have the CodeSha256/u);
});

test('an unknown function, credentials that do not work and no answer are one clear error each, and nothing is written', async (t) => {
  const set = await scene(t);
  if (set === undefined) return;
  const out = freshFolder();
  await assert.rejects(collect(set.proxy.endpoint, { functionName: 'no-such' }, {}, out), {
    code: 'ACQUIRE_MISSING',
    message: /no function "no-such" in eu-central-1/u,
  });
  set.proxy.rules.push(onOperation('GetFunctionConfiguration', fault(403, 'UnrecognizedClientException'), 1));
  await assert.rejects(collect(set.proxy.endpoint, {}, {}, out), { code: 'ACQUIRE_CREDENTIALS' });
  await assert.rejects(collect(set.proxy.endpoint, { functionName: '../../etc' }, {}, out), { code: 'USAGE' });
  await assert.rejects(collect(set.proxy.endpoint, { sources: ['nothing'] }, {}, out), {
    code: 'USAGE',
    message: /expected names out of versions, layers/u,
  });
  assert.deepEqual(readdirSync(out), []);
});

test('Ctrl-C closes the tarball in order', async (t) => {
  const stop = new AbortController();
  const set = await scene(
    t,
    onOperation('GetPolicy', () => {
      stop.abort();
      return undefined;
    }),
  );
  if (set === undefined) return;
  const { report } = await collect(set.proxy.endpoint, {
    signal: stop.signal,
    sources: ['versions', 'policies', 'role'],
  });
  assert.equal(report.stopped?.code, 'CAPTURE_ABORTED');
  assert.equal(report.state, 'whole');
  assert.equal(report.completeness, 'partial');
  assert.equal(report.unfinished, true);
  const capture = await openLocal(report.location);
  assert.match(capture.manifest?.endedEarly ?? '', /^The collection was stopped before its end/u);
  assert.equal(capture.manifest?.completeness?.state, 'partial');
  assert.match(capture.manifest.completeness.reasons[0]?.reason ?? '', /^ended early: The collection was stopped/u);
  assert.equal((await verifyCapture(capture)).verdict, 'verified');
});
