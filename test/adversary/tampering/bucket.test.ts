/** Somebody with the keys of the function goes for a capture in the bucket, while it runs and afterwards. */
import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { decodeLogEvidence } from '../../../src/case/log/evidence.ts';
import { linesOf, type SegmentLine } from '../faults/judge.ts';
import { stopRadosgw } from '../../servers/radosgw.ts';
import { TRANSPORTS } from '../../ship/s3-opened.ts';
import { forgedMarker } from './forged-marker.ts';
import { guardedBucket, type Guarded } from './guarded.ts';
import { failed, salvaged, verifyWithLog, watchedCapture } from './watched.ts';

let buckets = 0;

suite('with the keys of the function', { timeout: 300_000 }, () => {
  after(() => stopRadosgw());

  const check = (name: string, body: (guarded: Guarded, t: TestContext) => Promise<void>, versions = false): void => {
    test(name, async (t) => {
      const guarded = await guardedBucket(t, `attacked-${buckets++}`, versions);
      if (guarded !== undefined) await body(guarded, t);
    });
  };

  check('an acknowledged segment is not overwritten, deleted, read or listed', async (guarded) => {
    const { attacker, bucket: Bucket, status } = guarded;
    const seen: [string, number][] = [];
    const watched = await watchedCapture(guarded, 'light', async ({ requests }) => {
      const Key = `${await requests(3)}capture-0000.tar.zst`;
      seen.push(['overwrite', await guarded.create(Key, 'junk')]);
      seen.push(['delete', await status(attacker.send(new DeleteObjectCommand({ Bucket, Key })))]);
      seen.push(['read', await status(attacker.send(new GetObjectCommand({ Bucket, Key })))]);
      seen.push(['list', await status(attacker.send(new ListObjectsV2Command({ Bucket })))]);
    });
    assert.deepEqual(seen, [
      ['overwrite', 412],
      ['delete', 403],
      ['read', 403],
      ['list', 403],
    ]);
    assert.equal(watched.report?.state, 'whole', watched.report?.error?.message);
    const result = await verifyWithLog(await guarded.read(watched.captureId), watched.log);
    assert.equal(result.verdict, 'verified', result.findings);
  });

  check('an upload in parts is not aborted: there is none', async (guarded) => {
    const { attacker, custodian, bucket: Bucket, status } = guarded;
    const watched = await watchedCapture(guarded, 'sdk', async ({ requests, seen }) => {
      const Key = `${await requests(2)}capture-0002.tar.zst`;
      const { UploadId = '' } = await custodian.send(new CreateMultipartUploadCommand({ Bucket, Key }));
      assert.equal(await status(attacker.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }))), 403);
      assert.ok(
        seen.every(({ method, url }) => method === 'PUT' && !url.includes('uploadId') && !url.includes('partNumber')),
      );
    });
    assert.equal(watched.report?.state, 'whole', watched.report?.error?.message);
  });

  for (const transport of TRANSPORTS) {
    check(
      `names that he creates before cost no segment: it goes under another name (${transport})`,
      async (guarded) => {
        const squatted: string[] = [];
        const watched = await watchedCapture(guarded, transport, async ({ requests }) => {
          const folder = await requests(1);
          for (let number = 15; number > 2; number--) {
            const name = `capture-${String(number).padStart(4, '0')}.tar.zst`;
            if ((await guarded.create(`${folder}${name}`, 'junk')) === 200) squatted.push(name);
          }
        });
        assert.equal(watched.report?.state, 'whole', watched.report?.error?.message);
        const objects = await guarded.read(watched.captureId);
        const renamed = linesOf<SegmentLine>(watched.log, 'segment').filter(({ object }) =>
          /^capture-\d{4}-[0-9a-f]{8}\.tar\.zst$/u.test(object),
        );
        assert.ok(renamed.length >= 3, watched.log);
        const result = await verifyWithLog(objects, watched.log);
        assert.deepEqual(failed(result), ['objects'], result.findings);
        assert.ok(squatted.every((name) => result.findings.includes(name)));
        // Without the junk it is what it was.
        const clean = await verifyWithLog(
          new Map([...objects].filter(([name]) => !squatted.includes(name))),
          watched.log,
        );
        assert.equal(clean.verdict, 'verified', clean.findings);
        const { problems, result: found } = await salvaged(objects, watched);
        assert.ok(
          problems.every((problem) => problem.includes('does not read')),
          problems.join('\n'),
        );
        assert.ok((found.states.whole ?? 0) > 100);
      },
    );
  }

  check('a manifest.json of junk costs the marker, nothing else', async (guarded) => {
    const watched = await watchedCapture(guarded, 'light', async ({ requests }) => {
      assert.equal(await guarded.create(`${await requests(2)}manifest.json`, '{"format":"junk"}'), 200);
    });
    assert.deepEqual([watched.report?.state, watched.report?.error?.code], ['cut', 'DESTINATION_EXISTS']);
    const objects = await guarded.read(watched.captureId);
    const result = await verifyWithLog(objects, watched.log);
    assert.equal(result.verdict, 'failed');
    assert.match(result.findings, /manifest\.json is not usable/u);
    assert.match(result.findings, /manifest\.json is [0-9a-f]{64}, the log says [0-9a-f]{64}/u);
    assert.deepEqual((await salvaged(objects, watched)).problems, []);
  });

  check('a manifest.json that hides segments is told by the log, and hides nothing from salvage', async (guarded) => {
    const watched = await watchedCapture(guarded, 'sdk', async ({ requests }) => {
      const folder = await requests(5);
      const captureId = /capture=([^/]+)/u.exec(folder)?.[1] ?? '';
      const objects = await guarded.read(captureId);
      assert.equal(await guarded.create(`${folder}manifest.json`, await forgedMarker(captureId, objects, 2)), 200);
    });
    assert.deepEqual([watched.report?.state, watched.report?.error?.code], ['cut', 'DESTINATION_EXISTS']);
    const objects = await guarded.read(watched.captureId);
    const result = await verifyWithLog(objects, watched.log);
    assert.equal(result.verdict, 'failed');
    assert.deepEqual(
      failed(result).filter((name) => name === 'objects' || name === 'log'),
      ['objects', 'log'],
    );
    assert.match(result.findings, /manifest\.json is [0-9a-f]{64}, the log says [0-9a-f]{64}/u);
    assert.match(result.findings, /the log says that segment \d+ was stored|manifest\.json does not name it/u);
    const { problems, result: found } = await salvaged(objects, watched);
    assert.deepEqual(problems, []);
    assert.equal(found.segments, [...objects.keys()].filter((name) => name.startsWith('capture-')).length);
  });

  check('junk beside a capture is told as such', async (guarded) => {
    const watched = await watchedCapture(guarded, 'light');
    const folder = (watched.report?.location ?? '').replace(`s3://${guarded.bucket}/`, '');
    assert.equal(await guarded.create(`${folder}capture-0042.tar.zst`, 'junk'), 200);
    assert.equal(
      await guarded.create(
        folder.replace(watched.captureId, '00000000-0000-7000-8000-000000000000') + 'capture-0000.tar.zst',
        'junk',
      ),
      200,
    );
    const result = await verifyWithLog(await guarded.read(watched.captureId), watched.log);
    assert.deepEqual(failed(result), ['objects']);
    assert.match(result.findings, /"capture-0042\.tar\.zst" does not belong: manifest\.json does not name it/u);
    const other = await verifyWithLog(await guarded.read('00000000-0000-7000-8000-000000000000'), watched.log);
    assert.notEqual(other.verdict, 'verified');
  });

  check('credentials that he breaks in the environment leave the summary in the log', async (guarded) => {
    const broken = { ...guarded, keys: { accessKeyId: 'AKIDBROKEN', secretAccessKey: 'broken' } };
    const { report, handlerProblem, log, captureId } = await watchedCapture(broken, 'light');
    assert.equal(handlerProblem, undefined);
    assert.deepEqual([report?.state, report?.error?.code], ['failed', 'DESTINATION_CREDENTIALS']);
    const [decoded] = decodeLogEvidence(log.split('\n'));
    assert.equal(decoded?.problem, undefined);
    assert.equal((decoded?.summary as { captureId?: string }).captureId, captureId);
    assert.equal((await guarded.read(captureId)).size, 0);
  });

  check(
    'with versions, what was acknowledged stays the first version, and verify tells of a later one',
    async (guarded, t) => {
      const watched = await watchedCapture(guarded, 'light');
      const Key = `${(watched.report?.location ?? '').replace(`s3://${guarded.bucket}/`, '')}capture-0001.tar.zst`;
      const again = await guarded.status(
        guarded.attacker.send(new PutObjectCommand({ Bucket: guarded.bucket, Key, Body: 'junk', IfNoneMatch: '*' })),
      );
      t.diagnostic(`the second write was answered with ${again}; S3 answers 412`);
      const objects = await guarded.read(watched.captureId);
      const marker = JSON.parse(objects.get('manifest.json')?.toString('utf8') ?? '') as {
        segments: { name: string; sha256: string; receipt: { versionId?: string } }[];
      };
      const { receipt } = marker.segments.find(({ name }) => name === 'capture-0001.tar.zst')!;
      const { Body } = await guarded.custodian.send(
        new GetObjectCommand({ Bucket: guarded.bucket, Key, VersionId: receipt.versionId! }),
      );
      const first = Buffer.from((await Body?.transformToByteArray()) ?? []);
      const result = await verifyWithLog(new Map([...objects, ['capture-0001.tar.zst', first]]), watched.log);
      assert.equal(result.verdict, 'verified', result.findings);
      if (again === 200) assert.match((await verifyWithLog(objects, watched.log)).findings, /capture-0001\.tar\.zst/u);
    },
    true,
  );
});
