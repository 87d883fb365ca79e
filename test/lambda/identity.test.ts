import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InvocationFacts } from '../../src/contracts/evidence.ts';
import { deadlineOf } from '../../src/lambda/deadline.ts';
import { runtimeGeneration } from '../../src/lambda/generation.ts';
import { readIdentity } from '../../src/lambda/identity.ts';

const INVOCATION: InvocationFacts = {
  requestId: 'c6af9ac6-7b61-11e6-9a41-93e8deadbeef',
  functionArn: 'arn:aws-us-gov:lambda:us-gov-west-1:111122223333:function:orders:live',
  traceId: undefined,
  tenantId: 'blue',
  deadlineMs: undefined,
  number: 1,
  concurrent: 0,
};

const LAMBDA_ENV = {
  AWS_LAMBDA_FUNCTION_NAME: 'orders',
  AWS_LAMBDA_FUNCTION_VERSION: '7',
  AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128',
  AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/orders',
  AWS_LAMBDA_LOG_STREAM_NAME: '2026/11/24/[7]0123456789abcdef',
  AWS_REGION: 'eu-central-1',
  AWS_ACCESS_KEY_ID: 'ASIAQQQQQQQQQQQQQQQQ',
  AWS_SECRET_ACCESS_KEY: 'never/shown',
  AWS_SESSION_TOKEN: 'never-shown',
  AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
  AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
  _HANDLER: 'index.handler',
  LAMBDA_TASK_ROOT: '/var/task',
  AWS_LAMBDA_RUNTIME_API: '127.0.0.1:9001',
  AWS_LAMBDA_EXEC_WRAPPER: '/opt/otel-handler',
  NODE_OPTIONS: '--max-old-space-size=64 --import=/opt/init.mjs',
  LD_PRELOAD: '/opt/lib/a.so:/usr/lib/b.so',
};

test('the identity is what the platform says, without the credentials', () => {
  const identity = readIdentity(LAMBDA_ENV, INVOCATION);
  assert.deepEqual(identity, {
    functionName: 'orders',
    functionVersion: '7',
    functionArn: INVOCATION.functionArn,
    region: 'us-gov-west-1',
    account: '111122223333',
    memoryMb: 128,
    logGroup: '/aws/lambda/orders',
    logStream: '2026/11/24/[7]0123456789abcdef',
    accessKeyId: 'ASIAQQQQQQQQQQQQQQQQ',
    initializationType: 'on-demand',
    executionEnv: 'AWS_Lambda_nodejs24.x',
    handler: 'index.handler',
    taskRoot: '/var/task',
    runtimeApi: '127.0.0.1:9001',
    execWrapper: '/opt/otel-handler',
    layerHints: ['/opt/otel-handler', '/opt/init.mjs', '/opt/lib/a.so'],
    maxConcurrency: undefined,
    tenantId: 'blue',
  });
  assert.doesNotMatch(JSON.stringify(identity), /never/u);
});

test('without an invocation the environment answers, and what nobody knows is unknown', () => {
  const extension = readIdentity(
    { AWS_REGION: 'eu-central-1', AWS_ACCOUNT_ID: '444455556666', AWS_LAMBDA_MAX_CONCURRENCY: '10' },
    undefined,
  );
  assert.equal(extension.account, '444455556666');
  assert.equal(extension.region, 'eu-central-1');
  assert.equal(extension.functionName, 'unknown');
  assert.equal(extension.maxConcurrency, 10);
  const nothing = readIdentity({}, undefined);
  assert.deepEqual([nothing.account, nothing.region, nothing.functionName], ['unknown', 'unknown', 'unknown']);
});

test('names that would leave the folder of a capture are not taken', () => {
  const env = {
    AWS_LAMBDA_FUNCTION_NAME: '../../other',
    AWS_REGION: 'eu/../..',
    AWS_ACCOUNT_ID: '1/2',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '-1',
  };
  const identity = readIdentity(env, {
    ...INVOCATION,
    functionArn: 'arn:aws:lambda:eu-central-1:111122223333:function:a/../b',
  });
  assert.deepEqual([identity.account, identity.region, identity.functionName], ['unknown', 'unknown', 'unknown']);
  assert.equal(identity.memoryMb, undefined);
});

test('the deadline is now plus what remains', () => {
  assert.equal(deadlineOf({ getRemainingTimeInMillis: () => 2_500 }, 1_000_000), 1_002_500);
  const bound = {
    end: 9_000,
    getRemainingTimeInMillis(): number {
      return this.end - 1_000;
    },
  };
  assert.equal(deadlineOf(bound, 1_000), 9_000);
});

test('contexts of other make have no deadline', () => {
  const thrower = {
    getRemainingTimeInMillis: () => {
      throw new TypeError('not here');
    },
  };
  const getter = {
    get getRemainingTimeInMillis(): never {
      throw new TypeError('no');
    },
  };
  const answers = [Number.NaN, Number.POSITIVE_INFINITY, '3000', undefined, 1e15].map((value) => ({
    getRemainingTimeInMillis: () => value,
  }));
  for (const context of [
    undefined,
    null,
    'context',
    {},
    { getRemainingTimeInMillis: 3000 },
    thrower,
    getter,
    ...answers,
  ]) {
    assert.equal(deadlineOf(context, 0), undefined);
  }
});

test('the generation follows the version of Node.js, and Managed Instances', () => {
  assert.equal(runtimeGeneration({}, '22.23.3'), 'v3');
  assert.equal(runtimeGeneration({}, '24.0.0'), 'v4');
  assert.equal(runtimeGeneration({}, '100.1.0'), 'v4');
  assert.equal(runtimeGeneration({ AWS_LAMBDA_MAX_CONCURRENCY: '10' }, '22.23.3'), 'v4');
  assert.equal(runtimeGeneration({ AWS_LAMBDA_MAX_CONCURRENCY: '' }, '22.23.3'), 'v3');
  assert.equal(runtimeGeneration({}), process.version.startsWith('v22.') ? 'v3' : 'v4');
});
