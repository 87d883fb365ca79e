/** Refusals that are escaped by signing anew: a clock that is wrong, a bucket in another region. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { after, before, suite, test } from 'node:test';
import { promisify } from 'node:util';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { resolveConfig } from '../../src/config/config.ts';
import { openChannel } from '../../src/ship/channels/index.ts';
import { cureFor, type Place } from '../../src/ship/cure.ts';
import type { Fault } from '../../src/ship/faults.ts';
import { originOf } from '../../src/ship/s3-settings.ts';
import { identity, object, rejected, segmentName, sha256 } from '../contracts/destination.ts';
import { fauxqs, type Fauxqs } from '../servers/fauxqs.ts';
import { ANSWERS, faultProxy, type Fault as Met, type FaultProxy } from '../servers/fault-proxy.ts';
import { radosgw, stopRadosgw } from '../servers/radosgw.ts';
import { makeBucket, openS3, owner, readBack, TRANSPORTS, type Transport } from './s3-opened.ts';

const keys = { accessKeyId: 'AKIDCURED', secretAccessKey: 'cured-secret' };
let server: Fauxqs;
let proxy: FaultProxy;
let client: S3Client;
let user: Promise<void> | undefined;

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
  await stopRadosgw();
});

const scopeOf = (index: number): string =>
  /Credential=[^/]+\/\d{8}\/([^/]+)\/s3\//u.exec(proxy.seen[index]?.headers.authorization ?? '')?.[1] ?? '';

/** What S3 says of a bucket elsewhere: "Error responses", Amazon S3 API Reference. */
const ELSEWHERE: Readonly<Record<string, (region: string) => Met>> = {
  '301 with the header': (region) => ({
    status: 301,
    code: 'PermanentRedirect',
    headers: { 'x-amz-bucket-region': region },
  }),
  '400 with the header': (region) => ({ status: 400, code: 'BadRequest', headers: { 'x-amz-bucket-region': region } }),
  '400 with the element': (region) => ({
    status: 400,
    code: 'AuthorizationHeaderMalformed',
    inside: `<Region>${region}</Region>`,
  }),
  '307 with the header': (region) => ({
    status: 307,
    code: 'TemporaryRedirect',
    headers: { 'x-amz-bucket-region': region, location: 'http://127.0.0.1:1/' },
  }),
};
const NOT_FOLLOWED = [
  'eu-west-1.evil.example',
  'evil',
  'cn-north-1',
  'us-gov-west-1/..',
  'EU-WEST-1',
  `eu-${'x'.repeat(180)}-1`,
  'eu-west-1@evil',
  'us-iso-east-1',
  ' ',
];

for (const transport of TRANSPORTS) {
  suite(`s3 ${transport}: signed anew`, { timeout: 120_000 }, () => {
    for (const [name, elsewhere] of Object.entries(ELSEWHERE)) {
      test(`${name}: stored, signed for the region of the bucket, and so are all that follow`, async () => {
        const capture = identity();
        const destination = await openS3({ endpoint: proxy.endpoint, bucket: 'evidence', keys }, transport, capture);
        const bodies = [200, 3_000_000, 50_000].map((bytes) => randomBytes(bytes));
        proxy.script(elsewhere('eu-west-1'));
        for (const [number, body] of bodies.entries())
          assert.equal(
            (await destination.put(object(segmentName(number), body), AbortSignal.timeout(10_000))).state,
            'stored',
          );
        destination.close();
        assert.deepEqual(
          proxy.seen.map((_, index) => scopeOf(index)),
          ['us-east-1', 'eu-west-1', 'eu-west-1', 'eu-west-1'],
        );
        assert.equal(
          sha256(
            await readBack(
              client,
              'evidence',
              capture,
              bodies.map((_, number) => segmentName(number)),
            ),
          ),
          sha256(Buffer.concat(bodies)),
        );
      });
    }

    test('two puts that overlap learn it once', async () => {
      const destination = await openS3({ endpoint: proxy.endpoint, bucket: 'evidence', keys }, transport, identity());
      const elsewhere = ELSEWHERE['301 with the header']!('ap-southeast-2');
      proxy.script(elsewhere, elsewhere);
      const receipts = await Promise.all(
        [0, 1].map((number) =>
          destination.put(object(segmentName(number), randomBytes(100_000)), AbortSignal.timeout(10_000)),
        ),
      );
      destination.close();
      assert.deepEqual(
        receipts.map(({ state }) => state),
        ['stored', 'stored'],
      );
      assert.equal(proxy.seen.length, 4);
    });

    for (const region of NOT_FOLLOWED) {
      test(`the region ${JSON.stringify(region.slice(0, 30))} is not followed`, async () => {
        const destination = await openS3({ endpoint: proxy.endpoint, bucket: 'evidence', keys }, transport, identity());
        proxy.script(ELSEWHERE['301 with the header']!(region));
        await rejected(
          destination.put(object(segmentName(0), Buffer.from('x')), AbortSignal.timeout(5000)),
          /^DESTINATION_REGION$/u,
        );
        destination.close();
        assert.equal(proxy.seen.length, 1);
      });
    }

    test('regions that send one to the other end', async () => {
      const destination = await openS3({ endpoint: proxy.endpoint, bucket: 'evidence', keys }, transport, identity());
      const to = ELSEWHERE['301 with the header']!;
      proxy.script(
        ...['eu-west-1', 'eu-west-2', 'eu-west-1', 'eu-west-2', 'eu-west-1', 'eu-west-2', 'eu-west-1'].map(to),
      );
      await rejected(
        destination.put(object(segmentName(0), Buffer.from('x')), AbortSignal.timeout(5000)),
        /^DESTINATION_REGION$/u,
      );
      destination.close();
      assert.equal(proxy.seen.length, 4);
    });

    for (const hours of [-2, 3, -24 * 9]) {
      test(`a clock that is ${hours} hours off, against a server that checks it`, async (t) =>
        skewed(t, transport, hours));
    }
  });
}

async function skewed(t: { skip: (message: string) => void }, transport: Transport, hours: number): Promise<void> {
  const gateway = await radosgw(t);
  if (gateway === undefined) return;
  user ??= gateway.createUser('cured', keys.accessKeyId, keys.secretAccessKey);
  await user;
  const custodian = owner(gateway.endpoint, keys);
  const bucket = `skew-${transport}-${Math.abs(hours)}`;
  await makeBucket(custodian, bucket);
  const capture = identity();
  const script = `
    const Real = Date;
    const shift = ${hours * 3_600_000};
    globalThis.Date = class extends Real {
      constructor(...given) { super(...(given.length === 0 ? [Real.now() + shift] : given)); }
      static now() { return Real.now() + shift; }
    };
    const { openS3 } = await import(${JSON.stringify(new URL('s3-opened.ts', import.meta.url).href)});
    const { object, segmentName } = await import(${JSON.stringify(new URL('../contracts/destination.ts', import.meta.url).href)});
    const destination = await openS3(${JSON.stringify({ endpoint: gateway.endpoint, bucket, keys })}, ${JSON.stringify(transport)}, ${JSON.stringify(capture)});
    for (const number of [0, 1]) console.log((await destination.put(object(segmentName(number), Buffer.from('object ' + number)), AbortSignal.timeout(10_000))).state);
    destination.close();`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    timeout: 60_000,
  });
  assert.equal(stdout, 'stored\nstored\n');
  assert.equal(
    String(await readBack(custodian, bucket, capture, [segmentName(0), segmentName(1)])),
    'object 0object 1',
  );
  custodian.destroy();
}

suite('where a request is signed for after a refusal', () => {
  const nowMs = Date.parse('2026-11-24T12:00:00Z');
  const at = (region: string, endpoint?: string): Place => ({
    region,
    endpoint: endpoint === undefined ? undefined : new URL(endpoint),
  });
  const moved = (region: string): Fault => ({ status: 301, code: 'PermanentRedirect', region });
  const hostOf = (place: Place | undefined): string | undefined =>
    place === undefined
      ? undefined
      : originOf({
          ...place,
          bucket: 'evidence',
          prefix: '',
          pathStyle: false,
          credentials: undefined,
          kmsKey: undefined,
          bucketOwner: undefined,
        }).hostname;

  test('hosts stay within AWS, in the partition of the function; an endpoint of somebody else stays what it is', () => {
    const cases = [
      [at('us-east-1'), 'eu-west-1', 'evidence.s3.eu-west-1.amazonaws.com'],
      [at('us-east-1'), 'us-gov-west-1', 'evidence.s3.us-gov-west-1.amazonaws.com'],
      [at('cn-north-1'), 'cn-northwest-1', 'evidence.s3.cn-northwest-1.amazonaws.com.cn'],
      [at('cn-north-1'), 'us-east-1', undefined],
      [at('us-east-1', 'https://s3.us-east-1.amazonaws.com'), 'eu-west-1', 'evidence.s3.eu-west-1.amazonaws.com'],
      [
        at('us-east-1', 'https://s3.dualstack.us-east-1.amazonaws.com'),
        'mx-central-1',
        'evidence.s3.dualstack.mx-central-1.amazonaws.com',
      ],
      [
        at('us-east-1', 'https://s3.us-east-1.amazonaws.com.evil.example'),
        'eu-west-1',
        'evidence.s3.us-east-1.amazonaws.com.evil.example',
      ],
      [at('us-east-1', 'https://minio.internal:9000'), 'eu-west-1', 'evidence.minio.internal'],
    ] as const;
    for (const [place, region, host] of cases)
      assert.equal(
        hostOf(cureFor(moved(region), place, nowMs)),
        host,
        `${place.endpoint?.href ?? place.region} to ${region}`,
      );
  });

  test('a clock is moved by what the server says, unless the clocks agree', () => {
    const skew = (serverDate: string): Fault => ({ status: 403, code: 'RequestTimeTooSkewed', serverDate });
    assert.equal(cureFor(skew('Tue, 24 Nov 2026 15:00:00 GMT'), at('us-east-1'), nowMs)?.clockMs, 3 * 3_600_000);
    for (const date of ['Tue, 24 Nov 2026 12:00:30 GMT', 'nonsense', ''])
      assert.equal(cureFor(skew(date), at('us-east-1'), nowMs), undefined);
    assert.equal(
      cureFor(skew('Tue, 24 Nov 2026 15:00:00 GMT'), { ...at('us-east-1'), clockMs: 3 * 3_600_000 }, nowMs),
      undefined,
      'it was signed for that clock',
    );
  });
});

suite('a control object', () => {
  test('a clock that is wrong: it is asked again at once, signed by the clock of the server', async (t) => {
    const config = resolveConfig(
      {
        s3Endpoint: proxy.endpoint,
        s3PathStyle: true,
        control: 's3://evidence/control.json',
        destination: 's3://evidence/amber',
      },
      {},
    );
    const channel = await openChannel('s3://evidence/control.json', config, {
      AWS_ACCESS_KEY_ID: 'A',
      AWS_SECRET_ACCESS_KEY: 'B',
      AWS_REGION: 'us-east-1',
    });
    t.after(() => channel.close());
    const skewed = { ...ANSWERS.skewed, headers: { date: new Date(Date.now() + 7_200_000).toUTCString() } };
    await client.send(new PutObjectCommand({ Bucket: 'evidence', Key: 'control.json', Body: 'an order' }));
    proxy.script(skewed);
    const reply = await channel.read(1000, AbortSignal.timeout(5000));
    assert.ok(
      reply.ok && reply.value.state === 'changed' && reply.value.body.toString() === 'an order',
      JSON.stringify(reply),
    );
    const signedMs = String(proxy.seen[1]?.headers['x-amz-date']).replace(
      /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/u,
      '$1-$2-$3T$4:$5:$6Z',
    );
    assert.ok(Math.abs(Date.parse(signedMs) - Date.now() - 7_200_000) < 60_000, signedMs);
    proxy.script(skewed);
    assert.ok(!(await channel.read(1000, AbortSignal.timeout(5000))).ok, 'it was signed for that clock');
    assert.equal(proxy.seen.length, 1);
  });
});
