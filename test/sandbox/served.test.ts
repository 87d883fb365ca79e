/**
 * A wrapped function under the runtime client, beside processes that hold files of a silent FUSE server: its answer
 * comes, its event loop turns, its capture commits, and it can end.
 */
import assert from 'node:assert/strict';
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { bundleLibrary, type Bundle } from '../bench/bundle.ts';
import { canServe, SERVED_SCRIPT } from '../adversary/hostile/served.ts';
import { ensureClient, ric3, ric4, STARTS_BOTH, type Client } from './clients.ts';
import { HANDLERS } from './record.ts';
import { startSandbox, type Sandbox } from './sandbox.ts';

const LIMIT = { timeout: 120_000 };
const MAX_HELD_MS = 250;
/** Of the function; a capture that hangs takes all of it. */
const TIMEOUT_MS = 20_000;
const ANSWER_MS = 10_000;
const EXIT_MS = 3000;
const DYING_MS = 500;
const SERVER = resolve('test/fixtures/proc/fuse-server.py');

let bundle: Bundle;
before(async () => {
  bundle = await bundleLibrary();
});
after(() => rmSync(bundle.directory, { recursive: true }));

interface Scene {
  readonly sandbox: Sandbox;
  readonly asked: () => readonly string[];
  readonly manifests: () => readonly { readonly state: string; readonly cause: { readonly trigger: string } }[];
}

/** The client, in a process namespace of its own, started when the server has fallen silent. */
function beside(client: Client, mount: string, log: string, mode: string): Client {
  const flags = [
    '--pid',
    '--fork',
    '--kill-child',
    '--mount',
    '--mount-proc',
    '--ipc',
    'bash',
    '-c',
    SERVED_SCRIPT,
    'served',
    SERVER,
    mount,
    log,
    mode,
  ];
  return { ...client, node: 'unshare', args: (handler) => [...flags, client.node, ...client.args(handler)] };
}

async function open(
  t: TestContext,
  client: Client,
  mode: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Scene> {
  // In memory, where it may be: what a disk does beside us is no hold.
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'amber-beside-'));
  const [mount, log, evidence] = [join(folder, 'tree/served'), join(folder, 'requests'), join(folder, 'evidence')];
  for (const made of [mount, evidence]) mkdirSync(made, { recursive: true });
  writeFileSync(log, '');
  writeFileSync(join(folder, 'tree/plain'), 'plain');
  const sandbox = await startSandbox({
    client: beside(client, mount, log, mode),
    handler: 'watched-loop.handler',
    taskRoot: HANDLERS,
    timeoutMs: TIMEOUT_MS,
    env: {
      AMBER_CAPTURE: 'now',
      AMBER_DESTINATION: `file://${evidence}`,
      AMBER_WRITABLE: join(folder, 'tree'),
      SANDBOX_LIBRARY: bundle.entry,
      ...env,
    },
  });
  t.after(async () => {
    await sandbox.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    sandbox,
    asked: () =>
      readFileSync(log, 'utf8')
        .split('\n')
        .filter((line) => line !== ''),
    manifests: () =>
      globSync(`${evidence}/**/manifest.json`).map(
        (path) => JSON.parse(readFileSync(path, 'utf8')) as { state: string; cause: { trigger: string } },
      ),
  };
}

async function answer(
  { invoke, log }: Sandbox,
  event: object,
): Promise<{ longestMs: number; turns: number; tookMs: number }> {
  const result = await invoke(event);
  assert.equal(result.kind, 'response', log());
  return { ...(JSON.parse(result.body.toString()) as { longestMs: number; turns: number }), tookMs: result.tookMs };
}

for (const client of [ric4, ric3]) {
  describe(`a wrapped function on ${client.name}, beside a silent server`, { skip: STARTS_BOTH }, () => {
    for (const [what, mode] of [
      ['that serves files in a namespace of its own', ''],
      ['that serves a folder of a writable tree', 'here'],
    ] as const) {
      it(`${what}: answers on time, turns its loop, commits and exits`, LIMIT, async (t) => {
        if (!canServe(t) || !ensureClient(t, client)) return;
        const { sandbox, asked, manifests } = await open(t, client, mode);
        const first = await answer(sandbox, { beginAnew: true });
        assert.ok(first.tookMs < ANSWER_MS, `the answer took ${first.tookMs} ms`);
        assert.deepEqual(
          manifests().map(({ state, cause }) => [state, cause.trigger]),
          [['whole', 'flag']],
          sandbox.log(),
        );
        const { longestMs, turns } = await answer(sandbox, {});
        t.diagnostic(`answer in ${first.tookMs} ms, held for ${longestMs.toFixed(0)} ms`);
        assert.ok(
          turns > 20 && longestMs < MAX_HELD_MS,
          `the event loop was held for ${longestMs} ms in ${turns} turns`,
        );
        const result = await sandbox.invoke({ exitNow: 7 });
        assert.equal(result.kind, 'exit', sandbox.log());
        assert.ok(result.tookMs < EXIT_MS, `process.exit() took ${result.tookMs} ms`);
        assert.deepEqual((await sandbox.exited).code, 7);
        assert.deepEqual(asked(), []);
      });
    }

    it('exits in the middle of a capture that it has asked for', LIMIT, async (t) => {
      if (!canServe(t) || !ensureClient(t, client)) return;
      const { sandbox, asked, manifests } = await open(t, client, '', { AMBER_CAPTURE: 'armed' });
      assert.equal(await sandbox.ready(), 'ready', sandbox.stderr());
      const result = await sandbox.invoke({ captureForMs: 800 });
      assert.equal(result.kind, 'exit', sandbox.log());
      assert.ok(result.tookMs < EXIT_MS, `process.exit() took ${result.tookMs} ms`);
      assert.equal((await sandbox.exited).code, 7);
      assert.deepEqual(manifests(), [], 'the capture was not over');
      assert.deepEqual(asked(), []);
    });

    it('exits while its answer is held as it does without Amber: at the next invocation', LIMIT, async (t) => {
      if (!canServe(t) || !ensureClient(t, client)) return;
      const kinds: string[][] = [];
      for (const env of [{ AMBER_CAPTURE: 'off', AMBER_DETECT: 'off' }, {}]) {
        const { sandbox, asked } = await open(t, client, '', env);
        const first = await sandbox.invoke({ exitInMs: 100 });
        // The client waits for an invocation in a thread, which Node joins before it ends.
        await sleep(DYING_MS);
        const next = await sandbox.invoke({});
        assert.ok(next.tookMs < EXIT_MS, `${next.tookMs} ms`);
        kinds.push([first.kind, next.kind]);
        assert.deepEqual(asked(), []);
      }
      assert.deepEqual(kinds[1], kinds[0]);
    });
  });
}
