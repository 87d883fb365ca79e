/**
 * Both S3 transports over radosgw: signatures, conditions, versions, locks, and the bucket policy of examples/bucket.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectLockConfigurationCommand,
} from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import { objectKey } from '../../src/ship/key.ts';
import { identity, object, rejected, segmentName, sha256, testDestination } from '../contracts/destination.ts';
import { faultProxy } from '../servers/fault-proxy.ts';
import { radosgw, stopRadosgw } from '../servers/radosgw.ts';
import type { Radosgw } from '../servers/radosgw.ts';
import { makeBucket, openS3, owner, readBack, TRANSPORTS } from './s3-opened.ts';
import type { Transport } from './s3-opened.ts';

const keys = { accessKeyId: 'AKIDCUSTODIAN', secretAccessKey: 'custodian-secret' };
const never = new AbortController().signal;

interface Ready {
  readonly server: Radosgw;
  readonly client: S3Client;
}
let prepared: Promise<Ready> | undefined;

async function ready(t: TestContext): Promise<Ready | undefined> {
  const server = await radosgw(t);
  if (server === undefined) return undefined;
  prepared ??= prepare(server);
  return prepared;
}

async function prepare(server: Radosgw): Promise<Ready> {
  await server.createUser('custodian', keys.accessKeyId, keys.secretAccessKey);
  const client = owner(server.endpoint, keys);
  await makeBucket(client, 'plain');
  await makeBucket(client, 'versioned');
  await client.send(
    new PutBucketVersioningCommand({ Bucket: 'versioned', VersioningConfiguration: { Status: 'Enabled' } }),
  );
  await makeBucket(client, 'locked', true);
  await client.send(
    new PutObjectLockConfigurationCommand({
      Bucket: 'locked',
      ObjectLockConfiguration: {
        ObjectLockEnabled: 'Enabled',
        Rule: { DefaultRetention: { Mode: 'COMPLIANCE', Days: 1 } },
      },
    }),
  );
  return { server, client };
}

after(async () => {
  (await prepared)?.client.destroy();
  await stopRadosgw();
});

for (const transport of TRANSPORTS) {
  testDestination(`s3 ${transport} over radosgw`, async (t, capture) => {
    const at = await ready(t);
    if (at === undefined) return undefined;
    return {
      destination: await openS3({ endpoint: at.server.endpoint, bucket: 'plain', keys }, transport, capture),
      stored: (names) => readBack(at.client, 'plain', capture, names),
      refusesOverwrite: true,
    };
  });

  suite(`s3 ${transport} over radosgw: what only it checks`, { timeout: 120_000 }, () => {
    test('a wrong secret, an unknown key and a missing bucket are told apart', async (t) => wrongKeys(t, transport));
    test('a lost answer: the 412 of the server itself becomes receipt unknown', async (t) => lostAnswer(t, transport));
    test('a versioned bucket gives a version for each object', async (t) => versions(t, transport));
    test('SSE-KMS: the object is encrypted with the key that was named', async (t) => encrypted(t, transport));
    test('an object under Object Lock cannot be deleted, by its owner either', async (t) => locked(t, transport));
  });
}

async function wrongKeys(t: TestContext, transport: Transport): Promise<void> {
  const at = await ready(t);
  if (at === undefined) return;
  const { endpoint } = at.server;
  for (const [where, code, words] of [
    [
      { endpoint, bucket: 'plain', keys: { ...keys, secretAccessKey: 'wrong' } },
      /^DESTINATION_DENIED$/u,
      /SignatureDoesNotMatch.*bucket plain/u,
    ],
    [
      { endpoint, bucket: 'plain', keys: { ...keys, accessKeyId: 'AKIDNOBODY' } },
      /^DESTINATION_CREDENTIALS$/u,
      /InvalidAccessKeyId/u,
    ],
    [{ endpoint, bucket: 'no-such-bucket', keys }, /^DESTINATION_MISSING$/u, /no bucket no-such-bucket/u],
  ] as const) {
    const destination = await openS3(where, transport, identity());
    const error = await rejected(destination.put(object(segmentName(0), randomBytes(2_000_000)), never), code);
    destination.close();
    assert.match(error.message, words);
    assert.doesNotMatch(error.message, /custodian-secret|\n/u);
  }
}

async function lostAnswer(t: TestContext, transport: Transport): Promise<void> {
  const at = await ready(t);
  if (at === undefined) return;
  const proxy = await faultProxy(at.server.endpoint);
  const capture = identity();
  const destination = await openS3({ endpoint: proxy.endpoint, bucket: 'plain', keys }, transport, capture);
  const body = randomBytes(300_000);
  proxy.script('drop-answer');
  const receipt = await destination.put(object(segmentName(0), body), never);
  assert.deepEqual([receipt.state, receipt.attempts], ['unknown', 2]);
  assert.equal(sha256(await readBack(at.client, 'plain', capture, [segmentName(0)])), sha256(body));
  destination.close();
  await proxy.close();
}

async function versions(t: TestContext, transport: Transport): Promise<void> {
  const at = await ready(t);
  if (at === undefined) return;
  const capture = identity();
  const destination = await openS3({ endpoint: at.server.endpoint, bucket: 'versioned', keys }, transport, capture);
  const receipt = await destination.put(object(segmentName(0), Buffer.from('first')), never);
  destination.close();
  assert.ok(receipt.versionId !== undefined && receipt.versionId !== '');
  assert.match(receipt.etag ?? '', /^[0-9a-f]{32}$/u);
  assert.ok(Math.abs(Date.parse(receipt.serverDate ?? '') - Date.now()) < 60_000);
  const { Body } = await at.client.send(
    new GetObjectCommand({
      Bucket: 'versioned',
      Key: objectKey('amber', capture, segmentName(0)),
      VersionId: receipt.versionId,
    }),
  );
  assert.equal(await Body?.transformToString(), 'first');
}

async function encrypted(t: TestContext, transport: Transport): Promise<void> {
  const at = await ready(t);
  if (at === undefined) return;
  const capture = identity();
  const destination = await openS3({ endpoint: at.server.endpoint, bucket: 'plain', keys }, transport, capture, {
    s3KmsKey: 'amber-key',
  });
  await destination.put(object(segmentName(0), Buffer.from('secret')), never);
  destination.close();
  const found = await at.client.send(
    new GetObjectCommand({ Bucket: 'plain', Key: objectKey('amber', capture, segmentName(0)) }),
  );
  assert.equal(found.ServerSideEncryption, 'aws:kms');
  assert.equal(found.SSEKMSKeyId, 'amber-key');
  assert.equal(await found.Body?.transformToString(), 'secret');
}

async function locked(t: TestContext, transport: Transport): Promise<void> {
  const at = await ready(t);
  if (at === undefined) return;
  const capture = identity();
  const destination = await openS3({ endpoint: at.server.endpoint, bucket: 'locked', keys }, transport, capture);
  const { versionId } = await destination.put(object(segmentName(0), Buffer.from('kept')), never);
  await destination.commit(object('manifest.json', Buffer.from('{}')), never);
  destination.close();
  const Key = objectKey('amber', capture, segmentName(0));
  assert.ok(versionId !== undefined);
  await assert.rejects(at.client.send(new DeleteObjectCommand({ Bucket: 'locked', Key, VersionId: versionId })), {
    name: 'AccessDenied',
  });
  const { Versions } = await at.client.send(new ListObjectVersionsCommand({ Bucket: 'locked', Prefix: Key }));
  assert.deepEqual(
    Versions?.map(({ VersionId }) => VersionId),
    [versionId],
  );
}
