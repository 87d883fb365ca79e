import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { S3Client } from '@aws-sdk/client-s3';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { resolveConfig } from '../../src/config/config.ts';
import { conditionalGet } from '../../src/ship/conditional-get.ts';
import { readSettings } from '../../src/ship/s3-settings.ts';
import { openSession } from '../../src/ship/signed-request.ts';
import type { SignedSession } from '../../src/ship/signed-request.ts';
import { identity } from '../contracts/destination.ts';
import { faultProxy } from '../servers/fault-proxy.ts';
import type { FaultProxy } from '../servers/fault-proxy.ts';
import { fauxqs } from '../servers/fauxqs.ts';
import type { Fauxqs } from '../servers/fauxqs.ts';
import { owner } from './s3-opened.ts';

const keys = { accessKeyId: 'A', secretAccessKey: 'B' };
const never = new AbortController().signal;
const KEY = 'amber-control/state of things.json';
let server: Fauxqs;
let proxy: FaultProxy;
let client: S3Client;
let session: SignedSession;

before(async () => {
  server = await fauxqs();
  server.createBucket('control');
  proxy = await faultProxy(server.endpoint);
  client = owner(server.endpoint, keys);
  const config = resolveConfig({ s3Endpoint: proxy.endpoint, s3PathStyle: true }, {});
  session = await openSession(readSettings(new URL('s3://control'), identity(), config, {}, keys));
});
after(async () => {
  session.agent.destroy();
  client.destroy();
  await proxy.close();
  await server.stop();
});

const write = async (Body: string): Promise<unknown> =>
  client.send(new PutObjectCommand({ Bucket: 'control', Key: KEY, Body }));
const read = async (etag?: string, maxBytes = 1000): ReturnType<typeof conditionalGet> =>
  conditionalGet(session, KEY, etag, maxBytes, never);

test('the body comes once, and again when it has changed', async () => {
  await write('{"state":"idle"}');
  const first = await read();
  assert.ok(first.ok && first.value.state === 'changed');
  assert.equal(first.value.body.toString(), '{"state":"idle"}');
  assert.ok(!Number.isNaN(Date.parse(first.value.serverDate ?? '')));
  const { etag } = first.value;
  assert.deepEqual(await read(etag), { ok: true, value: { state: 'unchanged' } });
  await write('{"state":"capture"}');
  const second = await read(etag);
  assert.ok(second.ok && second.value.state === 'changed');
  assert.equal(second.value.body.toString(), '{"state":"capture"}');
});

test('an object that is too long, and a refusal, are faults', async () => {
  await write('x'.repeat(2000));
  const long = await read();
  assert.ok(!long.ok);
  assert.equal(long.fault.code, 'AnswerTooLong');
  proxy.script({ status: 403, code: 'AccessDenied' });
  const denied = await read();
  assert.ok(!denied.ok);
  assert.deepEqual([denied.fault.status, denied.fault.code], [403, 'AccessDenied']);
});

test('the signal ends a read that gets no answer', async () => {
  proxy.script('never-answer');
  const started = performance.now();
  const reply = await conditionalGet(session, KEY, undefined, 1000, AbortSignal.timeout(100));
  assert.ok(!reply.ok);
  assert.ok(performance.now() - started < 1000);
});
