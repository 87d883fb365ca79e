import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isSecretByName } from '../../src/secrets/names.ts';
import { createRedactor } from '../../src/secrets/redactor.ts';
import { isLearnable, looksRandom } from '../../src/secrets/values.ts';

function environ(variables: Readonly<Record<string, string>>): {
  shown: Record<string, string>;
  redactions: readonly string[];
} {
  const block = Object.entries(variables)
    .map(([name, value]) => `${name}=${value}\0`)
    .join('');
  const { value, redactions } = createRedactor().bytes(Buffer.from(block), 'environ');
  const pairs = Buffer.from(value)
    .toString()
    .split('\0')
    .filter((entry) => entry !== '')
    .map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)] as const);
  return { shown: Object.fromEntries(pairs), redactions };
}

const ORDINARY: Readonly<Record<string, string>> = {
  AWS_LAMBDA_FUNCTION_NAME: 'orders-HandlerFunction-1A2B3C4D5E6F',
  AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
  AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128',
  AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
  AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/orders',
  AWS_LAMBDA_LOG_STREAM_NAME: '2026/08/01/[$LATEST]9f8e7d6c5b4a39281706f5e4d3c2b1a0',
  AWS_LAMBDA_RUNTIME_API: '127.0.0.1:9001',
  AWS_REGION: 'eu-central-1',
  AWS_DEFAULT_REGION: 'eu-central-1',
  AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs22.x',
  AWS_ACCESS_KEY_ID: 'ASIAIOSFODNN7EXAMPLE',
  AWS_XRAY_CONTEXT_MISSING: 'LOG_ERROR',
  AWS_XRAY_DAEMON_ADDRESS: '169.254.79.129:2000',
  _X_AMZN_TRACE_ID: 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1',
  _HANDLER: 'index.handler',
  LAMBDA_TASK_ROOT: '/var/task',
  LAMBDA_RUNTIME_DIR: '/var/runtime',
  TZ: ':UTC',
  LANG: 'en_US.UTF-8',
  PATH: '/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin',
  LD_LIBRARY_PATH: '/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/opt/lib',
  NODE_PATH: '/opt/nodejs/node22/node_modules:/opt/nodejs/node_modules:/var/runtime/node_modules',
  PWD: '/var/task',
  OLDPWD: '/',
  HOME: '/home/sbx_user1051',
  SHLVL: '0',
  _: '/usr/bin/env',
  NODE_OPTIONS: '--enable-source-maps --max-old-space-size=512',
  NODE_ENV: 'production',
  LOG_LEVEL: 'DEBUG',
  STAGE: 'prod',
  DEBUG: '*',
  POWERTOOLS_SERVICE_NAME: 'orders',
  POWERTOOLS_LOG_LEVEL: 'INFO',
  TABLE_NAME: 'MyStack-OrdersTable794EDED1-3S8G0BUU9XJX',
  QUEUE_URL: 'https://sqs.eu-central-1.amazonaws.com/123456789012/orders-queue.fifo',
  TOPIC_ARN: 'arn:aws:sns:eu-central-1:123456789012:orders',
  BUCKET: 'my-bucket-eu-central-1-prod',
  DB_HOST: 'orders.cluster-c9akciq32rgy.eu-central-1.rds.amazonaws.com',
  DB_PORT: '5432',
  DB_USER: 'app',
  DB_NAME: 'orders',
  REDIS_URL: 'redis://cache.abcdef.0001.euc1.cache.amazonaws.com:6379',
  API_URL: 'https://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com/prod',
  DB_SECRET_ARN: 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:prod/db-AbCdEf',
  DB_SECRET_NAME: 'prod/db',
  PASSWORD_PARAMETER_NAME: '/prod/db/password',
  TOKEN_URL: 'https://auth.example.com/oauth2/token',
  JWT_ISSUER: 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEfGhI',
  TOKEN_TTL: '3600',
  SESSION_TABLE_NAME: 'sessions',
  SESSION_STORE: 'dynamodb',
  AUTH_TYPE: 'cognito',
  AUTH_ENABLED: 'true',
  COOKIE_DOMAIN: 'example.com',
  SESSION_TIMEOUT_SECONDS: '900',
  USE_TOKEN: 'false',
  MAX_TOKENS: '4096',
  USER_POOL_ID: 'eu-central-1_AbCdEfGhI',
  USER_POOL_CLIENT_ID: '1h57kf5cpq17m0eml12examplecl',
  KMS_KEY_ID: '1234abcd-12ab-34cd-56ef-1234567890ab',
  VPC_ID: 'vpc-0a1b2c3d4e5f67890',
  SUBNET_IDS: 'subnet-0bb1c79de3a4b5c6d,subnet-8EXAMPLE',
  GIT_COMMIT: '9fceb02d0ae598e95dc970b74767f19372d61af8',
  AWS_WEB_IDENTITY_TOKEN_FILE: '/var/run/secrets/eks.amazonaws.com/serviceaccount/token',
  AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://127.0.0.1:9001/credentials',
  SSH_AUTH_SOCK: '/tmp/ssh-agent.sock',
  XDG_SESSION_ID: 'c2',
  AMBER_RECIPIENT: 'age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj',
  FEATURE_FLAGS: '{"newCheckout":true,"limit":20}',
  ALLOWED_ORIGINS: 'https://www.example.com,https://example.com',
  CRON: 'rate(5 minutes)',
  PUBLIC_KEY_URL: 'https://example.com/jwks.json',
  PRIMARY_KEY: 'orderId',
  PARTITION_KEY: 'pk',
  CACHE_KEY_PREFIX: 'orders:',
  S3_KEY: 'config/app.json',
  EMPTY_SECRET: '',
};

test('ordinary variables of a function stay as they are', () => {
  const { shown, redactions } = environ(ORDINARY);
  assert.deepEqual(redactions, []);
  assert.deepEqual(shown, ORDINARY);
});

test('the same in an object, and with lower-case keys', () => {
  const lower = Object.fromEntries(
    Object.entries(ORDINARY)
      .filter(([name]) => name !== 'PWD' && name !== 'OLDPWD')
      .map(([name, value]) => [name.toLowerCase(), value]),
  );
  for (const value of [{ env: ORDINARY }, ORDINARY, lower])
    assert.deepEqual(createRedactor().json(value), { value, redactions: [] });
});

describe('secrets by name', () => {
  const SECRET: readonly (readonly [name: string, value: string])[] = [
    ['AWS_SECRET_ACCESS_KEY', 'x'],
    ['AWS_SESSION_TOKEN', 'x'],
    ['AWS_CONTAINER_AUTHORIZATION_TOKEN', 'x'],
    ['AWS_SECURITY_TOKEN', 'x'],
    ['DB_PASSWORD', 'hunter2'],
    ['DB_PASS', 'hunter'],
    ['PGPASSWORD', 'a'],
    ['MYSQL_PWD', 'abc'],
    ['REDIS_PASSPHRASE', 'a b c'],
    ['SECRET', 'prod'],
    ['CLIENT_SECRET', 'abc'],
    ['API_KEY', 'k-1'],
    ['apiKey', 'k'],
    ['x-api-key', 'k'],
    ['STRIPE_API_KEY', '12'],
    ['GITHUB_TOKEN', 'abc'],
    ['privateKey', 'MIIE'],
    ['PRIVATE_KEY', 'x'],
    ['SSH_KEY', 'a8f5f167f44f4964e6c998dee827110c'],
    ['ENCRYPTION_KEY', '0123'],
    ['SIGNING_KEY', 'z'],
    ['SIGNATURE', 'z'],
    ['X-Amz-Signature', 'abc'],
    ['X-Amz-Security-Token', 'abc'],
    ['ConnectionString', 'Server=x'],
    ['SENTRY_DSN', 'https://abc@o1.ingest.sentry.io/1'],
    ['COOKIE', 'a'],
    ['sessionToken', 'a'],
    ['session', 'a8f5f167f44f4964'],
    ['SESSION_SECRET', 'a'],
    ['BASIC_AUTH', 'user:pw'],
    ['authorization', 'abc'],
    ['OTP', '123456'],
    ['jwt', 'abc'],
    ['storepass', 'changeit'],
    ['JWT_KEY', 'q'],
    ['PASSWORD_ID', '6f1c2f3e-1111-2222-3333-444455556666'],
    ['SECRET_ID', '6f1c2f3e-1111-2222-3333-444455556666'],
    ['TOKEN_FILE', 'kJ8sd7f6gH5jk4L3mN2b1V0cX'],
    ['_authToken', 'abc'],
    ['ACCOUNT_KEY', 'abc'],
    ['passcode', '1'.repeat(4)],
  ];
  for (const [name, value] of SECRET) test(`${name}=${value}`, () => assert.ok(isSecretByName(name, value)));

  const NONE: readonly (readonly [name: string, value: string])[] = [
    ['AWS_ACCESS_KEY_ID', 'ASIAIOSFODNN7EXAMPLE'],
    ['accessKeyId', 'AKIAIOSFODNN7EXAMPLE'],
    ['author', 'bob'],
    ['authority', 'x'],
    ['tokenType', 'bearer'],
    ['secretId', 'prod/db'],
    ['secret', 'true'],
    ['password', ''],
    ['password', 'null'],
    ['token', 'false'],
    ['max_tokens', '4096'],
    ['total_tokens', '17'],
    ['passed', '3'],
    ['compass', 'x'],
    ['pinned', 'x'],
    ['keyboard', 'x'],
    ['key', 'photos/a.jpg'],
    ['publicKey', 'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcD'],
    ['roleSessionName', 'lambda-orders'],
    ['sessionContext', 'x'],
    ['pwd', '/var/task'],
    ['NO_PASSWORD', 'x'],
    ['secretsmanager', 'x'],
    ['TOKEN', 'arn:aws:ssm:eu-central-1:123456789012:parameter/x'],
    ['CREDENTIAL', 'AKIAIOSFODNN7EXAMPLE'],
  ];
  for (const [name, value] of NONE) test(`not ${name}=${value}`, () => assert.ok(!isSecretByName(name, value)));
});

test('random values of unknown variables are hidden, and words are not', () => {
  const RANDOM = [
    '9f8e7d6c5b4a39281706f5e4d3c2b1a0',
    'kJ8sd7f6gH5jk4L3mN2b1V0c',
    'p9Vx/2Kd7QmZ1rT+4bN8sW0cYf6HgLaEjUo3iX5R',
    'key-3ax6xnjp29jd6fds4gc373sgvjxteol0',
    'AAAAB3NzaC1yc2EAAAADAQABAAABgQC7v9hX',
    'eW91IGZvdW5kIG1lIDEyMzQ1Njc4OTA=',
  ];
  for (const value of RANDOM) {
    assert.ok(looksRandom(value), value);
    assert.match(environ({ WHATEVER: value }).shown['WHATEVER'] ?? '', /^<redacted:[0-9a-f]{16}>$/u, value);
  }
  const WORDS = [
    'production',
    'my-very-long-function-name-for-orders',
    'MyStack-OrdersTable794EDED1-3S8G0BUU9XJX',
    '1234abcd-12ab-34cd-56ef-1234567890ab',
    'getUserByIdOrNameOrEmailAddress',
    '/opt/nodejs/node_modules/@aws-sdk/client-s3',
    'com.example.orders.handlers.CreateOrderHandler',
    '2026-08-01T12:00:00.000Z',
    'arn:aws:iam::123456789012:role/orders-role-1x2y3z4w',
    'orders.cluster-c9akciq32rgy.eu-central-1.rds.amazonaws.com',
    '12345678901234567890123',
  ];
  for (const value of WORDS) assert.ok(!looksRandom(value), value);
});

test('what would blind a capture is not searched for everywhere', () => {
  for (const value of [
    'processes',
    'findings',
    'environment',
    '/tmp/implant',
    '/var/task/node_modules/x',
    '12345678',
    '2026',
    'https://example.com/a',
    'collected',
    'AKIAIOSFODNN7EXAMPLE',
    'arn:aws:iam::123456789012:role/x',
  ]) {
    assert.ok(!isLearnable(value), value);
    const redactor = createRedactor();
    redactor.learn({ X_TOKEN: value });
    const evidence = { processes: [{ argv: [value, '-x'] }], findings: `seen in ${value}`, environment: 1 };
    assert.deepEqual(redactor.json(evidence), { value: evidence, redactions: [] });
  }
  for (const value of [
    'correct horse battery',
    'hunter2222',
    'Tr0ub4dor&3',
    '/aB3x9Kd/7fGh2',
    'abc123def456',
    'pässwörtchen1',
  ])
    assert.ok(isLearnable(value), value);
});
