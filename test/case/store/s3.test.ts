import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { resolveConfig } from '../../../src/config/config.ts';
import { listCaptures } from '../../../src/case/store/list.ts';
import { timeOfId } from '../../../src/case/store/place.ts';
import { openOnly, openPlace } from '../../../src/case/store/locate.ts';
import { pull } from '../../../src/case/store/pull.ts';
import { verifyCapture } from '../../../src/case/verify/verify.ts';
import { openS3Reader, type S3ReadOptions } from '../../../src/ship/s3-read.ts';
import { fauxqs, type Fauxqs } from '../../servers/fauxqs.ts';
import { CAPTURE_ID, freshFolder, makeCapture, type MadeCapture } from '../captures.ts';
import { one } from '../forge.ts';
import { readLogDigests } from '../../../src/case/log/lines.ts';

const FOLDER = 'amber/account=111122223333/region=eu-central-1/function=checkout/date=2025-06-30';
const CUT_ID = '0197c0df-0000-7000-8000-0000000000bb';

let server: Fauxqs;
let client: S3Client;
let whole: MadeCapture;

before(async () => {
  process.env['AWS_ACCESS_KEY_ID'] = 'test';
  process.env['AWS_SECRET_ACCESS_KEY'] = 'test';
  server = await fauxqs();
  server.createBucket('evidence');
  client = new S3Client({
    endpoint: server.endpoint,
    forcePathStyle: true,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  whole = await makeCapture({ apart: true });
  await upload(whole.folder, `${FOLDER}/capture=${CAPTURE_ID}/`, readdirSync(whole.folder));
  const cut = await makeCapture({ apart: true, captureId: CUT_ID });
  await upload(cut.folder, `${FOLDER}/capture=${CUT_ID}/`, [cut.segments[0]!.name, cut.segments[2]!.name]);
});

after(async () => {
  client.destroy();
  await server.stop();
});

async function upload(folder: string, prefix: string, names: readonly string[]): Promise<void> {
  for (const name of names)
    await client.send(
      new PutObjectCommand({ Bucket: 'evidence', Key: `${prefix}${name}`, Body: readFileSync(join(folder, name)) }),
    );
}

function options(endpoint: string = server.endpoint): S3ReadOptions {
  return { config: resolveConfig({ s3Endpoint: endpoint, s3PathStyle: true }, {}) };
}

describe('captures in S3', () => {
  test('are listed, whole and cut', async () => {
    const { store, close } = await openPlace('s3://evidence/amber', options());
    const found = [];
    for await (const capture of listCaptures(store)) found.push(capture);
    close();
    assert.deepEqual(
      found.map(({ captureId, state, functionName, segments }) => [captureId, state, functionName, segments]),
      [
        [CAPTURE_ID, 'whole', 'checkout', whole.segments.length],
        [CUT_ID, 'cut', 'checkout', 2],
      ],
    );
    assert.deepEqual(
      [found[0]?.trigger, found[0]?.notCollected, found[0]?.bytes],
      ['flag', { denied: 1 }, whole.manifest.tarball.bytes],
    );
    assert.equal(found[1]?.started, timeOfId(CUT_ID));
    assert.match(found[1]?.started ?? '', /^2025-06-30T/u);
  });

  test('are verified and pulled where they lie', async () => {
    const location = `s3://evidence/${FOLDER}/capture=${CAPTURE_ID}`;
    const { store, only, close } = await openPlace(location, options());
    const capture = await openOnly({ store, only, close });
    const result = await verifyCapture(capture, { log: (id) => readLogDigests(one(Buffer.from(whole.log)), id) });
    assert.equal(result.verdict, 'verified');
    assert.equal(result.location, `${location}/`);
    const target = join(freshFolder(), 'case');
    assert.equal((await pull(capture, target)).files['capture.tar.zst'], whole.manifest.tarball.sha256);
    close();
  });

  test('are asked for by name where there are several', async () => {
    const place = await openPlace('s3://evidence/amber/', options());
    await assert.rejects(openOnly(place), {
      code: 'USAGE',
      message: new RegExp(`several captures .*capture=${CAPTURE_ID}`, 'u'),
    });
    place.close();
  });

  test('a single segment is opened by its key', async () => {
    const place = await openPlace(`s3://evidence/${FOLDER}/capture=${CUT_ID}/${whole.segments[0]!.name}`, options());
    const result = await verifyCapture(await openOnly(place));
    assert.match(result.summary, /verified up to segment 0/u);
    place.close();
  });

  test('ranges are read', async () => {
    const reader = await openS3Reader('evidence', options());
    const name = whole.segments[0]!.name;
    const bytes: Uint8Array[] = [];
    for await (const chunk of reader.read(`${FOLDER}/capture=${CAPTURE_ID}/${name}`, 100, 50)) bytes.push(chunk);
    assert.deepEqual(Buffer.concat(bytes), readFileSync(join(whole.folder, name)).subarray(100, 150));
    reader.close();
  });
});

describe('a bucket that cannot be read', () => {
  test('is a missing bucket or object', async () => {
    for (const location of ['s3://nothing-here/amber', 's3://evidence/elsewhere']) {
      const place = await openPlace(location, options());
      await assert.rejects(openOnly(place), { code: 'CASE_MISSING' }, location);
      place.close();
    }
    await assert.rejects(openPlace('s3://', options()), { code: 'USAGE' });
    await assert.rejects(openPlace('https://evidence', options()), { code: 'USAGE' });
  });

  const answers: Record<string, [number, string, string, RegExp]> = {
    denied: [403, 'AccessDenied', 'CASE_DENIED', /allow s3:ListBucket on arn:aws:s3:::evidence$/u],
    'an expired token': [400, 'ExpiredToken', 'CASE_DENIED', /--profile/u],
    overloaded: [503, 'SlowDown', 'CASE_UNREADABLE', /try again/u],
  };
  for (const [name, [status, code, expected, message]] of Object.entries(answers)) {
    test(`is an error with advice: ${name}`, async () => {
      const fake = await answering((_, respond) =>
        respond(status, `<?xml version="1.0"?><Error><Code>${code}</Code><Message>no</Message></Error>`),
      );
      const place = await openPlace('s3://evidence/amber', options(fake.endpoint));
      await assert.rejects(openOnly(place), { code: expected, message });
      place.close();
      fake.server.close();
    });
  }

  test('nobody answers', async () => {
    const place = await openPlace('s3://evidence/amber', options('http://127.0.0.1:9'));
    await assert.rejects(openOnly(place), { code: 'CASE_UNREADABLE', message: /check the network/u });
    place.close();
  });

  test('a connection that breaks in the middle of an object is taken up where it broke', async () => {
    const body = readFileSync(join(whole.folder, whole.segments[0]!.name));
    const ranges: (string | undefined)[] = [];
    const fake = await answering((request, respond) => {
      ranges.push(request.range);
      const start = Number(/bytes=(\d+)-/u.exec(request.range ?? '')?.[1] ?? 0);
      respond(start === 0 ? 200 : 206, body.subarray(start), { etag: '"same"', broken: ranges.length < 3 });
    });
    const reader = await openS3Reader('evidence', options(fake.endpoint));
    const got: Uint8Array[] = [];
    for await (const chunk of reader.read('some/key')) got.push(chunk);
    assert.deepEqual(Buffer.concat(got), body);
    assert.equal(ranges[0], undefined);
    assert.match(ranges[1] ?? '', /^bytes=\d+-$/u);
    reader.close();
    fake.server.close();
  });
});

type Respond = (status: number, body: string | Buffer, how?: { etag: string; broken: boolean }) => void;

/** An HTTP server with one answer. */
async function answering(
  answer: (request: { range: string | undefined }, respond: Respond) => void,
): Promise<{ endpoint: string; server: Server }> {
  const fake = createServer((request, response) => {
    answer({ range: request.headers.range }, (status, body, how) => {
      response.writeHead(status, {
        'content-type': 'application/xml',
        'content-length': Buffer.byteLength(body),
        ...(how === undefined ? {} : { etag: how.etag }),
      });
      if (how?.broken !== true) response.end(body);
      else
        response.write(Buffer.from(body).subarray(0, Math.floor(body.length / 3)), () =>
          setTimeout(() => response.destroy(), 20),
        );
    });
  });
  await new Promise<void>((resolve) => void fake.listen(0, '127.0.0.1', resolve));
  return { endpoint: `http://127.0.0.1:${(fake.address() as AddressInfo).port}`, server: fake };
}
