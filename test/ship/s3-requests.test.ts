/** What goes over the wire: the same from both transports, and nothing that was not asked for. */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { promisify } from 'node:util';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import { resolveConfig } from '../../src/config/config.ts';
import { openDestination } from '../../src/ship/index.ts';
import { identity, object, rejected, segmentName, sha256 } from '../contracts/destination.ts';
import { requirePeer } from '../peers.ts';
import { fauxqs } from '../servers/fauxqs.ts';
import type { Fauxqs } from '../servers/fauxqs.ts';
import { faultProxy } from '../servers/fault-proxy.ts';
import type { FaultProxy, Seen } from '../servers/fault-proxy.ts';
import { openS3, owner, TRANSPORTS, withEnvironment } from './s3-opened.ts';
import type { Transport } from './s3-opened.ts';

const keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' };
const never = new AbortController().signal;
let server: Fauxqs;
let proxy: FaultProxy;
let client: S3Client;

before(async () => {
  server = await fauxqs();
  server.createBucket('evidence');
  proxy = await faultProxy(server.endpoint);
  client = owner(server.endpoint, keys);
});
after(async () => {
  client.destroy();
  await proxy.close();
  await server.stop();
});

const where = (prefix?: string): { endpoint: string; bucket: string; keys: typeof keys; prefix?: string } => ({
  endpoint: proxy.endpoint,
  bucket: 'evidence',
  keys,
  ...(prefix === undefined ? {} : { prefix }),
});

async function onePut(transport: Transport, body: Buffer, sum = sha256(body)): Promise<Seen> {
  const options = {
    s3KmsKey: 'arn:aws:kms:us-east-1:111122223333:key/abc',
    s3BucketOwner: '111122223333',
    destination: 's3://evidence',
  };
  const destination = await openS3(where(), transport, identity('0198f2f0'), options);
  proxy.script();
  await destination.put({ ...object(segmentName(0), body), sha256: sum }, never).catch(() => undefined);
  destination.close();
  assert.equal(proxy.seen.length, 1);
  return proxy.seen[0]!;
}

for (const transport of TRANSPORTS) {
  suite(`s3 ${transport}: requests`, () => {
    test('one PutObject with its checksum, its condition, the key and the owner', async () => {
      const body = randomBytes(2000);
      const { method, url, headers } = await onePut(transport, body);
      assert.equal(method, 'PUT');
      assert.equal(
        decodeURIComponent(url.replace(/\?x-id=PutObject$/u, '')),
        '/evidence/amber/account=111122223333/region=us-east-1/function=checkout/date=2026-11-24/capture=0198f2f0/capture-0000.tar.zst',
      );
      assert.equal(headers['if-none-match'], '*');
      assert.equal(headers['content-length'], '2000');
      assert.equal(headers['content-type'], 'application/octet-stream');
      assert.equal(headers['x-amz-content-sha256'], sha256(body));
      assert.equal(headers['x-amz-checksum-sha256'], Buffer.from(sha256(body), 'hex').toString('base64'));
      assert.equal(headers['x-amz-expected-bucket-owner'], '111122223333');
      assert.equal(headers['x-amz-server-side-encryption'], 'aws:kms');
      assert.equal(
        headers['x-amz-server-side-encryption-aws-kms-key-id'],
        'arn:aws:kms:us-east-1:111122223333:key/abc',
      );
      for (const absent of [
        'transfer-encoding',
        'content-encoding',
        'x-amz-trailer',
        'x-amz-decoded-content-length',
        'expect',
      ])
        assert.equal(headers[absent], undefined, absent);
      const signed = /SignedHeaders=([^,]+)/u.exec(headers.authorization ?? '')?.[1]?.split(';') ?? [];
      for (const name of [
        'host',
        'if-none-match',
        'x-amz-checksum-sha256',
        'x-amz-content-sha256',
        'x-amz-date',
        'x-amz-server-side-encryption',
      ])
        assert.ok(signed.includes(name), name);
    });

    test('the hash that was given is sent: the body is not hashed again', async () => {
      const { headers } = await onePut(transport, Buffer.from('body'), sha256(Buffer.from('another body')));
      assert.equal(headers['x-amz-content-sha256'], sha256(Buffer.from('another body')));
    });

    test('a prefix with spaces, plus, percent and accents gives the same key', async () => {
      const capture = identity();
      const destination = await openS3(where('team a/ü+b%25(!)*'), transport, capture);
      await destination.put(object('manifest.json', Buffer.from(transport)), never);
      assert.equal(
        destination.location,
        `s3://evidence/team a/ü+b%25(!)*/account=111122223333/region=us-east-1/function=checkout/date=2026-11-24/capture=${capture.captureId}/`,
      );
      destination.close();
      const Key = `${destination.location.slice('s3://evidence/'.length)}manifest.json`;
      const { Body, ContentType } = await client.send(new GetObjectCommand({ Bucket: 'evidence', Key }));
      assert.equal(await Body?.transformToString(), transport);
      assert.equal(ContentType, 'application/json');
    });

    test('keys that are swapped after the destination was opened change nothing', async () => {
      const destination = await openS3(where(), transport, identity());
      proxy.script();
      await withEnvironment({ AWS_ACCESS_KEY_ID: 'AKIDATTACKER', AWS_SECRET_ACCESS_KEY: 'x' }, async () =>
        destination.put(object(segmentName(0), Buffer.from('x')), never),
      );
      destination.close();
      assert.match(proxy.seen[0]?.headers.authorization ?? '', /Credential=AKIDEXAMPLE\//u);
    });

    test('an idle connection does not keep the process alive', async () => {
      const script = `
        const { openS3 } = await import(${JSON.stringify(new URL('s3-opened.ts', import.meta.url).href)});
        const { object, identity } = await import(${JSON.stringify(new URL('../contracts/destination.ts', import.meta.url).href)});
        const destination = await openS3(${JSON.stringify(where())}, ${JSON.stringify(transport)}, identity());
        await destination.put(object('a', Buffer.from('a')), new AbortController().signal);
        console.log('stored');`;
      const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
        timeout: 20_000,
      });
      assert.equal(stdout, 'stored\n');
    });
  });
}

test('files that the attacker put into HOME neither move the evidence nor hold it up', async (t) => {
  if (!requirePeer(t, 'mkfifo')) return;
  const home = mkdtempSync(join(tmpdir(), 'amber-home-'));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  const evil = await faultProxy(server.endpoint);
  t.after(() => evil.close());
  mkdirSync(join(home, '.aws'));
  const script = `
    const { openDestination } = await import(${JSON.stringify(new URL('../../src/ship/index.ts', import.meta.url).href)});
    const { resolveConfig } = await import(${JSON.stringify(new URL('../../src/config/config.ts', import.meta.url).href)});
    const { object, identity } = await import(${JSON.stringify(new URL('../contracts/destination.ts', import.meta.url).href)});
    const { default: dns } = await import('node:dns');
    dns.lookup = (name, options, done) => {
      console.log('asked for', name);
      done(Object.assign(new Error('no names here'), { code: 'ENOTFOUND' }));
    };
    const config = resolveConfig({ s3Transport: 'sdk', s3Endpoint: process.argv[1] || undefined, s3PathStyle: true }, {});
    const destination = await openDestination('s3://evidence/amber', identity(), config);
    const put = destination.put(object('a', Buffer.from('a')), AbortSignal.timeout(2000));
    console.log(await put.then(({ state }) => state, ({ code }) => code));
    process.exit(); // a read of a FIFO would keep a thread, and the process with it
  `;
  const env = {
    PATH: process.env['PATH'],
    HOME: home,
    AWS_ACCESS_KEY_ID: 'A',
    AWS_SECRET_ACCESS_KEY: 'B',
    AWS_REGION: 'eu-central-1',
  };
  const run = async (endpoint: string): Promise<string> =>
    (
      await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, endpoint], {
        timeout: 20_000,
        env,
      })
    ).stdout;

  writeFileSync(
    join(home, '.aws', 'config'),
    `[default]\nendpoint_url = ${evil.endpoint}\nregion = eu-evil-1\nuse_fips_endpoint = true\n`,
  );
  assert.match(await run(''), /^asked for s3\.us-east-1\.amazonaws\.com\nDESTINATION_MISSING\n$/u);
  assert.equal(evil.connections(), 0);

  rmSync(join(home, '.aws', 'config'));
  for (const name of ['config', 'credentials']) execFileSync('mkfifo', [join(home, '.aws', name)]);
  assert.equal(await run(proxy.endpoint), 'stored\n');
});

test('auto is light below 512 MB, the SDK above', async () => {
  const config = resolveConfig({ s3Endpoint: proxy.endpoint, s3PathStyle: true }, {});
  for (const [memory, agent] of [
    ['128', /^lambda-amber$/u],
    ['511', /^lambda-amber$/u],
    ['512', /aws-sdk-js/u],
    ['1769', /aws-sdk-js/u],
  ] as const) {
    const environment = { AWS_ACCESS_KEY_ID: 'A', AWS_SECRET_ACCESS_KEY: 'B', AWS_LAMBDA_FUNCTION_MEMORY_SIZE: memory };
    const destination = await withEnvironment(environment, async () =>
      openDestination('s3://evidence/amber', identity(), config),
    );
    proxy.script();
    await destination.put(object(segmentName(0), Buffer.from('x')), never);
    destination.close();
    assert.match(proxy.seen[0]?.headers['user-agent'] ?? '', agent, memory);
  }
});

test('without credentials in a function: a code, and no search in files or on hosts', async () => {
  const environment = { AWS_LAMBDA_FUNCTION_NAME: 'checkout', HOME: '/nonexistent' };
  await withEnvironment(environment, async () => {
    for (const transport of TRANSPORTS) {
      const config = resolveConfig({ s3Endpoint: proxy.endpoint, s3PathStyle: true, s3Transport: transport }, {});
      await rejected(openDestination('s3://evidence/amber', identity(), config), /^DESTINATION_CREDENTIALS$/u);
    }
  });
});
