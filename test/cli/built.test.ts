/** The command as it is published: one file, that needs nothing beside it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { copyFileSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { buildCommand } from '../../layer/command.ts';
import { freshFolder, makeCapture } from '../case/captures.ts';
import { fauxqs } from '../servers/fauxqs.ts';
import type { Ran } from './running.ts';

let command = '';
before(async () => {
  const built = freshFolder();
  await buildCommand(built);
  command = join(freshFolder(), 'amber.mjs');
  copyFileSync(join(built, 'amber.js'), command);
  assert.match(readFileSync(join(built, 'THIRD-PARTY.txt'), 'utf8'), /^@aws-sdk\/client-guardduty$[\s\S]*Apache License/mu);
});

async function amber(argv: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  const child = spawn(process.execPath, [command, ...argv], { env: { PATH: '/usr/bin:/bin', HOME: '/nonexistent', AWS_EC2_METADATA_DISABLED: 'true', ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { out: '', err: '' };
  child.stdout.on('data', (piece: Buffer) => (said.out += piece.toString()));
  child.stderr.on('data', (piece: Buffer) => (said.err += piece.toString()));
  const code = await new Promise<number>((resolve) => child.once('close', (status) => resolve(status ?? -1)));
  return { code, ...said };
}

describe('the built command, alone in a folder', () => {
  test('verifies, merges, and says nothing else', async () => {
    const { base } = await makeCapture();
    const verified = await amber(['verify', base]);
    assert.deepEqual([verified.code, verified.err], [0, '']);
    const merged = await amber(['timeline', base, '--jsonl']);
    assert.deepEqual([merged.code, merged.out.split('\n').length], [0, 3]);
    assert.match((await amber(['--help'])).out, /^ +amber collect +/mu);
  });

  test('has the SDK inside: reads a bucket, and looks for credentials', async () => {
    const server = await fauxqs();
    const client = new S3Client({ endpoint: server.endpoint, forcePathStyle: true, region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } });
    try {
      server.createBucket('evidence');
      const made = await makeCapture({ apart: true });
      for (const name of readdirSync(made.folder)) await client.send(new PutObjectCommand({ Bucket: 'evidence', Key: `amber/capture=${made.manifest.captureId}/${name}`, Body: readFileSync(join(made.folder, name)) }));
      const at = ['--endpoint', server.endpoint, '--path-style', '--region', 'us-east-1'];
      const verified = await amber(['verify', 's3://evidence/amber', ...at], { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' });
      assert.deepEqual([verified.code, verified.err], [0, ''], verified.out);
      const merged = await amber(['timeline', 's3://evidence/amber', ...at, '--json'], { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' });
      assert.deepEqual([merged.code, (JSON.parse(merged.out) as { sources: unknown }).sources], [0, { capture: 2 }], merged.err);
      const without = await amber(['captures', 's3://evidence/amber', ...at]);
      assert.deepEqual([without.code, /^amber: CASE_DENIED: .*credentials.*\n$/u.test(without.err)], [3, true], without.err);
      const profile = await amber(['captures', 's3://evidence/amber', ...at, '--profile', 'nobody']);
      assert.deepEqual([profile.code, profile.err.split('\n').length], [3, 2], profile.err);
    } finally {
      client.destroy();
      await server.stop();
    }
  });
});
