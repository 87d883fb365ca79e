/**
 * The policies of examples/bucket. radosgw 16 evaluates what it knows of them: the condition key `s3:if-none-match` it
 * does not, `NotAction` never matches in it, and it checks If-None-Match in buckets without versions only. What it
 * cannot show is held to AWS's words instead (S3 User Guide, "Enforce conditional writes on Amazon S3 buckets").
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketPolicyCommand,
  PutObjectAclCommand,
  PutObjectCommand,
  PutObjectRetentionCommand,
} from '@aws-sdk/client-s3';
import type { PutObjectCommandInput, S3Client } from '@aws-sdk/client-s3';
import { objectKey } from '../../src/ship/key.ts';
import { slotFolder } from '../../src/ship/slots.ts';
import { identity, object, rejected, segmentName } from '../contracts/destination.ts';
import { radosgw, stopRadosgw } from '../servers/radosgw.ts';
import { makeBucket, openS3, owner, TRANSPORTS } from './s3-opened.ts';

interface Statement {
  readonly Sid: string;
  readonly Effect: string;
  readonly Principal?: unknown;
  readonly Action?: unknown;
  readonly Resource?: unknown;
  readonly Condition?: unknown;
}
interface Policy {
  readonly Version: string;
  readonly Statement: readonly Statement[];
}

const read = (name: string): string => readFileSync(new URL(`../../examples/bucket/${name}`, import.meta.url), 'utf8');
const bucketPolicy = JSON.parse(read('bucket-policy.json')) as Policy;
const functionPolicy = JSON.parse(read('function-policy.json')) as Policy;
const responderPolicy = JSON.parse(read('responder-policy.json')) as Policy;
const statement = (sid: string): Statement => bucketPolicy.Statement.find(({ Sid }) => Sid === sid)!;

suite('the policies as AWS reads them', () => {
  test('writes without If-None-Match are denied to everybody', () => {
    assert.deepEqual(statement('NewObjectsOnly'), {
      Sid: 'NewObjectsOnly',
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:PutObject',
      Resource: 'arn:aws:s3:::EVIDENCE-BUCKET/amber/*',
      Condition: { Null: { 's3:if-none-match': 'true' } },
    });
  });
  test('requests without TLS are denied to everybody', () => {
    assert.deepEqual(statement('TlsOnly').Condition, { Bool: { 'aws:SecureTransport': 'false' } });
    assert.deepEqual(
      [statement('TlsOnly').Effect, statement('TlsOnly').Principal, statement('TlsOnly').Action],
      ['Deny', '*', 's3:*'],
    );
  });
  test('a function may write captures, use the key and read the control object, and nothing else', () => {
    assert.ok(functionPolicy.Statement.every(({ Effect }) => Effect === 'Allow'));
    assert.deepEqual(
      functionPolicy.Statement.map(({ Action, Resource }) => [Action, Resource]),
      [
        ['s3:PutObject', 'arn:aws:s3:::EVIDENCE-BUCKET/amber/account=FUNCTION-ACCOUNT/*'],
        ['kms:GenerateDataKey', 'EVIDENCE-KEY-ARN'],
        ['s3:GetObject', 'arn:aws:s3:::EVIDENCE-BUCKET/amber-control/*'],
      ],
    );
  });
  test('only responders write orders, outside of what functions may write', () => {
    const [orders] = responderPolicy.Statement;
    assert.deepEqual(
      [orders?.Effect, orders?.Action, orders?.Resource],
      ['Allow', ['s3:GetObject', 's3:PutObject'], 'arn:aws:s3:::EVIDENCE-BUCKET/amber-control/*'],
    );
    assert.equal(statement('FunctionsReadControl').Action, 's3:GetObject');
    assert.equal(statement('FunctionsWriteNowhereElse').Effect, 'Deny');
  });
  test('a slot of the fleet cap lands where the policies allow it', () => {
    const allowed = String(statement('FunctionsWriteCaptures').Resource)
      .replace('arn:aws:s3:::EVIDENCE-BUCKET/', '')
      .replace('FUNCTION-ACCOUNT', '111122223333');
    assert.ok(
      `amber/${slotFolder('111122223333', 'us-east-1', 'checkout', 0)}/slot-0000.json`.startsWith(
        allowed.replace(/\*$/u, ''),
      ),
    );
  });
  test('a capture lands where the policies allow it', () => {
    const { captureId, ...rest } = identity('id');
    const allowed = String(statement('FunctionsWriteCaptures').Resource)
      .replace('arn:aws:s3:::EVIDENCE-BUCKET/', '')
      .replace('FUNCTION-ACCOUNT', rest.account);
    assert.ok(objectKey('amber', { captureId, ...rest }, 'x').startsWith(allowed.replace(/\*$/u, '')));
  });
});

const custodian = { accessKeyId: 'AKIDPOLICY', secretAccessKey: 'policy-secret' };
const fn = { accessKeyId: 'AKIDFUNCTION', secretAccessKey: 'function-secret' };
const BUCKET = 'policy-evidence';
const CAPTURES = 'amber/account=111122223333/';
const never = new AbortController().signal;

/**
 * In a bucket with BucketOwnerEnforced the custodian owns all objects. radosgw 16 has no such setting: the writer owns
 * them.
 */
const OWNERSHIP = {
  Sid: 'CustodianReads',
  Effect: 'Allow',
  Principal: { AWS: 'arn:aws:iam:::user/policy-custodian' },
  Action: ['s3:GetObject', 's3:GetObjectVersion'],
  Resource: 'arn:aws:s3:::EVIDENCE-BUCKET/*',
};

suite('the bucket policy on radosgw, against somebody with the keys of the function', { timeout: 120_000 }, () => {
  let endpoint: string | undefined;
  let ours: S3Client;
  let theirs: S3Client;

  const load = async (...without: readonly string[]): Promise<void> => {
    const statements = bucketPolicy.Statement.filter(({ Sid }) => !without.includes(Sid));
    const text = JSON.stringify({ ...bucketPolicy, Statement: [...statements, OWNERSHIP] })
      .replaceAll('EVIDENCE-BUCKET', BUCKET)
      // Its users stand for accounts here.
      .replaceAll('arn:aws:iam::FUNCTION-ACCOUNT:root', 'arn:aws:iam:::user/policy-function')
      .replaceAll('FUNCTION-ACCOUNT', '111122223333');
    await ours.send(new PutBucketPolicyCommand({ Bucket: BUCKET, Policy: text }));
  };
  const put = async (client: S3Client, Key: string, more: Partial<PutObjectCommandInput> = {}): Promise<unknown> =>
    client.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: 'x', ...more }));
  const denied = async (what: string, attempt: Promise<unknown>): Promise<void> => {
    const error: unknown = await attempt.then(
      () => assert.fail(`${what} succeeded`),
      (reason: unknown) => reason,
    );
    assert.equal(
      (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode,
      403,
      `${what}: ${String(error)}`,
    );
  };
  const check = (name: string, body: (t: TestContext) => Promise<void>): void => {
    test(name, async (t) => {
      const server = await radosgw(t);
      if (server === undefined) return;
      if (endpoint === undefined) {
        endpoint = server.endpoint;
        await server.createUser('policy-custodian', custodian.accessKeyId, custodian.secretAccessKey);
        await server.createUser('policy-function', fn.accessKeyId, fn.secretAccessKey);
        await makeBucket((ours = owner(endpoint, custodian)), BUCKET, true);
        theirs = owner(endpoint, fn);
      }
      await body(t);
    });
  };
  after(async () => {
    if (endpoint !== undefined) {
      ours.destroy();
      theirs.destroy();
    }
    await stopRadosgw();
  });

  check('the whole policy is accepted as it is', async (t) => {
    await load();
    await load('NewObjectsOnly');
    const overHttp = await put(theirs, `${CAPTURES}plain`, { IfNoneMatch: '*' }).then(
      () => 'accepted',
      () => 'denied',
    );
    t.diagnostic(
      `without TLS a write was ${overHttp}${overHttp === 'accepted' ? ': radosgw 16 has no aws:SecureTransport for a request without TLS; on AWS it is "false"' : ''}`,
    );
  });

  check('a write without If-None-Match is denied', async (t) => {
    await load('TlsOnly');
    await denied('a write without the header', put(theirs, `${CAPTURES}bare`));
    const withHeader = await put(theirs, `${CAPTURES}first`, { IfNoneMatch: '*' }).then(
      () => 'accepted',
      () => 'denied',
    );
    t.diagnostic(
      `with the header it was ${withHeader}${withHeader === 'denied' ? ': this radosgw does not know s3:if-none-match, so the statement denies every write here; the next tests leave it out' : ''}`,
    );
  });

  for (const transport of TRANSPORTS) {
    check(`captures of the ${transport} transport are accepted, each object as a version of its own`, async () => {
      await load('TlsOnly', 'NewObjectsOnly');
      const destination = await openS3({ endpoint: endpoint!, bucket: BUCKET, keys: fn }, transport, identity());
      const receipt = await destination.put(object(segmentName(0), Buffer.from('x')), never);
      assert.ok(receipt.versionId !== undefined);
      await destination.commit(object('manifest.json', Buffer.from('{}')), never);
      destination.close();
      const elsewhere = await openS3(
        { endpoint: endpoint!, bucket: BUCKET, keys: fn, prefix: 'other' },
        transport,
        identity(),
      );
      const error = await rejected(
        elsewhere.put(object(segmentName(0), Buffer.from('x')), never),
        /^DESTINATION_DENIED$/u,
      );
      assert.match(error.message, /allow s3:PutObject on arn:aws:s3:::policy-evidence\/other\/\*/u);
      elsewhere.close();
    });
  }

  check('an object that is written over keeps its first version, and nobody deletes either', async (t) => {
    await load('TlsOnly', 'NewObjectsOnly');
    const Key = `${CAPTURES}evidence`;
    await put(theirs, Key, { Body: 'evidence' });
    const again = await put(theirs, Key, { Body: 'junk', IfNoneMatch: '*' }).then(
      () => 'accepted',
      (error: unknown) => (error as Error).name,
    );
    t.diagnostic(
      `a second write with If-None-Match was ${again}${again === 'accepted' ? ': radosgw 16 checks the header in buckets without versions only; S3 answers 412' : ''}`,
    );
    const { Versions = [] } = await ours.send(new ListObjectVersionsCommand({ Bucket: BUCKET, Prefix: Key }));
    const first = Versions.at(-1)?.VersionId;
    assert.ok(first !== undefined);
    for (const [who, client] of [
      ['the function', theirs],
      ['the owner', ours],
    ] as const) {
      await denied(`a delete by ${who}`, client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key })));
      await denied(
        `a delete of the version by ${who}`,
        client.send(
          new DeleteObjectCommand({ Bucket: BUCKET, Key, VersionId: first, BypassGovernanceRetention: true }),
        ),
      );
    }
    const { Errors = [], Deleted = [] } = await theirs
      .send(new DeleteObjectsCommand({ Bucket: BUCKET, Delete: { Objects: [{ Key }] } }))
      .catch(() => ({ Errors: [{ Key }], Deleted: [] }));
    assert.deepEqual([Errors.length, Deleted.length], [1, 0]);
    const { Body } = await ours.send(new GetObjectCommand({ Bucket: BUCKET, Key, VersionId: first }));
    assert.equal(await Body?.transformToString(), 'evidence');
  });

  check('the function reads the control object, and nothing else is open to it', async () => {
    await load('TlsOnly', 'NewObjectsOnly');
    await put(ours, 'amber-control/state.json', { Body: '{"state":"idle"}' });
    const Key = `${CAPTURES}mine`;
    await put(theirs, Key);
    const { Body } = await theirs.send(new GetObjectCommand({ Bucket: BUCKET, Key: 'amber-control/state.json' }));
    assert.equal(await Body?.transformToString(), '{"state":"idle"}');
    await denied(
      'a write to the control object',
      put(theirs, 'amber-control/state.json', { Body: '{"state":"capture"}' }),
    );
    await denied('a write to another account', put(theirs, 'amber/account=444455556666/x'));
    await denied('a write to the top', put(theirs, 'x'));
    await denied('a read of a capture', theirs.send(new GetObjectCommand({ Bucket: BUCKET, Key })));
    await denied('a HEAD of a capture', theirs.send(new HeadObjectCommand({ Bucket: BUCKET, Key })));
    await denied('a listing', theirs.send(new ListObjectsV2Command({ Bucket: BUCKET })));
    await denied(
      'a change of the ACL',
      theirs.send(new PutObjectAclCommand({ Bucket: BUCKET, Key, ACL: 'public-read' })),
    );
    await denied(
      'a retention',
      theirs.send(
        new PutObjectRetentionCommand({
          Bucket: BUCKET,
          Key,
          Retention: { Mode: 'GOVERNANCE', RetainUntilDate: new Date(Date.now() + 86_400_000) },
        }),
      ),
    );
    await denied('a new bucket policy', theirs.send(new PutBucketPolicyCommand({ Bucket: BUCKET, Policy: '{}' })));
    const { UploadId } = await ours.send(new CreateMultipartUploadCommand({ Bucket: BUCKET, Key: `${CAPTURES}parts` }));
    await denied(
      'an abort',
      theirs.send(new AbortMultipartUploadCommand({ Bucket: BUCKET, Key: `${CAPTURES}parts`, UploadId: UploadId! })),
    );
  });
});
