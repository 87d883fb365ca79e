import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openLocal } from '../../src/case/store/open.ts';
import { verifyCapture } from '../../src/case/verify/verify.ts';
import { sha256 } from '../servers/aws-proxy.ts';
import { replayTrail, trailOf } from '../servers/replay-trail.ts';
import { collect, scene, series, value } from './scene.ts';

const KEY = 'ASIAQNZEXAMPLE000001';

test('everything that the control plane knows of a function is in one tarball that verifies', async (t) => {
  const events = trailOf({ count: 130, newestMs: Math.floor(Date.now() / 1000) * 1000 - 60_000, accessKeyId: KEY });
  const set = await scene(t, replayTrail(events));
  if (set === undefined) return;
  const { made, proxy } = set;
  const { report, files, items } = await collect(proxy.endpoint, { accessKeyIds: [KEY] });

  assert.equal(report.state, 'whole');
  assert.equal(report.functionArn, made.functionArn);
  const verified = await verifyCapture(await openLocal(report.location));
  assert.equal(
    verified.verdict,
    'verified',
    JSON.stringify(verified.checks.filter((check) => check.state === 'failed')),
  );

  await t.test('the code of every version has the digest that Lambda states, and the backdoor is in the last', () => {
    for (const [version, digest] of Object.entries(made.versions)) {
      const zip = files.get(`control_plane/function/${version}/code.zip`);
      assert.ok(zip !== undefined, version);
      assert.equal(Buffer.from(sha256(zip), 'hex').toString('base64'), digest);
      assert.equal((value(files, `control_plane/function/${version}/code.json`) as { matches: boolean }).matches, true);
    }
    assert.deepEqual(Object.keys(made.versions).sort(), ['$LATEST', '1', '2', '3', '4', '5']);
    assert.notEqual(made.versions['5'], made.versions['4']);
  });

  await t.test('configurations tell digests, aliases their weights, policies who may invoke', () => {
    const { digests, Configuration, Code } = value(files, 'control_plane/function/5/configuration.json') as {
      digests: Record<string, string>;
      Configuration: { Layers: unknown[] };
      Code: { Location: string };
    };
    assert.equal(digests['CodeSha256'], made.versions['5']);
    assert.equal(digests['ConfigSha256'], Buffer.from('config of 5').toString('base64'));
    assert.equal(Configuration.Layers.length, 3);
    assert.ok(!Code.Location.includes('?'), 'the signature of the link is left out');
    const aliases = value(files, 'control_plane/aliases.json') as { Name: string; RoutingConfig: unknown }[];
    assert.deepEqual(
      aliases.map(({ Name, RoutingConfig }) => [Name, RoutingConfig]),
      [
        ['live', { AdditionalVersionWeights: { 5: 0.1 } }],
        ['old', undefined],
      ],
    );
    assert.ok(JSON.stringify(value(files, 'control_plane/policies/function.json')).includes('"anyone"'));
    assert.equal(
      (value(files, 'control_plane/concurrency.json') as { ReservedConcurrentExecutions: number })
        .ReservedConcurrentExecutions,
      7,
    );
    assert.equal((value(files, 'control_plane/urls.json') as { AuthType: string }[])[0]?.AuthType, 'NONE');
    assert.deepEqual(value(files, 'control_plane/tags.json'), { Tags: { team: 'payments' } });
  });

  await t.test('the layer of another account is recorded as denied, and points to /opt of a capture', () => {
    const denied = items.find((item) => item.outcome === 'denied');
    assert.equal(denied?.path, 'control_plane/layers/999988887777-shared-metrics-1/layer.zip');
    assert.match(denied.reason ?? '', /^lambda:GetLayerVersion is denied .*\[root\]\/opt of a capture$/u);
    assert.deepEqual(report.deniedActions, [], 'nothing that could be allowed');
    assert.equal(report.unfinished, false);
    assert.ok(report.problems.some((problem) => problem.includes('999988887777')));
    assert.ok(files.has('control_plane/layers/123456789012-amber-1/layer.zip'));
    assert.equal(
      (value(files, 'control_plane/layers/123456789012-vendor-sdk-1/layer.json') as { matches: boolean }).matches,
      true,
    );
  });

  await t.test('the role has its trust, inline, attached and boundary policies as documents', () => {
    const role = value(files, 'control_plane/roles/checkout-role/role.json') as {
      AssumeRolePolicyDocument: { Statement: unknown[] };
      PermissionsBoundary: { PermissionsBoundaryArn: string };
    };
    assert.equal(role.AssumeRolePolicyDocument.Statement.length, 1);
    assert.match(role.PermissionsBoundary.PermissionsBoundaryArn, /policy\/checkout-boundary$/u);
    assert.match(
      JSON.stringify(value(files, 'control_plane/roles/checkout-role/inline/evidence.json')),
      /s3:PutObject/u,
    );
    for (const name of ['checkout-boundary', 'checkout-tables'])
      assert.ok(
        (value(files, `control_plane/roles/policies/123456789012-${name}.json`) as { Document: unknown }).Document,
      );
  });

  await t.test('every event of every stream of the configured group is there', () => {
    const streams = [...files.keys()].filter((path) => path.startsWith('logs/shop/checkout-logs/2025/06/30/'));
    assert.equal(streams.length, made.streams);
    assert.equal(streams.flatMap((path) => (files.get(path) ?? '').toString().trim().split('\n')).length, made.events);
    assert.ok(!files.has('logs/aws/lambda/checkout/streams.jsonl'), 'the default group is not the configured one');
  });

  await t.test('CloudTrail has every event once, as LookupEvents words it, with times that plaso reads', () => {
    const rows = [
      ...new Set(
        [...files.keys()]
          .filter((path) => path.startsWith('cloudtrail/'))
          .map((path) => path.replace(/-\d{4}\.jsonl$/u, '')),
      ),
    ].flatMap((stem) =>
      series<{ EventId: string; EventTime: string; CloudTrailEvent: string; EventName: string }>(files, stem),
    );
    assert.deepEqual(rows.map((row) => row.EventId).sort(), events.map((event) => event.EventId).sort());
    assert.ok(
      files.has('cloudtrail/us-east-1/ResourceName=checkout-role-0000.jsonl'),
      'IAM and STS are recorded there',
    );
    for (const row of rows) assert.match(row.EventTime, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+00:00$/u);
    assert.equal((JSON.parse(rows[0]?.CloudTrailEvent ?? '') as { eventName: string }).eventName, rows[0]?.EventName);
  });
});

test('the secrets of the environment stand nowhere, and with a recipient nowhere but in the age files', async (t) => {
  const set = await scene(t);
  if (set === undefined) return;
  const { made, proxy } = set;
  const { files, report } = await collect(proxy.endpoint);
  for (const [path, body] of files) {
    assert.ok(!body.includes(made.secret), path);
    assert.ok(!body.includes('SESSIONTOKEN'), path);
  }
  const environment = (
    value(files, 'control_plane/function/1/configuration.json') as {
      Configuration: { Environment: { Variables: Record<string, string> } };
    }
  ).Configuration.Environment.Variables;
  assert.match(environment['DB_PASSWORD'] ?? '', /^<redacted:/u);
  assert.equal(environment['STAGE'], 'prod');
  assert.ok(!JSON.stringify(report).includes(made.secret));

  const sealed = await collect(
    proxy.endpoint,
    {},
    { recipient: 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p' },
  );
  assert.equal(sealed.report.state, 'whole');
  for (const name of readdirSync(sealed.report.location))
    assert.ok(!readFileSync(`${sealed.report.location}/${name}`).includes(made.secret), name);
});

test('a secret in an inline policy of the role stands in no output', async (t) => {
  const set = await scene(t);
  if (set === undefined) return;
  const { files, report, out } = await collect(set.proxy.endpoint, { sources: ['role'] });
  const planted = JSON.stringify(value(files, 'control_plane/roles/checkout-role/inline/planted.json'));
  assert.match(
    planted,
    /RequestTag\/DbPassword":"<redacted:[0-9a-f]{16}>","aws:RequestTag\/origin":"<redacted:[0-9a-f]{16}>"/u,
  );
  assert.equal(set.made.policySecrets.length, 2);
  for (const secret of set.made.policySecrets) {
    for (const [path, body] of files) assert.ok(!body.includes(secret), path);
    assert.ok(!JSON.stringify(report).includes(secret));
    for (const name of readdirSync(out, { recursive: true, encoding: 'utf8' })) {
      const path = join(out, name);
      assert.ok(!name.includes(secret) && (!statSync(path).isFile() || !readFileSync(path).includes(secret)), name);
    }
  }
});
