import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { json, onOperation, type Rule } from '../servers/aws-proxy.ts';
import { trailOf } from '../servers/replay-trail.ts';
import { collect, lines, scene, series, value } from './scene.ts';

/** Changes what GetFunction says of a version. */
function altered(
  change: (answer: { Configuration: Record<string, unknown>; Code: Record<string, unknown> }) => void,
): Rule {
  return onOperation('GetFunction', ({ url }) => {
    const version = url.searchParams.get('Qualifier') ?? '$LATEST';
    const answer = {
      Configuration: {
        FunctionName: 'checkout',
        Version: version,
        PackageType: 'Zip',
        CodeSha256: '',
        CodeSize: 0,
      } as Record<string, unknown>,
      Code: {} as Record<string, unknown>,
    };
    change(answer);
    return json(answer);
  });
}

test('a container image is named by its digest; nothing is pulled', async (t) => {
  const image = '123456789012.dkr.ecr.eu-central-1.amazonaws.com/checkout@sha256:0123';
  const set = await scene(
    t,
    altered(({ Configuration, Code }) => {
      Configuration['PackageType'] = 'Image';
      Code['RepositoryType'] = 'ECR';
      Code['ResolvedImageUri'] = image;
    }),
  );
  if (set === undefined) return;
  const { items, files } = await collect(set.proxy.endpoint, { sources: ['versions'] });
  const item = items.find((one) => one.path === 'control_plane/function/5/image');
  assert.equal(item?.outcome, 'skipped');
  assert.ok(item.reason?.includes(image));
  assert.equal(
    (value(files, 'control_plane/function/5/configuration.json') as { Code: { ResolvedImageUri: string } }).Code
      .ResolvedImageUri,
    image,
  );
});

test("code that lies in the customer's bucket is read in the version that Lambda resolved", async (t) => {
  const body = Buffer.from('a deployment package that Lambda keeps no copy of');
  const set = await scene(t);
  if (set === undefined) return;
  const bucket = `code-${Date.now()}`;
  await put(set.motoEndpoint, bucket, undefined, '');
  await put(set.motoEndpoint, bucket, 'checkout.zip', body);
  set.proxy.rules.push(
    altered(({ Configuration, Code }) => {
      Configuration['CodeSha256'] = hash('sha256', body, 'base64');
      Configuration['CodeSize'] = body.length;
      Code['ResolvedS3Object'] = { S3Bucket: bucket, S3Key: 'checkout.zip' };
    }),
  );
  const { files } = await collect(set.proxy.endpoint, { sources: ['versions'] });
  assert.deepEqual(files.get('control_plane/function/2/code.zip'), body);
  const facts = value(files, 'control_plane/function/2/code.json') as { matches: boolean; object: object };
  assert.equal(facts.matches, true);
  assert.deepEqual(facts.object, { S3Bucket: bucket, S3Key: 'checkout.zip' });
});

async function put(endpoint: string, bucket: string, key: string | undefined, body: string | Buffer): Promise<void> {
  const answer = await fetch(`${endpoint}/${bucket}${key === undefined ? '' : `/${key}`}`, {
    method: 'PUT',
    body,
    headers: {
      authorization:
        'AWS4-HMAC-SHA256 Credential=a/20250630/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0',
    },
  });
  if (!answer.ok) throw new Error(`PUT ${bucket}/${key ?? ''}: ${answer.status} ${await answer.text()}`);
}

test('the files of a trail give the records that name the function, each once, with the files that they stand in', async (t) => {
  const set = await scene(t);
  if (set === undefined) return;
  const bucket = `trail-${Date.now()}`;
  await put(set.motoEndpoint, bucket, undefined, '');
  const newestMs = Math.floor(Date.now() / 1000) * 1000 - 3_600_000;
  const records = trailOf({ count: 600, newestMs, accessKeyId: 'ASIAQNZEXAMPLE000001' }).map(
    (event) => event.CloudTrailEvent,
  );
  const other = JSON.stringify({
    eventID: 'x',
    eventTime: new Date(newestMs).toISOString(),
    eventName: 'ListBuckets',
    userIdentity: { arn: 'arn:aws:iam::123456789012:user/alice' },
    note: 'quotes \\" and {braces} in text',
  });
  const day = new Date(newestMs).toISOString().slice(0, 10).replaceAll('-', '/');
  const folder = `org/AWSLogs/123456789012/CloudTrail/eu-central-1/${day}`;
  // The second file repeats a hundred records of the first: delivery is at least once.
  const parts = [records.slice(0, 350), records.slice(250)];
  for (const [index, part] of parts.entries())
    await put(
      set.motoEndpoint,
      bucket,
      `${folder}/file-${index}.json.gz`,
      gzipSync(`{"Records":[${[...part, other].join(',')}]}`),
    );
  await put(
    set.motoEndpoint,
    bucket,
    `${folder}/file-2.json.gz`,
    gzipSync(`{"Records":[${records[0] ?? ''},${records[1]?.slice(0, 100) ?? ''}`),
  );
  await put(set.motoEndpoint, bucket, `${folder}/file-3.json.gz`, 'not gzip at all');

  const { files, items, report } = await collect(set.proxy.endpoint, {
    sources: ['cloudtrail', 'trail-files'],
    trail: `s3://${bucket}/org`,
  });
  const rows = series<{ EventId: string; EventTime: string; Username: string; FoundBy: string }>(
    files,
    'cloudtrail/trail',
  );
  assert.equal(rows.length, records.length);
  assert.equal(new Set(rows.map((row) => row.EventId)).size, records.length);
  for (const row of rows) assert.match(row.EventTime, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+00:00$/u);
  assert.equal(rows[0]?.FoundBy, `s3://${bucket}/${folder}/file-0.json.gz`);
  assert.deepEqual(
    lines<{ records: number; taken: number }>(files.get('cloudtrail/trail-files.jsonl')).map(
      ({ records: all, taken }) => [all, taken],
    ),
    [
      [351, 350],
      [351, 250],
    ],
  );
  const broken = items.filter((item) => item.outcome === 'failed').map((item) => item.path.split('/').at(-1));
  assert.deepEqual(broken.sort(), ['file-2.json.gz', 'file-3.json.gz']);
  assert.equal(report.unfinished, true);
  assert.ok(!set.proxy.seen.includes('LookupEvents'), 'the event history is not asked as well');
});

test('GuardDuty findings on the function are taken; durable executions with their histories', async (t) => {
  const finding = {
    Id: 'f1',
    Type: 'CryptoCurrency:Lambda/BitcoinTool.B',
    Severity: 8,
    resource: {},
    updatedAt: '2025-06-30T09:00:00Z',
  };
  const arn = 'arn:aws:lambda:eu-central-1:123456789012:function:checkout:5/durable-execution/order-1/0197c0de';
  const set = await scene(
    t,
    onOperation('ListDetectors', json({ detectorIds: ['d1'] })),
    onOperation('ListFindings', json({ findingIds: ['f1'] })),
    onOperation('GetFindings', json({ findings: [{ id: finding.Id, type: finding.Type, severity: 8 }] })),
    onOperation(
      'GetFunctionConfiguration',
      json({
        FunctionName: 'checkout',
        FunctionArn: 'arn:aws:lambda:eu-central-1:123456789012:function:checkout',
        Version: '$LATEST',
        DurableConfig: { ExecutionTimeout: 60 },
      }),
    ),
    onOperation(
      'ListDurableExecutionsByFunction',
      json({
        DurableExecutions: [
          {
            DurableExecutionArn: arn,
            DurableExecutionName: 'order-1',
            FunctionArn: 'arn',
            Status: 'SUCCEEDED',
            StartTimestamp: 1_751_275_000,
          },
        ],
      }),
    ),
    onOperation(
      'GetDurableExecutionHistory',
      json({ Events: [{ EventId: 1, EventType: 'ExecutionStarted', EventTimestamp: 1_751_275_000 }] }),
    ),
  );
  if (set === undefined) return;
  const { files } = await collect(set.proxy.endpoint, {
    sources: ['guardduty', 'durable-executions'],
    accessKeyIds: ['ASIAQNZEXAMPLE000001'],
  });
  assert.deepEqual(
    lines<{ Type: string }>(files.get('guardduty/findings.jsonl')).map(({ Type }) => Type),
    [finding.Type],
  );
  assert.equal(lines<{ Status: string }>(files.get('control_plane/durable_executions.jsonl'))[0]?.Status, 'SUCCEEDED');
  assert.equal(
    lines<{ EventType: string }>(files.get('control_plane/durable_executions/order-1-0197c0de-0000.jsonl'))[0]
      ?.EventType,
    'ExecutionStarted',
  );
});

test('the files of a trail give every record of the bucket that holds the captures, whoever called', async (t) => {
  const set = await scene(t);
  if (set === undefined) return;
  const trail = `trail-of-buckets-${Date.now()}`;
  await put(set.motoEndpoint, trail, undefined, '');
  const newestMs = Math.floor(Date.now() / 1000) * 1000 - 3_600_000;
  const called = (eventName: string, bucketName: string, arn?: string): string =>
    JSON.stringify({
      eventID: `${eventName} ${bucketName}`,
      eventTime: new Date(newestMs).toISOString(),
      eventSource: 's3.amazonaws.com',
      eventName,
      userIdentity: { arn: 'arn:aws:iam::123456789012:user/mallory' },
      requestParameters: { bucketName },
      resources: [{ type: 'AWS::S3::Bucket', ARN: arn ?? `arn:aws:s3:::${bucketName}` }],
    });
  const records = [
    called('DeleteObjects', 'evidence-bucket'),
    called('PutBucketPolicy', 'evidence-bucket'),
    called('DeleteObject', 'named-bucket', 'arn:aws:s3:::named-bucket/amber/x'),
    called('DeleteObjects', 'evidence-bucket-of-another'),
    called('DeleteObjects', 'another-evidence-bucket'),
    called('DeleteObjects', 'third'),
  ];
  const day = new Date(newestMs).toISOString().slice(0, 10).replaceAll('-', '/');
  await put(
    set.motoEndpoint,
    trail,
    `AWSLogs/123456789012/CloudTrail/eu-central-1/${day}/one.json.gz`,
    gzipSync(`{"Records":[${records.join(',')}]}`),
  );
  const kept = async (captures?: string): Promise<readonly string[]> => {
    const { files } = await collect(set.proxy.endpoint, {
      sources: ['trail-files'],
      trail: `s3://${trail}`,
      ...(captures === undefined ? {} : { captures }),
    });
    return series<{ EventId: string }>(files, 'cloudtrail/trail').map(({ EventId }) => EventId);
  };
  const own = ['DeleteObjects evidence-bucket', 'PutBucketPolicy evidence-bucket'];
  assert.deepEqual(await kept(), own);
  assert.deepEqual(await kept('s3://named-bucket/amber'), [...own, 'DeleteObject named-bucket']);
  assert.deepEqual(await kept('/a/folder'), own);
});
