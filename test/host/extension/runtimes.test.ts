/**
 * Functions of Python, Java and Go under AWS's own runtime clients, captured by the extension of the `any` layer with a
 * Node of its own: on the platform of these tests, and on AWS's emulator where its binary is given.
 */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { missing } from '../../peers.ts';
import { STARTS_BOTH } from '../../sandbox/clients.ts';
import { requireEmulator, type Stage } from '../../sandbox/emulator.ts';
import { canIsolate } from '../../sandbox/ground.ts';
import { STAGES, type StageKind } from '../../sandbox/stages.ts';
import { anyLayer, holds, type Left } from './any-layer.ts';
import { jsonOf, storedCaptures } from './captures.ts';
import { obeyed, orderChannel } from '../orders/order-channel.ts';
import { newOrder } from '../orders/orders.ts';
import { OTHER_RUNTIMES, type OtherRuntime } from './runtimes.ts';

interface Scene {
  readonly env: Record<string, string>;
  readonly timeoutMs?: number;
}

async function open(
  t: TestContext,
  stage: StageKind,
  runtime: OtherRuntime,
  { env, timeoutMs = 15_000 }: Scene,
): Promise<Stage | undefined> {
  if (stage.emulated && !requireEmulator(t)) return undefined;
  if (!canIsolate()) return void missing(t, 'root, for namespaces');
  const parts = runtime.parts();
  if (parts === undefined) return void missing(t, runtime.needs);
  const started = await stage.start({
    opt: await anyLayer(),
    memoryMb: 512,
    timeoutMs,
    ...parts,
    extensions: [{ name: 'amber', command: ['/opt/extensions/amber'] }],
    env: {
      AMBER_DESTINATION: 'file:///mnt/evidence',
      AMBER_DETECT: 'off',
      AMBER_COOLDOWN_MS: '0',
      AMBER_CODE: '/var/task',
      ...env,
    },
  });
  t.after(() => started.stop());
  return started;
}

async function leave(stage: Stage): Promise<Left> {
  const result = await stage.invoke({ leave: true });
  assert.equal(result.kind, 'response', stage.log());
  await stage.idle();
  return JSON.parse(('body' in result ? result.body : Buffer.alloc(0)).toString()) as Left;
}

for (const stage of STAGES) {
  for (const runtime of OTHER_RUNTIMES) {
    // The layer brings its own Node: the second Node of the tests would run the same.
    describe(`a ${runtime.name} function on ${stage.name}`, { skip: STARTS_BOTH }, () => {
      test('is captured when a responder orders it', async (t) => {
        const channel = await orderChannel(t);
        const platform = await open(t, stage, runtime, { env: channel.env });
        if (platform === undefined) return;
        const left = await leave(platform);
        assert.equal((await storedCaptures(platform.ground.evidence)).length, 0);
        await channel.write(newOrder());
        const ordered = await obeyed(platform, {});
        assert.ok(ordered !== undefined, platform.log());
        holds(ordered, left, runtime.marks);
      });

      test('is captured before it runs out of time, and again when the sandbox is reset', async (t) => {
        const platform = await open(t, stage, runtime, { env: { AMBER_DEADLINE_MS: '6000' }, timeoutMs: 7000 });
        if (platform === undefined) return;
        const left = await leave(platform);
        assert.equal((await platform.invoke({ spin: true })).kind, 'timeout');
        const captures = await storedCaptures(platform.ground.evidence);
        holds(
          captures.find(({ manifest }) => manifest?.cause.trigger === 'deadline'),
          left,
          runtime.marks,
        );
        assert.ok(
          captures.some(({ manifest }) => manifest?.cause.reason.startsWith('an invocation ran out of time')),
          platform.log(),
        );
        assert.equal((await platform.invoke({})).kind, 'response');
      });

      test('leaves /tmp when it crashes, and is served again', async (t) => {
        const platform = await open(t, stage, runtime, { env: { AMBER_ON_CRASH: 'contents' } });
        if (platform === undefined) return;
        await leave(platform);
        const result = await platform.invoke({ exit: 3 });
        assert.equal(result.kind === 'failed' ? result.errorType : result.kind, 'Runtime.ExitError', platform.log());
        await platform.idle();
        const [one] = await storedCaptures(platform.ground.evidence);
        assert.equal(one?.manifest?.cause.trigger, 'crash', platform.log());
        assert.equal(one.entries.get('[root]/tmp/dropped.sh')?.toString(), '#!/bin/sh\nexec sleep 1000\n');
        assert.equal((await platform.invoke({})).kind, 'response');
      });

      test('leaves /tmp and what was seen last when it ends', async (t) => {
        const platform = await open(t, stage, runtime, { env: { AMBER_ON_SHUTDOWN: 'contents' } });
        if (platform === undefined) return;
        const { pid, child } = await leave(platform);
        await platform.invoke({});
        await platform.idle();
        await platform.end();
        const [one] = await storedCaptures(platform.ground.evidence);
        assert.equal(one?.manifest?.cause.trigger, 'shutdown', platform.log());
        assert.equal(one.entries.get('[root]/tmp/dropped.sh')?.toString(), '#!/bin/sh\nexec sleep 1000\n');
        // Without a Telemetry API nothing is looked at beforehand (see "At each invocation" in layer/README.md).
        if (stage.emulated) return;
        const last = jsonOf(one, 'live_response/last_inventory.json') as {
          processes: { pid: number; argv: string[] }[];
        };
        assert.ok(
          last.processes.some(
            (row) => row.pid === pid && row.argv.some((word) => word.includes(runtime.marks.argument)),
          ),
        );
        assert.ok(last.processes.some((row) => row.pid === child));
      });
    });
  }
}
