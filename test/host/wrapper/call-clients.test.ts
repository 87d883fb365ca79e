/**
 * `capture()` without a context, inside a wrapped handler under the real clients: it is filed with the invocation that
 * asks.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import { bundleLibrary, type Bundle } from '../../bench/bundle.ts';
import { ensureClient, ric3, ric4, ric4on22, STARTS_BOTH, type Client } from '../../sandbox/clients.ts';
import { HANDLERS } from '../../sandbox/record.ts';
import { startSandbox, type Sandbox } from '../../sandbox/sandbox.ts';
import { jsonOf, storedCaptures } from '../extension/captures.ts';

let bundle: Bundle;
before(async () => {
  bundle = await bundleLibrary();
});
after(() => rmSync(bundle.directory, { recursive: true }));

const AMBER = {
  AMBER_DETECT: 'off',
  AMBER_COOLDOWN_MS: '0',
  AMBER_MAX_CAPTURES: '9',
  AMBER_COLLECT: '-inventory,-recovered,-writable,-timeline,-code',
};

interface Told {
  readonly state: string;
  readonly reason: string;
  readonly location: string;
  readonly requestId: string;
  readonly deadlineMs: number;
}

async function open(t: TestContext, client: Client, env: Readonly<Record<string, string>> = {}): Promise<Sandbox> {
  const folder = mkdtempSync(join(tmpdir(), 'amber-asks-'));
  const sandbox = await startSandbox({
    client,
    handler: 'asks.handler',
    taskRoot: HANDLERS,
    env: { ...AMBER, AMBER_DESTINATION: `file://${folder}`, SANDBOX_LIBRARY: bundle.entry, ...env },
  });
  t.after(async () => {
    await sandbox.stop();
    rmSync(folder, { recursive: true });
  });
  assert.equal(await sandbox.ready(), 'ready', sandbox.stderr());
  return sandbox;
}

async function ask(sandbox: Sandbox, event: object, timeoutMs: number): Promise<Told> {
  const result = await sandbox.invoke(event, timeoutMs);
  assert.equal(result.kind, 'response', sandbox.stdout() + sandbox.stderr());
  return JSON.parse('body' in result ? result.body.toString() : '') as Told;
}

/** What the capture holds of the invocation. */
async function filed({ location: given }: Told): Promise<{ requestId?: string; deadline?: string }> {
  const location = given.replace(/^file:\/\//u, '').replace(/\/$/u, '');
  const one = (await storedCaptures(dirname(location))).find(({ id }) => location.includes(id));
  assert.ok(one !== undefined, location);
  return (jsonOf(one, 'live_response/invocation.json') as { invocation: { requestId?: string; deadline?: string } })
    .invocation;
}

for (const client of [ric3, ric4on22, ric4]) {
  describe(client.name, { skip: STARTS_BOTH }, () => {
    test('request, deadline and account are those of the invocation: the first, a later one, one after a call', async (t) => {
      if (!ensureClient(t, client)) return;
      const sandbox = await open(t, client);
      const first = await ask(sandbox, { asks: true }, 9000);
      await ask(sandbox, {}, 9000);
      const after = await ask(sandbox, { asks: true }, 9000);
      const fresh = await open(t, client);
      await ask(fresh, {}, 9000);
      await ask(fresh, {}, 9000);
      const later = await ask(fresh, { asks: true }, 9000);
      for (const told of [first, after, later]) {
        assert.deepEqual([told.state, told.reason], ['whole', 'a web shell was uploaded']);
        assert.match(told.location, /account=123456789012\//u);
        const { requestId, deadline } = await filed(told);
        assert.equal(requestId, told.requestId);
        // Of an invocation that nobody watched the deadline is computed: from its beginning, and the timeout that was
        // learned.
        assert.ok(
          Math.abs(Date.parse(deadline ?? '') - told.deadlineMs) < 500,
          `${String(deadline)} ${new Date(told.deadlineMs).toISOString()}`,
        );
      }
    });

    test('it ends before the deadline', async (t) => {
      if (!ensureClient(t, client)) return;
      // Too little is left for a capture of this function: it says so, and the function answers in time.
      const sandbox = await open(t, client, { AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128' });
      const told = await ask(sandbox, { asks: true }, 2000);
      assert.equal(told.state, 'refused');
    });
  });
}

const MANAGED = {
  AWS_LAMBDA_MAX_CONCURRENCY: '4',
  AWS_LAMBDA_NODEJS_WORKER_COUNT: '1',
  AWS_LAMBDA_INITIALIZATION_TYPE: 'lambda-managed-instances',
};

for (const client of [ric4on22, ric4]) {
  test(`two invocations at once are told apart: ${client.name}`, { skip: STARTS_BOTH }, async (t) => {
    if (!ensureClient(t, client)) return;
    const sandbox = await open(t, client, MANAGED);
    const folder = mkdtempSync(join(tmpdir(), 'amber-asks-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const until = join(folder, 'go');
    const waiting = ask(sandbox, { asks: true, until }, 20_000);
    const other = await ask(sandbox, { asks: true }, 30_000);
    await new Promise((resolve) => setTimeout(resolve, 300)); // a thread gives its turn back a little later
    writeFileSync(until, '');
    const one = await waiting;
    for (const told of [one, other]) {
      assert.equal(told.state, 'whole', sandbox.stdout());
      const { requestId, deadline } = await filed(told);
      assert.equal(requestId, told.requestId);
      assert.ok(Math.abs(Date.parse(deadline ?? '') - told.deadlineMs) < 500);
    }
    assert.notEqual(one.requestId, other.requestId);
  });
}
