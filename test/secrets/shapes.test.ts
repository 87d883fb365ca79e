import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { createRedactor } from '../../src/secrets/redactor.ts';

const MARK = '<redacted:[0-9a-f]{16}>';

function shown(text: string): string {
  return createRedactor().text(text).value;
}

/** `expected`: the text with `*` for each mark. */
function assertShown(text: string, expected: string): void {
  assert.equal(shown(text).replaceAll(new RegExp(MARK, 'gu'), '*'), expected);
}

const repeat = (alphabet: string, length: number): string =>
  alphabet.repeat(Math.ceil(length / alphabet.length)).slice(0, length);
const AN = (length: number): string => repeat('aB3dE6gH9', length);
const HEX = (length: number): string => repeat('0a1b2c3d4e5f6789', length);
const JWT = `eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.${AN(43)}`;
const PEM = `-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA${AN(40)}\n${AN(64)}==\n-----END RSA PRIVATE KEY-----`;

describe('secrets by shape, inside a sentence', () => {
  const TOKENS: Readonly<Record<string, string>> = {
    JWT: JWT,
    'JWT without signature': `eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.`,
    'STS session token': `IQoJb3JpZ2luX2VjEJr//////////wEaCXVzLWVhc3QtMSJHMEUCIQD${AN(200)}==`,
    'STS session token of old': `FwoGZXIvYXdzEJr//////////wEa${AN(100)}`,
    GitHub: `ghp_${AN(36)}`,
    'GitHub app': `ghs_${AN(36)}`,
    'GitHub fine-grained': `github_pat_11AAAAAAA0${AN(60)}`,
    GitLab: `glpat-${AN(20)}`,
    npm: `npm_${AN(36)}`,
    PyPI: `pypi-AgEIcHlwaS5vcmc${AN(60)}`,
    'Slack bot': `xoxb-123456789012-${AN(24)}`,
    'Slack app': `xapp-1-A0${AN(20)}`,
    Stripe: `sk_live_${AN(24)}`,
    'Stripe restricted': `rk_test_${AN(24)}`,
    'Stripe webhook': `whsec_${AN(32)}`,
    OpenAI: `sk-proj-${AN(40)}`,
    Anthropic: `sk-ant-api03-${AN(60)}`,
    'Google API': `AIza${AN(35)}`,
    'Google OAuth': `ya29.${AN(40)}`,
    'Google client': `GOCSPX-${AN(28)}`,
    SendGrid: `SG.${AN(22)}.${AN(43)}`,
    Vault: `hvs.${AN(30)}`,
    Docker: `dckr_pat_${AN(27)}`,
    'Hugging Face': `hf_${repeat('abCdeF', 34)}`,
    Shopify: `shpat_${HEX(32)}`,
    DigitalOcean: `dop_v1_${HEX(64)}`,
    Databricks: `dapi${HEX(32)}`,
    Atlassian: `ATATT3xFfGF0${AN(40)}`,
    Grafana: `glsa_${AN(32)}_${HEX(8)}`,
    'New Relic': `NRAK-${repeat('AB3DE6GH9', 27)}`,
    Linear: `lin_api_${AN(40)}`,
    Mailgun: `key-${HEX(32)}`,
    age: `AGE-SECRET-KEY-1${repeat('QPZRY9X8GF2TVDW0', 58)}`,
    PEM: PEM,
    'PEM, OpenSSH': PEM.replaceAll('RSA ', 'OPENSSH '),
    'PEM, PKCS #8': PEM.replaceAll('RSA ', ''),
    'PEM, encrypted': PEM.replace(
      '-----\n',
      '-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0123456789ABCDEF\n\n',
    ),
    PGP: PEM.replaceAll('RSA PRIVATE KEY', 'PGP PRIVATE KEY BLOCK'),
    'PEM in JSON': JSON.stringify(PEM).slice(1, -1),
    'PEM in a URL': PEM.replaceAll(' ', '%20').replaceAll('\n', '%0A'),
    'PEM in base64': Buffer.from(PEM).toString('base64'),
    'Slack webhook': `hooks.slack.com/services/T01234567/B01234567/${AN(24)}`,
  };
  for (const [name, token] of Object.entries(TOKENS)) {
    test(name, () => {
      assertShown(`before ${token} after`, 'before * after');
      assertShown(`x="${token}"\nnext`, 'x="*"\nnext');
      assertShown(`?q=%3D${encodeURIComponent(token)}&b=1`.replace(encodeURIComponent(token), token), '?q=%3D*&b=1');
    });
  }
  test('Telegram', () => assertShown(`bot 123456789:AA${AN(33)} after`, 'bot 123456789:* after'));
  test('Discord webhook', () =>
    assertShown(`https://discord.com/api/webhooks/123456789012345678/${AN(68)} x`, 'https://discord.com* x'));
  test('a key behind its id', () => assertShown(`AKIAIOSFODNN7EXAMPLE:${AN(40)}\n`, 'AKIAIOSFODNN7EXAMPLE:*\n'));
  test('a PEM that was cut', () => assertShown(PEM.slice(0, 120), '*'));
});

describe('secrets by their place in a text', () => {
  const CASES: readonly (readonly [text: string, expected: string])[] = [
    ['postgres://bob:s3cret@db:5432/app?x=1', 'postgres://bob:*@db:5432/app?x=1'],
    ['redis://:s3cret@cache:6379', 'redis://:*@cache:6379'],
    ['mongodb+srv://u:p%40ss%2Fword@c.example.net', 'mongodb+srv://u:*@c.example.net'],
    ['https://u:p@ss@word@host/x', 'https://u:*@host/x'],
    [`https://${AN(30)}@github.com/x.git`, 'https://*@github.com/x.git'],
    ['https://host:8080/a@b and mailto:x@y.z', 'https://host:8080/a@b and mailto:x@y.z'],
    [
      'GET / HTTP/1.1\r\nAuthorization: Bearer abc.def-1\r\nCookie: sid=abc; theme=dark\r\nX-Api-Key: k1\r\nHost: h\r\n',
      'GET / HTTP/1.1\r\nAuthorization: Bearer *\r\nCookie: sid=*; theme=*\r\nX-Api-Key: *\r\nHost: h\r\n',
    ],
    [
      'Set-Cookie: id=a3fWa; Max-Age=86400; Path=/; Secure; HttpOnly',
      'Set-Cookie: id=*; Max-Age=86400; Path=/; Secure; HttpOnly',
    ],
    ['Proxy-Authorization: Basic dXNlcjpwYXNzd29yZA==', 'Proxy-Authorization: Basic *'],
    [
      'using Basic dXNlcjpwYXNzd29yZA== here, basic knowledge of bearer authentication',
      'using Basic * here, basic knowledge of bearer authentication',
    ],
    [
      'Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, SignedHeaders=host;range, Signature=fe5f80f77d5fa3beca038a248ff027d0445342fe2855ddc963176630326f1024',
      'Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, SignedHeaders=host;range, Signature=*',
    ],
    [
      'https://b.s3.amazonaws.com/k?X-Amz-Credential=ASIAIOSFODNN7EXAMPLE%2F20130524&X-Amz-Signature=abcdef&X-Amz-Security-Token=IQoJ%2F%2F&x=1',
      'https://b.s3.amazonaws.com/k?X-Amz-Credential=ASIAIOSFODNN7EXAMPLE%2F20130524&X-Amz-Signature=*&X-Amz-Security-Token=*&x=1',
    ],
    ['Server=db;User Id=sa;Password=a=b,c;Database=x', 'Server=db;User Id=sa;Password=*;Database=x'],
    [
      'DefaultEndpointsProtocol=https;AccountName=x;AccountKey=abc+/d==;EndpointSuffix=core',
      'DefaultEndpointsProtocol=https;AccountName=x;AccountKey=*;EndpointSuffix=core',
    ],
    ['export DB_PASSWORD=\'a b c\' API_KEY="d e" TOKEN=f', 'export DB_PASSWORD=\'*\' API_KEY="*" TOKEN=*'],
    [
      '{"user":"bob","password":"a\\"b\\\\","n":1,"apiKey" : "x", "token":null,"maxTokens":12}',
      '{"user":"bob","password":"*","n":1,"apiKey" : "*", "token":null,"maxTokens":12}',
    ],
    ['{"body":"{\\"password\\":\\"a\\\\\\"b\\",\\"x\\":1}"}', '{"body":"{\\"password\\":\\"*\\",\\"x\\":1}"}'],
    [
      '{"set-cookie":["a=b; Path=/", "c=d"],"secrets":["x1", "x2"],"y":["z"]}',
      '{"set-cookie":["a=*; Path=/", "c=*"],"secrets":["*", "*"],"y":["z"]}',
    ],
    ['<db><password>hunter2</password><name>x</name></db>', '<db><password>*</password><name>x</name></db>'],
    ['[password] => abc\n[user] => bob', '[password] => *\n[user] => bob'],
    ['password: hunter2\nuser: bob\n', 'password: *\nuser: bob\n'],
    [
      'arn:aws:secretsmanager:eu-central-1:123456789012:secret:prod/db-AbCdEf',
      'arn:aws:secretsmanager:eu-central-1:123456789012:secret:prod/db-AbCdEf',
    ],
    ['token_type=bearer&expires_in=3600&access_token=abc', 'token_type=bearer&expires_in=3600&access_token=*'],
  ];
  for (const [text, expected] of CASES) test(text.slice(0, 60), () => assertShown(text, expected));
});

test('ordinary text stays as it is', () => {
  const TEXTS = [
    'SyntaxError: Unexpected token < in JSON at position 0',
    'The author and the authority passed the keyboard.',
    'key: value, sort key: pk, primary key = id',
    '7f1c2a000000-7f1c2a021000 rw-p 00000000 00:00 0 [stack]',
    'tcp 0 0 127.0.0.1:9001 ESTABLISHED',
    'task-runner risk-assessment-for-the-whole-team disk-by-uuid-something-longer',
    'at Object.<anonymous> (/var/task/index.js:10:15)',
    'AKIAIOSFODNN7EXAMPLE and AROAEXAMPLEID1234567',
    'npm_config_registry npm_lifecycle_event',
    '2026-08-01T00:00:00Z https://example.com:8443/path?q=1#top',
    'sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----',
    '-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----',
    'age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj',
    '{"eventName":"AssumeRole","userIdentity":{"sessionContext":{"attributes":{"mfaAuthenticated":"false"}}},"requestParameters":{"roleSessionName":"x"}}',
  ];
  for (const text of TEXTS) assert.deepEqual(createRedactor().text(text), { value: text, redactions: [] });
  const certificate = Buffer.from('-----BEGIN CERTIFICATE-----\nMIIBsomething').toString('base64');
  assert.equal(shown(certificate), certificate);
});

test('a password inside Basic, a URL or a cookie is found alone afterwards', () => {
  const password = randomBytes(12).toString('base64url');
  for (const text of [
    `Authorization: Basic ${Buffer.from(`bob:${password}`).toString('base64')}`,
    `amqp://bob:${password}@mq`,
    `Cookie: sid=${password}; x=y`,
    `{"connectionString":"Server=x;Password=${password};"}`,
    `curl -d '{"password":"${password}"}'`,
  ]) {
    const redactor = createRedactor();
    redactor.text(text);
    assert.match(redactor.text(`log ${password} end`).value, new RegExp(`^log ${MARK} end$`, 'u'), text);
  }
});
