/**
 * A warm sandbox under the real runtime clients: an order is written between two invocations, and the next one is
 * captured.
 */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { after, before, describe, test, type TestContext } from 'node:test';
import { bundleLibrary, type Bundle } from '../bench/bundle.ts';
import { IDLE, newOrder, newResponder, signerFor, token } from '../host/orders/orders.ts';
import { ensureClient, ric3, ric4, standIn, STARTS_BOTH, type Client } from '../sandbox/clients.ts';
import { HANDLERS } from '../sandbox/record.ts';
import { startSandbox, type Result, type Sandbox } from '../sandbox/sandbox.ts';
import { stopRadosgw } from '../servers/radosgw.ts';
import { fingerprint } from '../../src/trigger/order-signature.ts';
import { makeBucket } from '../ship/s3-opened.ts';
import { fauxqsPlace, radosgwPlace, type WarmPlace } from './warm-places.ts';

let bundle: Bundle;
before(async () => {
  bundle = await bundleLibrary();
});
after(async () => {
  rmSync(bundle.directory, { recursive: true });
  await stopRadosgw();
});

const SLOW = { result: 'text', wait: 400 };
const QUICK = { result: 'text' };

async function sandboxAt(
  t: TestContext,
  client: Client,
  place: Pick<WarmPlace, 'env'>,
  more: { handler?: string; env?: Record<string, string> } = {},
): Promise<Sandbox> {
  const sandbox = await startSandbox({
    client,
    handler: `amber.handlers.${more.handler ?? 'asynchronous'}`,
    taskRoot: HANDLERS,
    timeoutMs: 20_000,
    memoryMb: 1769,
    env: { SANDBOX_LIBRARY: bundle.entry, ...place.env, ...more.env },
  });
  t.after(() => sandbox.stop());
  assert.equal(await sandbox.ready(), 'ready', sandbox.stderr());
  return sandbox;
}

const lines = (sandbox: Sandbox, kind: string): Record<string, unknown>[] =>
  sandbox
    .stdout()
    .split('\n')
    .filter((line) => line.startsWith(`{"amber":"${kind}"`))
    .map((line) => JSON.parse(line) as Record<string, unknown>);

/** Polls: a log line of a capture comes after the answer. */
async function until(condition: () => boolean): Promise<void> {
  const endMs = Date.now() + 10_000;
  while (!condition() && Date.now() < endMs) await new Promise((resolve) => setTimeout(resolve, 20));
}

const body = (result: Result): string => ('body' in result ? result.body.toString() : result.kind);

/** Invokes until a capture is there; gives the number of invocations that it took. */
async function invokesToCapture(sandbox: Sandbox, event: object, most: number): Promise<number> {
  const before = lines(sandbox, 'capture').length;
  for (let count = 1; count <= most; count += 1) {
    assert.equal(body(await sandbox.invoke(event)), '"text"');
    await new Promise((resolve) => setTimeout(resolve, 50));
    if (lines(sandbox, 'capture').length > before) return count;
  }
  return Number.POSITIVE_INFINITY;
}

const PLACES: readonly [string, (t: TestContext) => Promise<WarmPlace | undefined>][] = [
  ['fauxqs', fauxqsPlace],
  ['radosgw', radosgwPlace],
];

for (const client of [ric3, ric4, standIn]) {
  for (const [name, open] of PLACES) {
    describe(`${client.name}, ${name}`, { skip: STARTS_BOTH }, () => {
      test('captures at the next invocation, with who asked and why; at the one after where the handler is quicker than the read', async (t) => {
        if (!ensureClient(t, client)) return;
        const place = await open(t);
        if (place === undefined) return;
        await place.write(IDLE);
        const sandbox = await sandboxAt(t, client, place);
        await sandbox.invoke(SLOW);
        assert.equal(lines(sandbox, 'capture').length, 0);
        const order = newOrder();
        await place.write(order);
        assert.equal(await invokesToCapture(sandbox, SLOW, 3), 1, sandbox.stdout());
        const [manifest] = await place.manifests();
        assert.equal(manifest?.state, 'whole');
        const { sha256, ...record } = manifest.cause.order ?? {};
        assert.deepEqual(
          { ...manifest.cause, order: record },
          {
            trigger: 'control',
            reason: order.reason,
            requester: order.requester,
            order: {
              id: order.id,
              channel: place.env['AMBER_CONTROL'],
              issued: order.issued,
              expires: order.expires,
              overrides: [],
            },
          },
        );
        assert.match(String(sha256), /^[0-9a-f]{64}$/u);

        await place.write(newOrder());
        assert.ok((await invokesToCapture(sandbox, QUICK, 3)) <= 2, sandbox.stdout());

        // The same again is a replay: no third capture, and one line that says so.
        await place.write({ ...order, reason: 'once more' });
        assert.equal(await invokesToCapture(sandbox, SLOW, 3), Number.POSITIVE_INFINITY);
        assert.deepEqual(
          lines(sandbox, 'refused').map(({ limit, order: id }) => [limit, id]),
          [['replayed', order.id]],
        );
        assert.equal((await place.manifests()).length, 2);
      });
    });
  }
}

describe('a sandbox that was frozen', { skip: STARTS_BOTH }, () => {
  test('drops its connections and reads again', async (t) => {
    if (!ensureClient(t, ric4)) return;
    const place = await fauxqsPlace(t);
    await place.write(IDLE);
    const sandbox = await sandboxAt(t, ric4, place);
    await sandbox.invoke(QUICK);
    sandbox.freeze();
    await place.write(newOrder());
    await new Promise((resolve) => setTimeout(resolve, 3500));
    sandbox.thaw();
    assert.ok((await invokesToCapture(sandbox, QUICK, 3)) <= 2, sandbox.stdout());
    assert.deepEqual(lines(sandbox, 'fault'), []);
  });
});

describe('an order', { skip: STARTS_BOTH }, () => {
  test('that is signed captures to another bucket with other collectors, beyond the cap; unsigned it is refused', async (t) => {
    if (!ensureClient(t, ric4)) return;
    const place = await fauxqsPlace(t);
    const responder = newResponder();
    const foreign = `${place.evidence}-foreign`;
    await makeBucket(place.client, foreign);
    const other = { destination: `s3://${foreign}/case-7`, collect: ['-environment', '+timeline'] };
    await place.write(newOrder(other));
    const sandbox = await sandboxAt(t, ric4, place, {
      env: { AMBER_CONTROL_KEY: responder.key, AMBER_MAX_CAPTURES: '0' },
    });
    assert.equal(await invokesToCapture(sandbox, SLOW, 2), Number.POSITIVE_INFINITY);
    assert.match(
      String(lines(sandbox, 'refused')[0]?.['error']),
      /without a signature an order starts a capture and nothing else, and this one asks for destination, collect/u,
    );

    await place.write(signerFor(String(place.env['AMBER_CONTROL']))(responder, other));
    assert.equal(await invokesToCapture(sandbox, SLOW, 2), 1, sandbox.stdout());
    assert.deepEqual(await place.manifests(), []);
    const [manifest] = await place.manifests(foreign);
    assert.deepEqual(
      [manifest?.cause.order?.['signedBy'], manifest?.cause.order?.['overrides']],
      [fingerprint(responder.key), ['destination', 'collect']],
    );

    await place.write(signerFor(String(place.env['AMBER_CONTROL']))(responder, { state: 'stop' }));
    await sandbox.invoke(SLOW);
    assert.equal(
      await invokesToCapture(sandbox, { ...SLOW, 'amber-order': token(signerFor('event')(responder)) }, 1),
      Number.POSITIVE_INFINITY,
    );
    assert.equal(lines(sandbox, 'refused').at(-1)?.['limit'], 'stop');
  });

  test('in an event captures the sandbox that gets it, once', async (t) => {
    if (!ensureClient(t, ric4)) return;
    const place = await fauxqsPlace(t);
    const responder = newResponder();
    const { AMBER_CONTROL, ...env } = place.env;
    assert.ok(AMBER_CONTROL);
    const sandbox = await sandboxAt(t, ric4, { env }, { env: { AMBER_CONTROL_KEY: responder.key } });
    const order = signerFor('event')(responder);
    assert.equal(await invokesToCapture(sandbox, { ...QUICK, 'amber-order': token(order) }, 1), 1, sandbox.stdout());
    assert.equal(
      await invokesToCapture(sandbox, { ...QUICK, headers: { 'x-amber-order': token(order) } }, 2),
      Number.POSITIVE_INFINITY,
    );
    assert.equal(lines(sandbox, 'refused')[0]?.['limit'], 'replayed');
    assert.equal(
      await invokesToCapture(
        sandbox,
        { ...QUICK, headers: { 'x-amber-order': token(signerFor('event')(responder)) } },
        1,
      ),
      1,
    );
    assert.deepEqual(
      (await place.manifests()).map(({ cause }) => cause.trigger),
      ['event', 'event'],
    );
  });
});

describe('what is wrong with the channel leaves the handler alone', { skip: STARTS_BOTH }, () => {
  const cases: readonly [string, unknown, RegExp | undefined][] = [
    ['10 MB', 'x'.repeat(10 * 1024 * 1024), /could not be read/u],
    ['wrong types', { ...newOrder(), id: 7, scope: [] }, /id is not usable/u],
    ['expired', newOrder({}, Date.now() - 3_600_000), /it expired at/u],
    ['from a clock that is ahead', newOrder({}, Date.now() + 3_600_000), /in the future here/u],
    ['for another function', newOrder({ scope: { function: 'another' } }), /for another function/u],
  ];
  test('each of them is one line in the log, and no capture', async (t) => {
    if (!ensureClient(t, ric4)) return;
    const place = await fauxqsPlace(t);
    await place.write(IDLE);
    const sandbox = await sandboxAt(t, ric4, place);
    const said = (): string[] =>
      [...lines(sandbox, 'refused'), ...lines(sandbox, 'fault')].map(({ error }) => String(error));
    for (const [name, document, line] of cases) {
      const before = said().length;
      await place.write(document);
      for (const event of [SLOW, SLOW]) assert.equal(body(await sandbox.invoke(event)), '"text"', name);
      await until(() => said().length > before);
      assert.equal(said().length, before + 1, `${name}: ${sandbox.stdout()}`);
      assert.ok(
        said().some((error) => line?.test(error)),
        `${name}: ${said().join('; ')}`,
      );
    }
    assert.deepEqual(lines(sandbox, 'capture'), []);
  });

  for (const [name, env] of [
    ['a port that nobody listens on', { AMBER_S3_ENDPOINT: 'http://127.0.0.1:9' }],
    ['a name that does not exist', { AMBER_S3_ENDPOINT: 'http://no-such-host.invalid' }],
    ['an object that is not there', { AMBER_CONTROL: 's3://not-there-at-all/orders.json' }],
  ] as const) {
    test(name, async (t) => {
      if (!ensureClient(t, ric4)) return;
      const place = await fauxqsPlace(t);
      const sandbox = await sandboxAt(t, ric4, place, { env });
      for (let count = 0; count < 4; count += 1) assert.equal(body(await sandbox.invoke(SLOW)), '"text"');
      await until(() => lines(sandbox, 'fault').length > 0);
      assert.deepEqual(
        lines(sandbox, 'fault').map(({ where }) => where),
        ['control'],
      );
      assert.deepEqual(lines(sandbox, 'capture'), []);
    });
  }
});
