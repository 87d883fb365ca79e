/** What the versions of a bucket tell, against radosgw, which keeps them. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  DeleteObjectCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { radosgw } from '../../servers/radosgw.ts';
import { makeBucket, owner } from '../../ship/s3-opened.ts';
import { freshFolder, makeCapture } from '../captures.ts';
import { amber, check, type Told, upload } from './versions-scene.ts';

const KEYS = { accessKeyId: 'AKIDVERSIONS', secretAccessKey: 'versions-secret' };
const READER = { accessKeyId: 'AKIDVERSIONSREADER', secretAccessKey: 'reader-secret' };
const BUCKET = 'versioned-evidence';

describe('a bucket with versions', { timeout: 300_000 }, () => {
  let endpoint = '';
  let client: S3Client;

  const withBucket = (name: string, body: () => Promise<void>): void => {
    test(name, async (t: TestContext) => {
      const server = await radosgw(t);
      if (server === undefined) return;
      if (endpoint === '') {
        ({ endpoint } = server);
        await server.createUser('versions', KEYS.accessKeyId, KEYS.secretAccessKey);
        await server.createUser('versions-reader', READER.accessKeyId, READER.secretAccessKey);
        client = owner(endpoint, KEYS);
        await makeBucket(client, BUCKET);
        await client.send(
          new PutBucketVersioningCommand({ Bucket: BUCKET, VersioningConfiguration: { Status: 'Enabled' } }),
        );
      }
      await body();
    });
  };
  after(() => {
    if (endpoint !== '') client.destroy();
  });

  const run = async (argv: readonly string[], keys = KEYS): Promise<{ code: number; out: string; err: string }> =>
    amber([...argv, '--endpoint', endpoint, '--path-style', '--region', 'us-east-1'], {
      env: { AWS_ACCESS_KEY_ID: keys.accessKeyId, AWS_SECRET_ACCESS_KEY: keys.secretAccessKey },
    });
  const verify = async (argv: readonly string[], keys = KEYS): Promise<Told & { code: number }> => {
    const { code, out, err } = await run(['verify', ...argv, '--json'], keys);
    assert.notEqual(out, '', err);
    return { ...(JSON.parse(out) as Told), code };
  };
  const put = (key: string, body: Uint8Array | string): Promise<unknown> =>
    client.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: body }));
  const remove = (key: string): Promise<unknown> => client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: key }));

  withBucket(
    'that nobody touched verifies, also where an answer was lost and the same bytes were stored twice',
    async () => {
      const made = await makeCapture({ apart: true });
      await upload(client, BUCKET, made, 'plain/');
      await put(`plain/${made.segments[0]!.name}`, readFileSync(join(made.folder, made.segments[0]!.name)));
      const told = await verify([`s3://${BUCKET}/plain`]);
      assert.deepEqual([told.code, check(told, 'versions')?.state], [0, 'ok'], told.summary);
    },
  );

  withBucket('says what was deleted and put over, and reads the first version', async () => {
    const made = await makeCapture({ apart: true });
    await upload(client, BUCKET, made, 'touched/');
    const [zero, one] = made.segments;
    await remove('touched/manifest.json');
    await remove(`touched/${zero!.name}`);
    await put(`touched/${one!.name}`, 'nothing to see');
    const told = await verify([`s3://${BUCKET}/touched`]);
    assert.deepEqual(
      [told.code, told.checks.filter(({ state }) => state === 'failed').map(({ name }) => name)],
      [1, ['versions']],
      told.summary,
    );
    const findings = check(told, 'versions')?.findings ?? [];
    assert.equal(findings.length, 3);
    for (const name of ['manifest.json', zero!.name])
      assert.ok(
        findings.some(
          (text) => text.startsWith(`${name} was deleted at 20`) && /the first version, of 20.* is read$/u.test(text),
        ),
        findings.join('\n'),
      );
    assert.ok(
      findings.some((text) => text.startsWith(`${one!.name} was put over: 1 later version lies`)),
      findings.join('\n'),
    );
    // Every other command reads the first version as well.
    const target = join(freshFolder(), 'pulled');
    const pulled = await run(['pull', `s3://${BUCKET}/touched`, '--to', target]);
    assert.deepEqual([pulled.code, pulled.err.match(/PROBLEM/gu)?.length], [1, 3], pulled.err);
    assert.equal((await amber(['verify', target])).code, 0);
    assert.match((await run(['show', `s3://${BUCKET}/touched`])).out, /AMBER_CAPTURE is now/u);
  });

  withBucket('of which a capture was deleted as a whole: --all finds it', async () => {
    const [kept, gone] = [
      await makeCapture({ apart: true }),
      await makeCapture({ apart: true, captureId: '0197c0de-0000-7000-8000-0000000000bb' }),
    ];
    await upload(client, BUCKET, kept, `whole/capture=${kept.manifest.captureId}/`);
    await upload(client, BUCKET, gone, `whole/capture=${gone.manifest.captureId}/`);
    for (const name of readdirSync(gone.folder)) await remove(`whole/capture=${gone.manifest.captureId}/${name}`);
    const told = await verify([`s3://${BUCKET}/whole`, '--all']);
    assert.deepEqual([told.code, told.results.map(({ verdict }) => verdict)], [1, ['verified', 'failed']]);
    assert.equal(check(told.results[1], 'versions')?.findings.length, readdirSync(gone.folder).length);
    const alone = await verify([`s3://${BUCKET}/whole/capture=${gone.manifest.captureId}`]);
    assert.deepEqual([alone.code, check(alone, 'chain')?.state], [1, 'ok']);
  });

  withBucket('without versions is judged by the times at which it took the objects', async () => {
    const bucket = 'plain-evidence';
    await makeBucket(client, bucket);
    const putAt = (key: string, body: Uint8Array | string): Promise<unknown> =>
      client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));
    const made = await makeCapture({ apart: true });
    const names = made.segments.map(({ name }) => name);
    const putAll = async (prefix: string): Promise<void> => {
      for (const name of names) await putAt(`${prefix}${name}`, readFileSync(join(made.folder, name)));
      // The test's captures are of 2025; here one has just ended.
      const manifest = { ...made.manifest, clocks: { ...made.manifest.clocks, ended: new Date().toISOString() } };
      await putAt(`${prefix}manifest.json`, JSON.stringify(manifest));
    };
    await putAll('untouched/');
    await putAll('over/');
    await putAll('again/');
    await putAll('added/');
    await upload(client, bucket, made, 'copied/');
    await putAt('copied/manifest.json', readFileSync(join(made.folder, 'manifest.json')));
    await sleep(1500); // LastModified has whole seconds in S3
    await putAt(`over/${names[1]!}`, readFileSync(join(made.folder, names[1]!)).fill(0, 100, 200));
    await putAt(`again/${names[1]!}`, readFileSync(join(made.folder, names[1]!)));
    await putAt('added/capture-0099.tar.zst', 'x');
    const times = async (prefix: string): Promise<[number, string | undefined, string]> => {
      const told = await verify([`s3://${bucket}/${prefix}`]);
      const one = check(told, 'times');
      return [told.code, one?.state, [one?.detail, ...(one?.findings ?? [])].join('\n')];
    };
    assert.deepEqual((await times('untouched')).slice(0, 2), [0, 'ok']);
    const over = await times('over');
    assert.deepEqual(
      [
        over.slice(0, 2),
        new RegExp(
          `${names[1]!} was stored at 20.*, after manifest\\.json \\(20.*\\), and has other bytes: it was put over`,
          'u',
        ).test(over[2]),
      ],
      [[1, 'failed'], true],
      over[2],
    );
    const again = await times('again');
    assert.deepEqual(
      [again.slice(0, 2), again[2].includes('with the bytes that it names: a copy in place?')],
      [[0, 'not-checked'], true],
      again[2],
    );
    const added = await times('added');
    assert.deepEqual(
      [added.slice(0, 2), /"capture-0099\.tar\.zst" was stored at .*: it was added/u.test(added[2])],
      [[1, 'failed'], true],
      added[2],
    );
    const copied = await times('copied');
    assert.deepEqual(
      [
        copied.slice(0, 2),
        /the capture ended at 2025-06-30.*: it was rewritten, or all of it was copied here/u.test(copied[2]),
      ],
      [[0, 'not-checked'], true],
      copied[2],
    );
  });

  withBucket('of which one segment may not be read: the others are, and it is no tampering', async () => {
    const made = await makeCapture({ apart: true });
    const policy = (denied: string): Promise<unknown> =>
      client.send(
        new PutBucketPolicyCommand({
          Bucket: BUCKET,
          Policy: JSON.stringify({
            Version: '2012-10-17',
            Statement: [
              {
                Effect: 'Allow',
                Principal: { AWS: 'arn:aws:iam:::user/versions-reader' },
                Action: ['s3:ListBucket', 's3:GetObject'],
                Resource: [`arn:aws:s3:::${BUCKET}`, `arn:aws:s3:::${BUCKET}/*`],
              },
              {
                Effect: 'Deny',
                Principal: { AWS: 'arn:aws:iam:::user/versions-reader' },
                Action: ['s3:GetObject'],
                Resource: [`arn:aws:s3:::${BUCKET}/part/${denied}`],
              },
            ],
          }),
        }),
      );
    await upload(client, BUCKET, made, 'part/');
    for (const { name } of made.segments) {
      await policy(name);
      const told = await verify([`s3://${BUCKET}/part`], READER);
      assert.deepEqual(
        [told.code, told.verdict, told.checks.filter(({ state }) => state === 'failed').map((one) => one.name)],
        [3, 'unreadable', []],
        told.summary,
      );
      assert.match(told.summary, new RegExp(`1 segment was not read, the first is ${name}: .*s3:GetObject`, 'u'));
      assert.match(
        check(told, 'segments')?.detail ?? '',
        new RegExp(`^${made.segments.length - 1} segments have the digests`, 'u'),
      );
    }
    // Other bytes in what can be read are tampering all the same.
    await put(`part/${made.segments[0]!.name}`, 'changed');
    assert.deepEqual([(await verify([`s3://${BUCKET}/part`], READER)).verdict], ['failed']);
  });

  withBucket('that forbids to list or to read versions: this is said, and the rest is read', async () => {
    const made = await makeCapture({ apart: true });
    await upload(client, BUCKET, made, 'denied/');
    const policy = (...actions: readonly string[]): Promise<unknown> =>
      client.send(
        new PutBucketPolicyCommand({
          Bucket: BUCKET,
          Policy: JSON.stringify({
            Version: '2012-10-17',
            Statement: [
              {
                Effect: 'Allow',
                Principal: { AWS: 'arn:aws:iam:::user/versions-reader' },
                Action: actions,
                Resource: [`arn:aws:s3:::${BUCKET}`, `arn:aws:s3:::${BUCKET}/*`],
              },
            ],
          }),
        }),
      );
    await policy('s3:ListBucket', 's3:GetObject');
    const unlisted = await verify([`s3://${BUCKET}/denied`], READER);
    assert.deepEqual(
      [unlisted.code, unlisted.verdict, check(unlisted, 'versions')?.state],
      [0, 'verified', 'not-checked'],
    );
    assert.match(
      check(unlisted, 'versions')?.detail ?? '',
      /allow s3:ListBucketVersions on arn:aws:s3:::versioned-evidence/u,
    );
    await policy('s3:ListBucket', 's3:GetObject', 's3:ListBucketVersions');
    await put(
      `denied/${made.segments[1]!.name}`,
      readFileSync(join(made.folder, made.segments[1]!.name)).fill(0, 100, 200),
    );
    const unread = await verify([`s3://${BUCKET}/denied`], READER);
    assert.equal(unread.code, 1);
    assert.match(
      check(unread, 'versions')?.findings[0] ?? '',
      /was put over: .*the first version could not be read, so the current one is/u,
    );
    assert.equal(check(unread, 'segments')?.state, 'failed');
    await policy('s3:ListBucket', 's3:GetObject', 's3:ListBucketVersions', 's3:GetObjectVersion');
    assert.equal(check(await verify([`s3://${BUCKET}/denied`], READER), 'segments')?.state, 'ok');
  });
});
