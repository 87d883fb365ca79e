/**
 * Connections that are made ahead, and TLS sessions that are taken up again: never one that is stale, never one that
 * was not checked.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, mock, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import tls, { type TLSSocket } from 'node:tls';
import { resolveConfig } from '../../src/config/config.ts';
import { openLight } from '../../src/ship/s3-light.ts';
import { openRehearsal } from '../../src/ship/rehearsal.ts';
import { readSettings, type PutRequest, type S3Settings } from '../../src/ship/s3-settings.ts';
import { identity, object, segmentName, sha256 } from '../contracts/destination.ts';
import { hasPeer, requirePeer } from '../peers.ts';
import { certificate } from '../servers/certificate.ts';
import { withEnvironment } from './s3-opened.ts';
import type { S3Transport } from '../../src/ship/s3-transport.ts';

const NEVER = new AbortController().signal;
const KEYS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' };

interface Bucket {
  readonly server: Server;
  readonly settings: S3Settings;
  readonly sockets: TLSSocket[];
  readonly stored: { readonly bytes: number; readonly reused: boolean }[];
  /** Milliseconds until it answers. */
  lateMs: number;
  readonly close: () => void;
}

let good: Bucket;
let foreign: Bucket;

before(async () => {
  if (!hasPeer('openssl')) return;
  const [own, other] = [certificate(), certificate('DNS:elsewhere.example')];
  // Before anything of the light transport runs: it puts its authorities together once.
  tls.setDefaultCACertificates([own.cert, other.cert]);
  good = await bucket(own);
  foreign = await bucket(other);
});
after(() => [good, foreign].forEach((one: Bucket | undefined) => one?.close()));

async function bucket(keys: { key: string; cert: string }): Promise<Bucket> {
  const sockets: TLSSocket[] = [];
  const stored: { bytes: number; reused: boolean }[] = [];
  const server = createServer(keys, (request, response) => {
    let bytes = 0;
    request.on('data', (chunk: Buffer) => (bytes += chunk.length));
    request.on('end', () => {
      stored.push({ bytes, reused: request.socket instanceof tls.TLSSocket && request.socket.isSessionReused() });
      setTimeout(() => response.writeHead(200, { etag: '"0"' }).end(), made.lateMs);
    });
  });
  server.on('secureConnection', (socket: TLSSocket) => sockets.push(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const config = resolveConfig(
    {
      s3Endpoint: `https://localhost:${(server.address() as AddressInfo).port}`,
      s3PathStyle: true,
      s3Region: 'eu-central-1',
    },
    {},
  );
  const made: Bucket = {
    server,
    sockets,
    stored,
    lateMs: 0,
    settings: readSettings(new URL('s3://evidence'), identity('0198f2f0'), config, {}, KEYS),
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
  return made;
}

function request(bytes: number): PutRequest {
  const body = randomBytes(bytes);
  return {
    key: 'a',
    body: [body],
    bytes,
    sha256: sha256(body),
    checksum: 'x',
    contentType: 'x',
    expectContinue: false,
  };
}

async function opened(t: TestContext, { settings, sockets, stored }: Bucket): Promise<S3Transport> {
  sockets.length = 0;
  stored.length = 0;
  const transport = await openLight(settings);
  t.after(transport.close);
  return transport;
}

/** Of the connection over which the first object came. */
const reused = (): boolean | undefined => good.stored[0]?.reused;

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; !condition(); tries += 1) {
    assert.ok(tries < 1000, 'it did not come');
    await sleep(10);
  }
}

test('the connection is there before the first segment, which takes it, and the next one too', async (t) => {
  if (!requirePeer(t, 'openssl')) return;
  const transport = await opened(t, good);
  await until(() => good.sockets.length === 1);
  for (let number = 0; number < 2; number += 1) assert.equal((await transport.put(request(700_000), NEVER)).ok, true);
  assert.equal(good.sockets.length, 1);
  assert.deepEqual(
    good.stored.map(({ bytes }) => bytes),
    [700_000, 700_000],
  );
});

test('the next transport takes up the session; a server that has forgotten it is told who it is anew', async (t) => {
  if (!requirePeer(t, 'openssl')) return;
  const first = await opened(t, good);
  await first.put(request(10), NEVER);
  const second = await opened(t, good);
  await second.put(request(10), NEVER);
  assert.equal(reused(), true);
  good.server.setTicketKeys(randomBytes(48));
  const third = await opened(t, good);
  assert.equal((await third.put(request(10), NEVER)).ok, true);
  assert.equal(reused(), false);
});

test('a connection that the server has closed meanwhile is not used', async (t) => {
  if (!requirePeer(t, 'openssl')) return;
  const transport = await opened(t, good);
  await until(() => good.sockets.length === 1);
  const closed = once(good.sockets[0]!, 'close');
  good.sockets[0]!.destroy();
  await closed;
  assert.equal((await transport.put(request(10), NEVER)).ok, true);
  assert.equal(good.sockets.length, 2);
});

test('a connection that has waited for long, through a freeze perhaps, is replaced without asking whether it answers', async (t) => {
  if (!requirePeer(t, 'openssl')) return;
  const transport = await opened(t, good);
  await until(() => good.sockets.length === 1);
  // The other end has gone without a word: what is sent there is never answered.
  good.sockets[0]?.pause();
  mock.timers.enable({ apis: ['Date'], now: Date.now() + 60_000 });
  t.after(() => mock.timers.reset());
  assert.equal((await transport.put(request(10), NEVER)).ok, true);
  assert.equal(good.sockets.length, 2);
});

test('a connection that was used before a freeze is not used after it', async (t) => {
  if (!requirePeer(t, 'openssl')) return;
  const transport = await opened(t, good);
  await transport.put(request(10), NEVER);
  assert.equal(good.sockets.length, 1);
  good.sockets[0]!.pause();
  mock.timers.enable({ apis: ['Date'], now: Date.now() + 60_000 });
  t.after(() => mock.timers.reset());
  assert.equal((await transport.put(request(10), NEVER)).ok, true);
  assert.equal(good.sockets.length, 2);
});

test('a server that answers late has stored the object', async (t) => {
  if (!requirePeer(t, 'openssl')) return;
  const transport = await opened(t, good);
  good.lateMs = 1200;
  t.after(() => (good.lateMs = 0));
  assert.equal((await transport.put(request(10), NEVER)).ok, true);
  assert.equal(good.stored.length, 1);
});

test('a server with the certificate of another name is refused each time: no session comes from it', async (t) => {
  if (!requirePeer(t, 'openssl')) return;
  for (let time = 0; time < 2; time += 1) {
    const transport = await opened(t, foreign);
    const reply = await transport.put(request(10), NEVER);
    assert.ok(!reply.ok);
    assert.match(reply.fault.code, /ERR_TLS_CERT_ALTNAME_INVALID/u);
    assert.equal(foreign.stored.length, 0);
  }
});

test('a rehearsal meets the server, and sends it nothing', async (t) => {
  if (!requirePeer(t, 'openssl')) return;
  good.server.setTicketKeys(randomBytes(48));
  good.sockets.length = 0;
  good.stored.length = 0;
  const config = resolveConfig(
    { s3Endpoint: good.settings.endpoint?.href ?? '', s3PathStyle: true, s3Region: 'eu-central-1' },
    {},
  );
  const { destination, met } = await withEnvironment({ AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' }, async () =>
    openRehearsal('s3://evidence/amber', identity('0198f2f0'), config),
  );
  for (const bytes of [3_000_000, 100]) {
    const receipt = await destination.put(object(segmentName(0), randomBytes(bytes)), NEVER);
    assert.deepEqual(receipt, { state: 'stored', attempts: 1, etag: '0' });
  }
  await destination.commit(object('manifest.json', randomBytes(5000)), NEVER);
  destination.close();
  assert.equal(await met, true);
  assert.deepEqual([good.sockets.length, good.stored.length], [1, 0]);
  const transport = await opened(t, good);
  await transport.put(request(10), NEVER);
  assert.equal(reused(), true);
});

test('a rehearsal where nobody answers ends all the same', async (t) => {
  if (!requirePeer(t, 'openssl')) return;
  const config = resolveConfig({ s3Endpoint: 'https://127.0.0.1:1', s3Region: 'eu-central-1' }, {});
  const { destination, met } = await withEnvironment({ AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' }, async () =>
    openRehearsal('s3://evidence', identity('0198f2f0'), config),
  );
  assert.equal((await destination.put(object(segmentName(0), randomBytes(10)), NEVER)).state, 'stored');
  destination.close();
  assert.equal(await met, false);
});
