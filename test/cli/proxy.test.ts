/**
 * HTTPS_PROXY, HTTP_PROXY, NO_PROXY and AWS_CA_BUNDLE in the built command: a real proxy, a private authority, moto
 * behind both.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { S3 } from '@aws-sdk/client-s3';
import { EXIT } from '../../src/cli/amber.ts';
import { freshFolder, type Scene } from '../acquire/scene.ts';
import { certificate } from '../servers/certificate.ts';
import { forwardProxy, secureFront, type ForwardProxy } from '../servers/forward-proxy.ts';
import { configured } from './function-orders.ts';
import { NODE_22, program, type ProgramOptions, type Ran } from './program.ts';

/** A name that no resolver knows (RFC 6761): what reaches it went through the proxy. */
const HOST = 'aws.amber.test';
const BUCKET = 'proxied-evidence';

interface Company {
  readonly set: Scene;
  readonly proxy: ForwardProxy;
  /** Where the servers listen with TLS, for those who reach them directly. */
  readonly direct: string;
  /** Variables that lead through the proxy. */
  readonly env: NodeJS.ProcessEnv;
}

async function company(t: TestContext): Promise<Company | undefined> {
  const set = await configured(t, {
    AMBER_DESTINATION: `s3://${BUCKET}/amber`,
    AMBER_CONTROL: `s3://${BUCKET}-control/orders.json`,
  });
  if (set === undefined) return undefined;
  const s3 = new S3({ endpoint: set.motoEndpoint, region: 'eu-central-1', forcePathStyle: true });
  t.after(() => s3.destroy());
  for (const Bucket of [BUCKET, `${BUCKET}-control`]) {
    await s3
      .createBucket({ Bucket, CreateBucketConfiguration: { LocationConstraint: 'eu-central-1' } })
      .catch(() => undefined);
  }
  await s3.putObject({
    Bucket: `${BUCKET}-control`,
    Key: 'orders.json',
    Body: JSON.stringify({ amber: 1, state: 'idle' }),
  });
  const pair = certificate(`DNS:${HOST},DNS:localhost,IP:127.0.0.1`);
  const front = await secureFront(set.proxy.endpoint, pair);
  const proxy = await forwardProxy({ securePort: front.port, plainPort: Number(new URL(set.proxy.endpoint).port) });
  t.after(async () => {
    await proxy.close();
    await front.close();
  });
  const bundle = join(freshFolder(), 'company-ca.pem');
  writeFileSync(bundle, `# the authority of the company\n${pair.cert}`);
  return {
    set,
    proxy,
    direct: `https://localhost:${front.port}`,
    env: { HTTPS_PROXY: proxy.url, HTTP_PROXY: proxy.url, AWS_CA_BUNDLE: bundle },
  };
}

const at = (endpoint: string): string[] => ['--endpoint', endpoint, '--region', 'eu-central-1'];
const oneLine = /^amber: [A-Z_]+: [^\n]+\n$/u;

function run(argv: readonly string[], env: NodeJS.ProcessEnv, options: ProgramOptions = {}): Promise<Ran> {
  return program(argv, { ...options, env });
}

describe('through a proxy that has to be used', () => {
  test('every command that speaks to AWS does, with S3, channels, links to code and the destination', async (t) => {
    const made = await company(t);
    if (made === undefined) return;
    const { proxy, env } = made;
    const through = at(`https://${HOST}`);
    const order = [
      'trigger',
      'checkout',
      '--reason',
      'r',
      '--requester',
      'me',
      '--captures',
      freshFolder(),
      ...through,
    ];
    const commands: readonly (readonly [argv: readonly string[], code: number])[] = [
      [['status', 'checkout', ...through], EXIT.ok],
      [['doctor', 'checkout', ...through], EXIT.problem],
      [order, EXIT.ok],
      [['trigger', 'checkout', '--withdraw', '--captures', freshFolder(), ...through], EXIT.ok],
      // There is none yet.
      [['captures', `s3://${BUCKET}/amber`, '--path-style', ...through], EXIT.unreachable],
    ];
    for (const S3_TRANSPORT of ['sdk', 'light']) {
      proxy.seen.length = 0;
      const destination = `s3://${BUCKET}/${S3_TRANSPORT}`;
      const collected = await run(
        [
          'collect',
          'checkout',
          '--destination',
          destination,
          '--sources',
          'versions,layers',
          '--state',
          join(freshFolder(), 'state.jsonl'),
          ...through,
          '--json',
        ],
        { ...env, AMBER_S3_TRANSPORT: S3_TRANSPORT },
      );
      const report = JSON.parse(collected.out) as {
        state: string;
        location: string;
        outcomes: Record<string, number>;
        error: unknown;
      };
      assert.deepEqual([report.state, report.error], ['whole', null], collected.out + collected.err);
      assert.ok(
        proxy.seen.some((line) => line.startsWith(`GET http://${HOST}/_code/`)),
        'the code was downloaded through the proxy',
      );
      const verified = await run(['verify', destination, '--path-style', ...through], env);
      assert.equal(verified.code, EXIT.ok, verified.out + verified.err);
    }
    for (const [argv, code] of commands) {
      for (const node of [process.execPath, NODE_22]) {
        proxy.seen.length = 0;
        const ran = await run(argv, env, { node });
        assert.equal(ran.code, code, `${argv.join(' ')}\n${ran.out}${ran.err}`);
        assert.ok(
          proxy.seen.length > 0 && proxy.seen.some((line) => line === `CONNECT ${HOST}:443`),
          proxy.seen.join('\n'),
        );
      }
    }
  });

  test('in either case of letters, without a scheme, with a name and a password', async (t) => {
    const made = await company(t);
    if (made === undefined) return;
    const {
      proxy,
      env: { AWS_CA_BUNDLE },
    } = made;
    const status = ['status', 'checkout', '--captures', freshFolder(), ...at(`https://${HOST}`)];
    const host = proxy.url.slice('http://'.length);
    for (const env of [
      { https_proxy: proxy.url },
      { https_proxy: host },
      { HTTPS_PROXY: `${host}/` },
      { https_proxy: proxy.url, HTTPS_PROXY: 'http://127.0.0.1:9' },
    ]) {
      const ran = await run(status, { AWS_CA_BUNDLE, ...env });
      assert.equal(ran.code, EXIT.ok, ran.err);
    }
    proxy.credentials = 'me:p@ss word';
    const refused = await run(status, { AWS_CA_BUNDLE, HTTPS_PROXY: proxy.url });
    assert.equal(refused.code, EXIT.unreachable);
    assert.match(
      refused.err,
      /The proxy 127\.0\.0\.1:\d+ of HTTPS_PROXY does not connect to aws\.amber\.test \(407 No\); it wants a name and a password/u,
    );
    const welcome = await run(status, {
      AWS_CA_BUNDLE,
      HTTPS_PROXY: proxy.url.replace('//', '//me:p%40ss%20word@'),
      DEBUG: '*',
    });
    assert.equal(welcome.code, EXIT.ok, welcome.err);
    assert.doesNotMatch(welcome.out + welcome.err, /p%40ss|p@ss|bWU6cEBzcyB3b3Jk/u);
  });

  test('hosts of NO_PROXY are asked directly', async (t) => {
    const made = await company(t);
    if (made === undefined) return;
    const { proxy, direct, env } = made;
    const status = ['status', 'checkout', '--captures', freshFolder(), ...at(direct)];
    const port = new URL(direct).port;
    for (const [NO_PROXY, isDirect] of [
      ['', false],
      ['localhost', true],
      [`example.com, localhost:${port}`, true],
      ['localhost:1', false],
      ['*', true],
      ['host', false],
    ] as const) {
      for (const name of ['NO_PROXY', 'no_proxy']) {
        proxy.seen.length = 0;
        const ran = await run(status, { ...env, [name]: NO_PROXY });
        assert.equal(ran.code, EXIT.ok, ran.err);
        assert.equal(proxy.seen.length === 0, isDirect, `${name}=${NO_PROXY}: ${proxy.seen.join(', ')}`);
      }
    }
  });

  test('AWS_CA_BUNDLE counts without a proxy as well, and without it the private authority is not trusted', async (t) => {
    const made = await company(t);
    if (made === undefined) return;
    const {
      direct,
      env: { AWS_CA_BUNDLE },
    } = made;
    for (const [argv, code] of [
      [['status', 'checkout', '--captures', freshFolder()], EXIT.ok],
      // There is none yet.
      [['captures', `s3://${BUCKET}/amber`, '--path-style'], EXIT.unreachable],
    ] as const) {
      const trusted = await run([...argv, ...at(direct)], { AWS_CA_BUNDLE });
      assert.equal(trusted.code, code, trusted.err);
      assert.doesNotMatch(trusted.err, /not trusted/u);
      const ran = await run([...argv, ...at(direct)], {});
      assert.equal(ran.code, EXIT.unreachable);
      assert.match(
        ran.err,
        /the TLS certificate is not trusted \(\w+\): name the authorities of the proxy or endpoint with AWS_CA_BUNDLE, for example/u,
      );
    }
  });
});

describe('a proxy or a bundle that is not usable', () => {
  const LOCATIONS = [
    ['status', 'checkout'],
    ['captures', 's3://evidence/amber'],
    ['collect', 'checkout', '--out', '/nonexistent/x'],
  ];
  const KEYS = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' };

  test('is one line that names the variable, what was expected and an example, and no password', async () => {
    const folder = freshFolder();
    const [empty, damaged] = [join(folder, 'empty.pem'), join(folder, 'damaged.pem')];
    writeFileSync(empty, 'no certificate\n');
    writeFileSync(damaged, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
    const cases: readonly (readonly [NodeJS.ProcessEnv, RegExp])[] = [
      [
        { HTTPS_PROXY: 'socks5://proxy:1080' },
        /HTTPS_PROXY is "socks5:\/\/proxy:1080"; expected the URL of an HTTP proxy, for example http:\/\/proxy\.example\.com:3128/u,
      ],
      [
        { https_proxy: 'http://me:geheim@proxy:99999' },
        /https_proxy is "…@proxy:99999"; expected the URL of an HTTP proxy/u,
      ],
      [{ HTTP_PROXY: 'http://proxy:3128/pac.js' }, /HTTP_PROXY is "http:\/\/proxy:3128\/pac\.js"; expected/u],
      [{ HTTPS_PROXY: 'http://a%zz:geheim@proxy' }, /HTTPS_PROXY is "…@proxy"; expected/u],
      [
        { AWS_CA_BUNDLE: '/nonexistent/ca.pem' },
        /AWS_CA_BUNDLE is "\/nonexistent\/ca\.pem": it cannot be read \(ENOENT\); expected a file with certificates in PEM, for example \/etc\/ssl/u,
      ],
      [{ AWS_CA_BUNDLE: folder }, /AWS_CA_BUNDLE is ".*": it is no file; expected/u],
      [{ AWS_CA_BUNDLE: '/dev/zero' }, /AWS_CA_BUNDLE is "\/dev\/zero": it is no file; expected/u],
      [{ AWS_CA_BUNDLE: empty }, /AWS_CA_BUNDLE is ".*": it holds no certificate; expected/u],
      [{ AWS_CA_BUNDLE: damaged }, /AWS_CA_BUNDLE is ".*": certificate 1 in it is damaged; expected/u],
    ];
    for (const [env, says] of cases) {
      for (const argv of LOCATIONS) {
        const ran = await run([...argv, '--region', 'eu-central-1'], { ...KEYS, ...env });
        assert.equal(ran.code, EXIT.usage, ran.err);
        assert.match(ran.err, says);
        assert.match(ran.err, oneLine);
        assert.doesNotMatch(ran.err, /geheim/u);
      }
    }
  });

  test('a proxy that is not there, or refuses, is named with its variable', async (t) => {
    const proxy = await forwardProxy({ securePort: 9, plainPort: 9 });
    t.after(() => proxy.close());
    proxy.refuse = 403;
    for (const argv of LOCATIONS) {
      const ran = await run([...argv, '--region', 'eu-central-1'], { ...KEYS, HTTPS_PROXY: proxy.url });
      assert.equal(ran.code, EXIT.unreachable, ran.err);
      assert.match(
        ran.err,
        /The proxy 127\.0\.0\.1:\d+ of HTTPS_PROXY does not connect to [\w.-]+\.amazonaws\.com \(403 No\)\. See to HTTPS_PROXY/u,
      );
      assert.match(ran.err, oneLine);
      const gone = await run([...argv, '--region', 'eu-central-1'], { ...KEYS, https_proxy: 'http://127.0.0.1:9' });
      assert.equal(gone.code, EXIT.unreachable, gone.err);
      assert.match(gone.err, /The proxy 127\.0\.0\.1:9 of https_proxy does not answer \(ECONNREFUSED\)/u);
    }
  });

  test('nothing of it concerns what lies on this machine', async () => {
    const ran = await run(['captures', freshFolder()], { HTTPS_PROXY: 'nonsense://', AWS_CA_BUNDLE: '/nonexistent' });
    assert.deepEqual([ran.code, ran.err.split('\n')[0]?.startsWith('There is no capture')], [EXIT.unreachable, true]);
  });
});
