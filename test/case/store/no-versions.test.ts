/** A server that knows no versions of objects. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fauxqs } from '../../servers/fauxqs.ts';
import { owner } from '../../ship/s3-opened.ts';
import { makeCapture } from '../captures.ts';
import { amber, check, type Told, upload } from './versions-scene.ts';

test('a server without versions is said to have none', async () => {
  const server = await fauxqs();
  const client = owner(server.endpoint, { accessKeyId: 'test', secretAccessKey: 'test' });
  try {
    server.createBucket('evidence');
    await upload(client, 'evidence', await makeCapture({ apart: true }), 'amber/');
    const { code, out, err } = await amber(
      [
        'verify',
        's3://evidence/amber',
        '--json',
        '--endpoint',
        server.endpoint,
        '--path-style',
        '--region',
        'us-east-1',
      ],
      { env: { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' } },
    );
    assert.deepEqual([code, check(JSON.parse(out) as Told, 'versions')?.state], [0, 'not-checked'], err);
  } finally {
    client.destroy();
    await server.stop();
  }
});
