/** Slots of the fleet cap: what a claim may get, and that S3 gives each once. */
import assert from 'node:assert/strict';
import { after, test, type TestContext } from 'node:test';
import { GetObjectCommand, ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';
import { resolveConfig } from '../../src/config/config.ts';
import { claimSlot, type Claim, type PutNew, type SlotRequest } from '../../src/ship/slots.ts';
import { radosgw, stopRadosgw } from '../servers/radosgw.ts';
import { faultProxy, ANSWERS } from '../servers/fault-proxy.ts';
import { makeBucket, owner } from './s3-opened.ts';

const keys = { accessKeyId: 'AKIDSLOTS', secretAccessKey: 'slots-secret' };
const NOW = Date.UTC(2026, 0, 31, 12);
const clients: S3Client[] = [];
after(async () => {
  for (const client of clients) client.destroy();
  await stopRadosgw();
});

function request(more: Partial<SlotRequest> & { cap?: number; endpoint?: string; bucket?: string } = {}): SlotRequest {
  const { cap = 5, endpoint = 'http://127.0.0.1:9', bucket = 'slots', ...rest } = more;
  return {
    config: resolveConfig(
      {
        destination: `s3://${bucket}/amber`,
        fleetCap: cap,
        s3Endpoint: endpoint,
        s3PathStyle: true,
        s3Region: 'us-east-1',
      },
      {},
    ),
    cause: { trigger: 'anomaly', reason: 'r' },
    invocation: undefined,
    nowMs: NOW,
    signal: AbortSignal.timeout(20_000),
    env: {
      AWS_LAMBDA_FUNCTION_NAME: 'checkout',
      AWS_REGION: 'us-east-1',
      AWS_ACCOUNT_ID: '111122223333',
      AWS_ACCESS_KEY_ID: keys.accessKeyId,
      AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
      AWS_LAMBDA_LOG_STREAM_NAME: 'stream',
    },
    ...rest,
  };
}

const slotsOf = (claims: readonly Claim[]): number[] =>
  claims.flatMap((claim) => (claim.kind === 'claimed' ? [claim.slot] : [])).sort((one, other) => one - other);

async function gateway(t: TestContext): Promise<{ endpoint: string; client: S3Client } | undefined> {
  const server = await radosgw(t);
  if (server === undefined) return undefined;
  // there from the test before
  await server.createUser('slots', keys.accessKeyId, keys.secretAccessKey).catch(() => undefined);
  const client = owner(server.endpoint, keys);
  clients.push(client);
  return { endpoint: server.endpoint, client };
}

test('radosgw: of 24 sandboxes that claim at once, five get one of the five slots, each another one', async (t) => {
  const at = await gateway(t);
  if (at === undefined) return;
  await makeBucket(at.client, 'slots');
  const claims = await Promise.all(
    Array.from({ length: 24 }, async () => claimSlot(request({ endpoint: at.endpoint }))),
  );
  assert.deepEqual(slotsOf(claims), [0, 1, 2, 3, 4]);
  const refused = claims.filter((claim) => claim.kind === 'full');
  assert.equal(refused.length, 19);
  assert.equal(new Date(refused[0]!.untilMs).toISOString(), '2026-02-01T00:00:00.000Z');
  const folder = 'amber/account=111122223333/region=us-east-1/function=checkout/slots/date=2026-01-31/';
  const { Contents } = await at.client.send(new ListObjectsV2Command({ Bucket: 'slots' }));
  assert.deepEqual(
    Contents?.map(({ Key }) => Key),
    [0, 1, 2, 3, 4].map((slot) => `${folder}slot-000${String(slot)}.json`),
  );
  const { Body } = await at.client.send(new GetObjectCommand({ Bucket: 'slots', Key: `${folder}slot-0000.json` }));
  assert.deepEqual(JSON.parse(await Body!.transformToString()), {
    at: '2026-01-31T12:00:00.000Z',
    logStream: 'stream',
    reason: 'r',
    trigger: 'anomaly',
  });
  assert.deepEqual(
    slotsOf([await claimSlot(request({ endpoint: at.endpoint, nowMs: NOW + 86_400_000 }))]).length,
    1,
    'the next day has slots of its own',
  );
});

test('a slot whose answer was lost counts as taken: the cap holds', async (t) => {
  const at = await gateway(t);
  if (at === undefined) return;
  await makeBucket(at.client, 'lost');
  const proxy = await faultProxy(at.endpoint);
  t.after(() => proxy.close());
  proxy.script('drop-answer');
  const claims: Claim[] = [];
  for (let count = 0; count < 6; count += 1)
    claims.push(await claimSlot(request({ endpoint: proxy.endpoint, bucket: 'lost', cap: 3 })));
  assert.equal(slotsOf(claims).length, 2);
  assert.equal(new Set(slotsOf(claims)).size, 2);
});

test('what cannot be asked is a cap that holds: denied, unreachable, no credentials', async () => {
  const proxy = await faultProxy('http://127.0.0.1:9');
  proxy.script(ANSWERS.denied, ANSWERS.denied);
  const { AWS_ACCESS_KEY_ID, ...bare } = request().env;
  assert.ok(AWS_ACCESS_KEY_ID);
  for (const [given, why] of [
    [request({ endpoint: proxy.endpoint }), /\(403 AccessDenied\)/u],
    [request(), /ECONNREFUSED/u],
    [request({ env: bare }), /DESTINATION|credentials/u],
  ] as const) {
    const claim = await claimSlot(given);
    assert.equal(claim.kind, 'full');
    assert.equal(claim.untilMs, NOW + 60_000, 'it is asked again after a minute');
    assert.deepEqual([claim.refused.code, claim.refused.details['limit']], ['CAPTURE_LIMITED', 'fleet']);
    assert.match(claim.refused.message, why);
  }
  await proxy.close();
});

test('at most 32 slots are tried, and three faults end a claim', async () => {
  let asked = 0;
  const taken: PutNew = () => {
    asked += 1;
    return Promise.resolve({ ok: false, fault: { status: 412, code: 'PreconditionFailed' } });
  };
  assert.equal((await claimSlot(request({ cap: 1000, put: taken }))).kind, 'full');
  assert.equal(asked, 32);
  asked = 0;
  const failing: PutNew = () => {
    asked += 1;
    return Promise.resolve({ ok: false, fault: { status: 503, code: 'SlowDown' } });
  };
  assert.equal((await claimSlot(request({ cap: 1000, put: failing }))).kind, 'full');
  assert.equal(asked, 3);
});
