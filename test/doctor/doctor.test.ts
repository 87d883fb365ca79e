import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { S3 } from '@aws-sdk/client-s3';
import { CHECKS, runChecks, inspectedFunction, type CheckedLine } from '../../src/doctor/index.ts';
import { openFunction } from '../../src/acquire/function.ts';
import { json, onOperation, type Answer, type Rule } from '../servers/aws-proxy.ts';
import { scene, type Scene } from '../acquire/scene.ts';

const ROLE = 'arn:aws:iam::123456789012:role/checkout-role';
const KEY = 'arn:aws:kms:eu-central-1:123456789012:key/0197c0de';

/** The function as the control plane tells of it. */
function functionIs(changes: Readonly<Record<string, unknown>>, variables: Readonly<Record<string, string>>): Rule {
  return onOperation(
    'GetFunctionConfiguration',
    json({
      FunctionName: 'checkout',
      FunctionArn: 'arn:aws:lambda:eu-central-1:123456789012:function:checkout',
      Version: '$LATEST',
      Runtime: 'nodejs24.x',
      Role: ROLE,
      Handler: '/opt/nodejs/node_modules/lambda-amber/handler.handler',
      Timeout: 60,
      MemorySize: 1024,
      State: 'Active',
      LastUpdateStatus: 'Successful',
      PackageType: 'Zip',
      Layers: [{ Arn: 'arn:aws:lambda:eu-central-1:123456789012:layer:lambda-amber:3' }],
      LoggingConfig: { LogGroup: '/shop/checkout-logs' },
      ...changes,
      Environment: { Variables: variables },
    }),
  );
}

/** IAM's simulator: what the role may do. */
function roleMay(...actions: readonly string[]): Rule {
  return onOperation('SimulatePrincipalPolicy', ({ body }): Answer => {
    const asked = [...new URLSearchParams(body.toString('utf8'))]
      .filter(([name]) => name.startsWith('ActionNames.member.'))
      .map(([, value]) => value);
    const results = asked.map(
      (action) =>
        `<member><EvalActionName>${action}</EvalActionName><EvalResourceName>*</EvalResourceName><EvalDecision>${actions.includes(action) ? 'allowed' : 'implicitDeny'}</EvalDecision></member>`,
    );
    return {
      status: 200,
      headers: { 'content-type': 'text/xml' },
      body: `<SimulatePrincipalPolicyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><SimulatePrincipalPolicyResult><IsTruncated>false</IsTruncated><EvaluationResults>${results.join('')}</EvaluationResults></SimulatePrincipalPolicyResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></SimulatePrincipalPolicyResponse>`,
    };
  });
}

async function checked({ proxy }: Scene, ...rules: readonly Rule[]): Promise<ReadonlyMap<string, CheckedLine>> {
  proxy.rules.splice(0, Infinity, ...rules);
  const stop = new AbortController();
  const { aws, target, close } = await openFunction(
    'checkout',
    { clients: { region: 'eu-central-1', endpoint: proxy.endpoint, paced: false, attempts: 1 } },
    stop.signal,
  );
  try {
    const lines = new Map<string, CheckedLine>();
    for await (const line of runChecks(inspectedFunction(target, aws, stop.signal))) lines.set(line.name, line);
    return lines;
  } finally {
    close();
  }
}

function states(lines: ReadonlyMap<string, CheckedLine>, state: string): string[] {
  return [...lines.values()].filter((line) => line.state === state).map(({ name }) => name);
}

async function goodBucket(endpoint: string, Bucket: string): Promise<void> {
  const s3 = new S3({ endpoint, region: 'eu-central-1', forcePathStyle: true });
  await s3.createBucket({
    Bucket,
    ObjectLockEnabledForBucket: true,
    CreateBucketConfiguration: { LocationConstraint: 'eu-central-1' },
  });
  const Policy = readFileSync(new URL('../../examples/bucket/bucket-policy.json', import.meta.url), 'utf8')
    .replaceAll('EVIDENCE-BUCKET', Bucket)
    .replaceAll('FUNCTION-ACCOUNT', '123456789012');
  await s3.putBucketVersioning({ Bucket, VersioningConfiguration: { Status: 'Enabled' } });
  await s3.putBucketPolicy({ Bucket, Policy });
  await s3.putObjectLockConfiguration({
    Bucket,
    ObjectLockConfiguration: {
      ObjectLockEnabled: 'Enabled',
      Rule: { DefaultRetention: { Mode: 'GOVERNANCE', Days: 90 } },
    },
  });
  await s3.putBucketEncryption({
    Bucket,
    ServerSideEncryptionConfiguration: {
      Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: KEY } }],
    },
  });
  await s3.putPublicAccessBlock({
    Bucket,
    PublicAccessBlockConfiguration: {
      BlockPublicAcls: true,
      IgnorePublicAcls: true,
      BlockPublicPolicy: true,
      RestrictPublicBuckets: true,
    },
  });
  s3.destroy();
}

const GOOD = ['ssm:GetParameter', 's3:PutObject', 'kms:GenerateDataKey', 'logs:CreateLogStream', 'logs:PutLogEvents'];

test('a function that is set up as the examples say is ready', async (t) => {
  const set = await scene(t);
  if (set === undefined) return;
  const bucket = `evidence-${Date.now()}`;
  await goodBucket(set.motoEndpoint, bucket);
  const variables = {
    AMBER_DESTINATION: `s3://${bucket}/amber`,
    AMBER_S3_BUCKET_OWNER: '123456789012',
    AMBER_S3_KMS_KEY: KEY,
    AMBER_HANDLER: 'index.handler',
    AMBER_S3_ENDPOINT: set.motoEndpoint,
    AMBER_CONTROL: 'ssm:/amber/orders',
    AMBER_RECIPIENT: 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p',
    STAGE: 'prod',
  };
  const lines = await checked(set, functionIs({}, variables), roleMay(...GOOD));
  assert.deepEqual(
    [...lines.values()].filter(({ state }) => state !== 'ok').map(({ name, state, detail }) => [name, state, detail]),
    [],
  );
  assert.equal(lines.size, CHECKS.length);
});

test('what is wrong with the function is told with its fix', async (t) => {
  const set = await scene(t);
  if (set === undefined) return;
  const lines = await checked(
    set,
    functionIs(
      {
        Runtime: 'nodejs18.x',
        Timeout: 2,
        MemorySize: 128,
        Layers: [],
        State: 'Inactive',
        VpcConfig: { VpcId: 'vpc-1', SubnetIds: ['a', 'b'] },
      },
      { AMBER_DESTINATIONS: 's3://typo/amber' },
    ),
    roleMay(),
  );
  assert.deepEqual(states(lines, 'failed'), ['active', 'runtime', 'attached', 'settings', 'timeout', 'role-logs']);
  assert.deepEqual(states(lines, 'warning'), ['recipient', 'memory', 'network']);
  assert.match(lines.get('settings')?.detail ?? '', /AMBER_DESTINATIONS is unknown; did you mean AMBER_DESTINATION/u);
  for (const line of lines.values())
    assert.equal(line.fix !== undefined, line.state === 'failed' || line.state === 'warning', line.name);
  const silent = await checked(
    set,
    functionIs({}, { AMBER_DISABLED: '1', AMBER_HANDLER: '/opt/nodejs/node_modules/lambda-amber/handler.handler' }),
    roleMay(),
  );
  assert.equal(silent.get('settings')?.state, 'failed');
  assert.equal(silent.get('handler')?.state, 'failed', 'it hands on to itself');
});

test('a destination that nobody takes is not ready', async (t) => {
  const set = await scene(t);
  if (set === undefined) return;
  for (const AMBER_DESTINATION of ['https://x/y', 'file://rel', 's3://bucket/a/../b', 'evidence-bucket']) {
    const lines = await checked(
      set,
      functionIs({}, { AMBER_DESTINATION, AMBER_HANDLER: 'index.handler' }),
      roleMay(...GOOD),
    );
    assert.equal(lines.get('settings')?.state, 'failed', AMBER_DESTINATION);
    assert.match(lines.get('settings')?.detail ?? '', /^AMBER_DESTINATION is .*; expected /u);
  }
});

test('whether orders reach the sandbox, and who else may give them', async (t) => {
  const set = await scene(t);
  if (set === undefined) return;
  const told = async (control: string, ...may: readonly string[]): Promise<string> => {
    const variables = {
      AMBER_DESTINATION: 's3://evidence/amber',
      ...(control === '' ? {} : { AMBER_CONTROL: control }),
    };
    const line = (await checked(set, functionIs({}, variables), roleMay(...may))).get('role-orders');
    return `${line?.state ?? ''}: ${line?.detail ?? ''}`;
  };
  assert.match(await told(''), /^not-checked: AMBER_CONTROL is not set/u);
  assert.equal(
    await told('s3://control/orders.json', 's3:GetObject'),
    'ok: s3:GetObject on arn:aws:s3:::control/orders.json, and no writing',
  );
  assert.match(
    await told('s3://control/orders.json', 's3:GetObject', 's3:PutObject'),
    /^warning: the role may s3:PutObject/u,
  );
  assert.equal(
    await told('ssm:/amber/orders'),
    'failed: the role may not ssm:GetParameter on arn:aws:ssm:eu-central-1:123456789012:parameter/amber/orders',
  );
  assert.match(await told('appconfig:a/e/p'), /^not-checked/u);
});

test('what is wrong with the bucket and the role is told with its fix', async (t) => {
  const set = await scene(t);
  if (set === undefined) return;
  const Bucket = `bare-${Date.now()}`;
  const s3 = new S3({ endpoint: set.motoEndpoint, region: 'us-east-1', forcePathStyle: true });
  await s3.createBucket({ Bucket });
  const variables = {
    AMBER_DESTINATION: `s3://${Bucket}/amber`,
    AMBER_S3_ENDPOINT: set.motoEndpoint,
    AMBER_HANDLER: 'index.handler',
  };
  const lines = await checked(set, functionIs({}, variables), roleMay('s3:DeleteObject', 's3:GetObject'));
  assert.deepEqual(states(lines, 'failed'), [
    'role-writes',
    'role-logs',
    'bucket',
    'bucket-policy',
    'versioning',
    'object-lock',
    'public-access',
  ]);
  assert.match(lines.get('bucket')?.fix ?? '', /AMBER_S3_REGION=us-east-1/u);
  assert.match(lines.get('role-limits')?.detail ?? '', /s3:GetObject, s3:DeleteObject/u);
  assert.match(
    lines.get('role-writes')?.fix ?? '',
    new RegExp(`"Resource":"arn:aws:s3:::${Bucket}/amber/account=123456789012/\\*"`, 'u'),
  );
  await s3.putBucketPolicy({
    Bucket,
    Policy: JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Deny', Principal: '*', Action: ['s3:Delete*'], Resource: `arn:aws:s3:::${Bucket}/*` }],
    }),
  });
  const better = await checked(set, functionIs({}, variables), roleMay(...GOOD));
  assert.match(
    better.get('bucket-policy')?.detail ?? '',
    /^it does not deny writing over what is there .*, aborting uploads, requests without TLS/u,
  );
  s3.destroy();
  const none = await checked(
    set,
    functionIs(
      {},
      { ...variables, AMBER_DESTINATION: 's3://no-such-bucket-there/amber', AMBER_S3_ENDPOINT: 'http://127.0.0.1:1' },
    ),
    roleMay(...GOOD),
  );
  assert.match(none.get('bucket')?.detail ?? '', /there is no bucket no-such-bucket-there/u);
  assert.equal(none.get('endpoint')?.state, 'failed');
});

test('what the doctor may not ask is not checked, with the action that is missing; expired credentials end it', async (t) => {
  const set = await scene(t);
  if (set === undefined) return;
  const iamFault = (code: string): Answer => ({
    status: 403,
    headers: { 'content-type': 'text/xml' },
    body: `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>no</Message></Error></ErrorResponse>`,
  });
  const lines = await checked(
    set,
    functionIs({}, { AMBER_DESTINATION: 's3://evidence/amber', AMBER_S3_ENDPOINT: set.motoEndpoint }),
    onOperation('SimulatePrincipalPolicy', iamFault('AccessDenied')),
  );
  assert.equal(lines.get('role-writes')?.state, 'not-checked');
  assert.equal(lines.get('role-writes')?.detail, 'iam:SimulatePrincipalPolicy is denied to you');
  await assert.rejects(
    checked(
      set,
      functionIs({}, { AMBER_DESTINATION: 's3://evidence/amber' }),
      onOperation('SimulatePrincipalPolicy', iamFault('ExpiredToken')),
    ),
    { code: 'ACQUIRE_CREDENTIALS' },
  );
});
