/** What counts as stored: one suite decides for both transports, against answers that only look like a receipt. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, suite, test } from 'node:test';
import type { S3Client } from '@aws-sdk/client-s3';
import type { Receipt } from '../../src/contracts/evidence.ts';
import { isAmberError } from '../../src/errors.ts';
import { identity, object, rejected, segmentName, sha256 } from '../contracts/destination.ts';
import { fauxqs, type Fauxqs } from '../servers/fauxqs.ts';
import {
  ANSWERS,
  faultProxy,
  NO_RECEIPTS,
  type Fault,
  type FaultProxy,
  type NoReceipt,
} from '../servers/fault-proxy.ts';
import { openS3, owner, readBack, TRANSPORTS, type Transport } from './s3-opened.ts';

const keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'a-secret-that-no-message-holds' };
const MIB = 1024 * 1024;
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

const NAMES = Object.keys(NO_RECEIPTS) as NoReceipt[];

for (const transport of TRANSPORTS) {
  suite(`s3 ${transport}: receipts`, { timeout: 120_000 }, () => {
    for (const name of NAMES) {
      for (const bytes of name === '200 before the body is read' ? [5 * MIB, 8 * MIB] : [100, 3 * MIB]) {
        test(`${name}, a body of ${bytes} bytes: it is sent again and stored`, async () =>
          sentAgain(transport, name, bytes));
      }
      test(`${name}, for ever: it is no receipt at the end of the time`, async () => neverStored(transport, name));
    }
    test('an answer that is no receipt, and then 412: it is there, and nobody has acknowledged it', async () => {
      const { receipt } = await stored(transport, 500, () =>
        proxy.script(NO_RECEIPTS['200 without an ETag'], ANSWERS.exists),
      );
      assert.equal(receipt.state, 'unknown');
    });
    test('another checksum than was sent is a failure that names the key', async () => {
      const destination = await openS3({ endpoint: proxy.endpoint, bucket: 'evidence', keys }, transport, identity());
      const wrong = {
        answers: 200,
        headers: { etag: '"a"', 'x-amz-checksum-sha256': Buffer.alloc(32).toString('base64') },
      };
      proxy.script(wrong);
      const error = await rejected(
        destination.put(object(segmentName(0), Buffer.from('x')), AbortSignal.timeout(5000)),
        /^DESTINATION_FAILED$/u,
      );
      destination.close();
      assert.match(error.message, /another SHA-256/u);
    });
    test('the checksum of the server is compared, and kept', async () => {
      const body = randomBytes(100);
      const checksum = Buffer.from(sha256(body), 'hex').toString('base64');
      const destination = await openS3({ endpoint: proxy.endpoint, bucket: 'evidence', keys }, transport, identity());
      proxy.script({
        answers: 200,
        headers: { etag: '"a-tag"', 'x-amz-checksum-sha256': checksum, 'x-amz-version-id': 'v1' },
      });
      const receipt = await destination.put(object(segmentName(0), body), AbortSignal.timeout(5000));
      destination.close();
      assert.deepEqual([receipt.etag, receipt.checksum, receipt.versionId], ['a-tag', checksum, 'v1']);
    });
    test('where the server tells checksums, an answer without one is no receipt, however small the body', async () => {
      const capture = identity();
      const destination = await openS3({ endpoint: proxy.endpoint, bucket: 'evidence', keys }, transport, capture);
      const bodies = [randomBytes(100), randomBytes(200)];
      const [first] = bodies.map((body) => Buffer.from(sha256(body), 'hex').toString('base64'));
      proxy.script(
        { answers: 200, headers: { etag: '"a"', 'x-amz-checksum-sha256': first! } },
        ...Array<Fault>(100).fill(NO_RECEIPTS['200 before the body is read']),
      );
      await destination.put(object(segmentName(0), bodies[0]!), AbortSignal.timeout(5000));
      await rejected(
        destination.put(object(segmentName(1), bodies[1]!), AbortSignal.timeout(1500)),
        /^DESTINATION_UNAVAILABLE$/u,
      );
      destination.close();
    });
    test('an answer of 400 MB is not kept in memory', async () => {
      const destination = await openS3({ endpoint: proxy.endpoint, bucket: 'evidence', keys }, transport, identity());
      // all that is loaded is loaded
      await destination.put(object(segmentName(0), randomBytes(1000)), AbortSignal.timeout(5000));
      const before = process.memoryUsage.rss();
      let most = before;
      const watch = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 5);
      const pad = { padBytes: 400 * MIB, headers: { etag: '"a"' } };
      proxy.script({ answers: 200, ...pad }, { answers: 403, ...pad }, { answers: 503, ...pad });
      await destination
        .put(object(segmentName(1), randomBytes(1000)), AbortSignal.timeout(20_000))
        .catch(() => undefined);
      clearInterval(watch);
      destination.close();
      // The server writes from this process, too: it holds a piece of 1 MiB, and what its socket takes.
      assert.ok(most - before < 64 * MIB, `${Math.round((most - before) / MIB)} MiB more`);
    });
  });
}

async function stored(
  transport: Transport,
  bytes: number,
  script: () => void,
): Promise<{ readonly receipt: Receipt; readonly body: Buffer; readonly back: () => Promise<Buffer> }> {
  const capture = identity();
  const destination = await openS3({ endpoint: proxy.endpoint, bucket: 'evidence', keys }, transport, capture);
  const body = randomBytes(bytes);
  script();
  const receipt = await destination.put(object(segmentName(0), body), AbortSignal.timeout(20_000));
  destination.close();
  return { receipt, body, back: () => readBack(client, 'evidence', capture, [segmentName(0)]) };
}

async function sentAgain(transport: Transport, name: NoReceipt, bytes: number): Promise<void> {
  const { receipt, body, back } = await stored(transport, bytes, () => proxy.script(NO_RECEIPTS[name]));
  assert.deepEqual([receipt.state, receipt.attempts], ['stored', 2]);
  assert.equal(sha256(await back()), sha256(body));
}

async function neverStored(transport: Transport, name: NoReceipt): Promise<void> {
  const destination = await openS3({ endpoint: proxy.endpoint, bucket: 'evidence', keys }, transport, identity());
  proxy.script(...Array<Fault>(500).fill(NO_RECEIPTS[name]));
  const error = await rejected(
    destination.put(object(segmentName(0), randomBytes(6 * MIB)), AbortSignal.timeout(1500)),
    /^DESTINATION_UNAVAILABLE$/u,
  );
  destination.close();
  assert.ok(isAmberError(error) && error.details['maybeStored'] === true);
  assert.doesNotMatch(error.message, /\n|a-secret/u);
}
