/**
 * A bucket under the shipped policy, and somebody with the keys of the function in front of it. radosgw 16 knows
 * neither `s3:if-none-match` nor aws:SecureTransport over http, and checks If-None-Match in buckets without versions
 * only: see test/ship/bucket-policy.test.ts, which holds those statements to AWS's words.
 */
import { readFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { GetObjectCommand, PutBucketPolicyCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import type { Objects } from '../faults/bucket.ts';
import { radosgw } from '../../servers/radosgw.ts';
import { makeBucket, owner, type Keys } from '../../ship/s3-opened.ts';
import { ListObjectsV2Command } from '@aws-sdk/client-s3';

export interface Guarded {
  readonly endpoint: string;
  readonly bucket: string;
  /** Of the function, and so of the attacker. */
  readonly keys: Keys;
  readonly attacker: S3Client;
  readonly custodian: S3Client;
  /** The objects of the captures that end so, by their names, as the custodian reads them. */
  readonly read: (captureId: string) => Promise<Objects>;
  /** What the attacker gets for a write that creates: the HTTP status. */
  readonly create: (key: string, body: string | Uint8Array) => Promise<number>;
  /** The status of anything that he asks for. */
  readonly status: (attempt: Promise<unknown>) => Promise<number>;
}

const CUSTODIAN: Keys = { accessKeyId: 'AKIDGUARD', secretAccessKey: 'guard-secret' };
const FUNCTION: Keys = { accessKeyId: 'AKIDVICTIM', secretAccessKey: 'victim-secret' };
/** The account in the ARN of the tests' invocations. */
const ACCOUNT = '123456789012';

let users: Promise<string> | undefined;

/** Undefined: the test was skipped. With `versions` objects are locked as the policy's README says. */
export async function guardedBucket(t: TestContext, bucket: string, versions: boolean): Promise<Guarded | undefined> {
  const server = await radosgw(t);
  if (server === undefined) return undefined;
  users ??= server
    .createUser('guard-custodian', CUSTODIAN.accessKeyId, CUSTODIAN.secretAccessKey)
    .then(() => server.createUser('guard-function', FUNCTION.accessKeyId, FUNCTION.secretAccessKey))
    .then(() => server.endpoint);
  const endpoint = await users;
  const custodian = owner(endpoint, CUSTODIAN);
  const attacker = owner(endpoint, FUNCTION);
  t.after(() => {
    custodian.destroy();
    attacker.destroy();
  });
  await makeBucket(custodian, bucket, versions);
  await custodian.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy: shippedPolicy(bucket) }));
  const status = (attempt: Promise<unknown>): Promise<number> =>
    attempt.then(
      () => 200,
      (error: unknown) => (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode ?? 0,
    );
  return {
    endpoint,
    bucket,
    keys: FUNCTION,
    attacker,
    custodian,
    status,
    read: (captureId) => readObjects(custodian, bucket, captureId),
    create: (Key, Body) => status(attacker.send(new PutObjectCommand({ Bucket: bucket, Key, Body, IfNoneMatch: '*' }))),
  };
}

/**
 * As it is in examples/bucket, but for what this server does not know; its users stand for accounts, and the writer
 * owns what he writes.
 */
function shippedPolicy(bucket: string): string {
  const policy = JSON.parse(
    readFileSync(new URL('../../../examples/bucket/bucket-policy.json', import.meta.url), 'utf8'),
  ) as { Statement: { Sid: string }[] };
  const known = policy.Statement.filter(({ Sid }) => Sid !== 'TlsOnly' && Sid !== 'NewObjectsOnly');
  const reads = {
    Sid: 'CustodianReads',
    Effect: 'Allow',
    Principal: { AWS: 'arn:aws:iam:::user/guard-custodian' },
    Action: ['s3:GetObject', 's3:GetObjectVersion'],
    Resource: 'arn:aws:s3:::EVIDENCE-BUCKET/*',
  };
  return JSON.stringify({ ...policy, Statement: [...known, reads] })
    .replaceAll('EVIDENCE-BUCKET', bucket)
    .replaceAll('arn:aws:iam::FUNCTION-ACCOUNT:root', 'arn:aws:iam:::user/guard-function')
    .replaceAll('FUNCTION-ACCOUNT', ACCOUNT);
}

async function readObjects(client: S3Client, bucket: string, captureId: string): Promise<Objects> {
  const objects: Objects = new Map();
  const { Contents = [] } = await client.send(
    new ListObjectsV2Command({ Bucket: bucket, Prefix: `amber/account=${ACCOUNT}/` }),
  );
  for (const { Key = '' } of Contents.filter((object) => object.Key?.includes(`/capture=${captureId}/`))) {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key }));
    objects.set(Key.slice(Key.lastIndexOf('/') + 1), Buffer.from((await Body?.transformToByteArray()) ?? []));
  }
  return objects;
}
