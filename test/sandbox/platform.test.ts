/** The platform of the sandbox keeps the rules that it names: an extension of few lines meets each of them. */
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { missing } from '../peers.ts';
import { standIn } from './clients.ts';
import { canIsolate } from './ground.ts';
import { startPlatform, type Platform, type PlatformOptions } from './platform.ts';

const EXTENSION = join(import.meta.dirname, 'plain-extension.mjs');
const HANDLER = join(import.meta.dirname, 'handlers/lifecycle.mjs');

async function open(
  t: { after: (done: () => Promise<void>) => void },
  options: Partial<PlatformOptions> = {},
  mode = 'plain',
): Promise<Platform> {
  const platform = await startPlatform({
    runtime: {
      command: [standIn.node, ...standIn.args('')],
      env: { LAMBDA_TASK_ROOT: join(import.meta.dirname, 'handlers') },
    },
    handler: 'lifecycle.handler',
    extensions: [{ name: 'plain', command: [standIn.node, EXTENSION, 'plain', mode] }],
    ...options,
  });
  t.after(() => platform.stop());
  return platform;
}

const said = (platform: Platform): string[] =>
  platform
    .log()
    .split('\n')
    .filter((line) => line.startsWith('plain '));

describe('an extension in the sandbox', () => {
  for (const namespace of [true, false]) {
    test(`is told of invocations and of the end, ${namespace ? 'in namespaces' : 'as plain processes'}`, async (t) => {
      if (namespace && !canIsolate()) return void missing(t, 'root, for namespaces');
      const platform = await open(t, { namespace });
      assert.equal(platform.ground.isolated, namespace);
      const result = await platform.invoke({ say: 'hello' });
      assert.equal(result.kind, 'response');
      await platform.idle();
      const record = await platform.shutdown();
      assert.equal(record?.reason, 'spindown');
      assert.equal(record.extensions[0]?.killed, false);
      assert.deepEqual(
        said(platform).map((line) => line.split(' ')[1]),
        ['registered', 'INVOKE', 'SHUTDOWN:spindown'],
      );
      assert.ok(existsSync(HANDLER));
    });
  }

  test('has its uid, its pids and its /tmp with the runtime, and /tmp outlives a reset', async (t) => {
    if (!canIsolate()) return void missing(t, 'root, for namespaces');
    const platform = await open(t);
    const before = JSON.parse((await said200(platform, { facts: true })).toString()) as {
      uid: number;
      pids: number[];
      pid: number;
      tmp: string[];
    };
    assert.equal(before.uid, 993);
    assert.ok(
      before.pids.includes(1) && before.pids.includes(before.pid) && before.pids.length < 10,
      String(before.pids),
    );
    writeFileSync(join(platform.ground.tmp, 'kept'), 'x');
    const late = await platform.invoke({ spin: true }, 300);
    assert.equal(late.kind, 'timeout');
    assert.ok(late.tookMs >= 300 && late.tookMs < 2000, String(late.tookMs));
    assert.equal(platform.shutdowns[0]?.reason, 'timeout');
    const after = JSON.parse((await said200(platform, { facts: true })).toString()) as typeof before;
    assert.ok(after.tmp.includes('kept'));
    assert.notEqual(after.pid, before.pid);
  });

  test('is stopped between invocations', async (t) => {
    const platform = await open(t, {}, 'tick');
    await platform.invoke({});
    await platform.idle();
    const ticks = platform.log().split('tick').length;
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.ok(platform.log().split('tick').length - ticks <= 1);
    await platform.invoke({ waitMs: 300 });
    assert.ok(platform.log().split('tick').length > ticks);
  });

  test('that does not end is killed after two seconds, and the runtime has gone before it hears of it', async (t) => {
    const platform = await open(t, {}, 'stay');
    const record = await platform.shutdown();
    const [one] = record?.extensions ?? [];
    assert.ok(one?.killed === true && one.exitMs >= 1900 && one.exitMs < 3000, JSON.stringify(record));
    assert.ok(record !== undefined && record.runtimeMs <= one.eventMs);
  });

  test('that crashes takes the invocation with it; a runtime that exits is a failure', async (t) => {
    const platform = await open(t, {}, 'crash');
    const crashed = await platform.invoke({ waitMs: 2000 });
    assert.deepEqual([crashed.kind, 'errorType' in crashed && crashed.errorType], ['failed', 'Extension.Crash']);
    assert.equal(platform.shutdowns.at(-1)?.reason, 'failure');
    const other = await open(t);
    const exited = await other.invoke({ exit: 3 });
    assert.deepEqual([exited.kind, 'errorType' in exited && exited.errorType], ['failed', 'Runtime.ExitError']);
    await other.idle();
    assert.deepEqual(
      said(other).map((line) => line.split(' ')[1]),
      ['registered', 'INVOKE', 'SHUTDOWN:failure'],
    );
  });

  test('gets 403 for INVOKE on Managed Instances, which run several invocations at once', async (t) => {
    const platform = await open(t, { managed: true }, 'either');
    assert.match(platform.log(), /plain refused 403 Extension.InvalidEventType/u);
    const startedMs = performance.now();
    const results = await Promise.all([platform.invoke({}), platform.invoke({})]);
    assert.ok(results.every(({ kind }) => kind === 'response') && performance.now() - startedMs < 3000);
    await platform.shutdown();
    assert.deepEqual(
      said(platform).map((line) => line.split(' ')[1]),
      ['refused', 'registered', 'SHUTDOWN:spindown'],
    );
  });

  test('hears of the end of an invocation by telemetry, where there is one', async (t) => {
    const platform = await open(t, { freeze: false }, 'telemetry');
    await platform.invoke({});
    for (let tries = 0; tries < 100 && !platform.log().includes('platform.runtimeDone'); tries += 1)
      await new Promise((resolve) => setTimeout(resolve, 20));
    assert.match(platform.log(), /plain subscribed 200/u);
    assert.match(platform.log(), /platform.runtimeDone.*"status":"success"/u);
    const without = await open(t, { telemetry: false }, 'telemetry');
    assert.match(without.log(), /plain subscribed 202 .*Telemetry.NotSupported/u);
  });
});

async function said200(platform: Platform, event: object): Promise<Buffer> {
  const result = await platform.invoke(event);
  assert.equal(result.kind, 'response', JSON.stringify(result));
  return 'body' in result ? result.body : Buffer.alloc(0);
}
