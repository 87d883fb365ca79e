/**
 * Triggers of code in a wrapped handler under the runtime clients: the answer is the handler's, the capture names the
 * trigger.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import type { Trigger } from '../../../src/contracts/evidence.ts';
import { bundleLibrary, type Bundle } from '../../bench/bundle.ts';
import { ensureClient, ric3, ric4, ric4on22, STARTS_BOTH, type Client } from '../../sandbox/clients.ts';
import { HANDLERS } from '../../sandbox/record.ts';
import { startSandbox, type Sandbox } from '../../sandbox/sandbox.ts';
import { jsonOf, storedCaptures } from '../extension/captures.ts';
import { DESTINATION, testEnvironment, wrap, type Handler } from '../environment.ts';

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

interface Scene {
  readonly sandbox: Sandbox;
  readonly folder: string;
}

async function open(t: TestContext, client: Client, env: Readonly<Record<string, string>> = {}): Promise<Scene> {
  const folder = mkdtempSync(join(tmpdir(), 'amber-own-'));
  const sandbox = await startSandbox({
    client,
    handler: 'own-trigger.handler',
    taskRoot: HANDLERS,
    env: { ...AMBER, AMBER_DESTINATION: `file://${folder}`, SANDBOX_LIBRARY: bundle.entry, ...env },
  });
  t.after(async () => {
    await sandbox.stop();
    rmSync(folder, { recursive: true });
  });
  assert.equal(await sandbox.ready(), 'ready', sandbox.stderr());
  return { sandbox, folder };
}

async function answer({ sandbox }: Scene, event: object): Promise<unknown> {
  const result = await sandbox.invoke(event, 9000);
  assert.ok('body' in result, sandbox.stdout() + sandbox.stderr());
  return JSON.parse(result.body.toString());
}

/** Trigger and reason of what is stored. */
async function causes({ folder }: Scene): Promise<readonly string[]> {
  const captures = await storedCaptures(folder);
  return captures
    .map((one) => {
      const { cause } = jsonOf(one, 'capture.json') as { cause: { trigger: string; reason: string } };
      return `${cause.trigger}: ${cause.reason}`;
    })
    .sort();
}

for (const client of [ric3, ric4on22, ric4]) {
  describe(client.name, { skip: STARTS_BOTH }, () => {
    test('fires when the handler has settled or failed; a broken one beside it costs nothing but one line', async (t) => {
      if (!ensureClient(t, client)) return;
      const scene = await open(t, client);
      assert.deepEqual(await answer(scene, { name: 'a.png' }), { name: 'a.png', asked: 0 });
      assert.deepEqual(await causes(scene), []);
      assert.deepEqual(await answer(scene, { name: 'cmd.php' }), { name: 'cmd.php', asked: 1 });
      assert.deepEqual(await causes(scene), ['web-shell: cmd.php was uploaded']);
      const failed = await scene.sandbox.invoke({ name: 'a.png', fails: 'AccessDenied' }, 9000);
      assert.equal(failed.kind, 'error');
      assert.deepEqual(await causes(scene), [
        'denied: a call of the function was denied',
        'web-shell: cmd.php was uploaded',
      ]);
      // a failure that is captured asks nobody else
      assert.deepEqual(await answer(scene, { name: 'b.png' }), { name: 'b.png', asked: 2 });
      assert.equal((await causes(scene)).length, 2);
      assert.deepEqual(scene.sandbox.stdout().match(/"where":"trigger [a-z-]+"/gu), ['"where":"trigger broken"']);
    });

    test('fires before the deadline, when its own lead says', async (t) => {
      if (!ensureClient(t, client)) return;
      const scene = await open(t, client, { WITH_SLOW: '1' });
      const until = join(scene.folder, 'go-on');
      const ended = await scene.sandbox.invoke({ name: 'a.png', until }, 6000);
      assert.notEqual(ended.kind, 'response'); // nobody makes the file: the platform ends the invocation
      assert.deepEqual(await causes(scene), ['slow: the handler runs for more than 200 ms']);
    });
  });
}

describe('limits', () => {
  const mine: Trigger = {
    name: 'mine',
    description: 'of a test',
    moments: () => ['settled'],
    fires: () => ({ trigger: 'mine', reason: 'always' }),
  };
  const triggers = [mine];
  const handler: Handler = async () => Promise.resolve(7);

  test('cap and cooldown hold for a trigger of code, and its refusal is one line', async () => {
    const environment = testEnvironment({ ...DESTINATION, AMBER_MAX_CAPTURES: '2', AMBER_COOLDOWN_MS: '60000' });
    const wrapped = wrap(environment, handler, { triggers });
    for (let turn = 0; turn < 4; turn += 1) assert.equal(await wrapped(), 7);
    assert.deepEqual(
      environment.requests.map(({ cause }) => cause.trigger),
      ['mine'],
    );
    assert.deepEqual(
      environment.lines.map((line) => [line['amber'], line['trigger'], line['limit']]),
      [['refused', 'mine', 'cooldown']],
    );
  });

  test('it needs a slot of the fleet, like every trigger that may be wrong in all sandboxes at once', async () => {
    const claimed: string[] = [];
    const environment = {
      ...testEnvironment({ ...DESTINATION, AMBER_DESTINATION: 's3://bucket', AMBER_FLEET_CAP: '5' }),
    };
    Object.assign(environment, {
      claim: async ({ cause }: { cause: { trigger: string } }) =>
        Promise.resolve((claimed.push(cause.trigger), { kind: 'claimed' })),
    });
    await wrap(environment, handler, { triggers })();
    assert.deepEqual([claimed, environment.requests.length], [['mine'], 1]);
  });

  test('a built-in trigger comes first, and AMBER_CAPTURE=off turns both off', async () => {
    const flagged = testEnvironment({ ...DESTINATION, AMBER_CAPTURE: 'now' });
    await wrap(flagged, handler, { triggers })();
    assert.deepEqual(
      flagged.requests.map(({ cause }) => cause.trigger),
      ['flag'],
    );
    const off = testEnvironment({ ...DESTINATION, AMBER_CAPTURE: 'off' });
    await wrap(off, handler, { triggers })();
    assert.deepEqual(off.requests, []);
  });
});
