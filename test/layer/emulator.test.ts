/**
 * The node layer as it is deployed, under the real clients: `/opt` from the zip, its launcher and the Node of the
 * runtime, the handler behind each way of attaching. On the platform of the tests, and on AWS's emulator where its
 * binary is given.
 */
import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { describe, test } from 'node:test';
import { storedCaptures, type Stored } from '../host/extension/captures.ts';
import { obeyed, orderChannel } from '../host/orders/order-channel.ts';
import { newOrder } from '../host/orders/orders.ts';
import { ric4, STARTS_BOTH } from '../sandbox/clients.ts';
import type { InvokeResult } from '../sandbox/platform-contracts.ts';
import { STAGES } from '../sandbox/stages.ts';
import { CASES, makeFunction } from './resolution-cases.ts';
import { managed3, WAYS, type Way } from './ways.ts';
import { AMBER, answers, EVENTS, holdsRuntime, layer, open, triggered } from './emulator-scene.ts';

for (const stage of STAGES) {
  // Version 3 says nothing of our platform that the other suites do not say of it already.
  for (const client of stage.emulated ? [managed3, ric4] : [ric4]) {
    describe(`${client.name} on ${stage.name}`, { skip: STARTS_BOTH }, () => {
      test('answers as the bare function does, whichever way the layer is attached', async (t) => {
        const handler = 'plain.handlers.asynchronous';
        const bare = await open(t, { stage, client, handler, attached: false });
        if (bare === undefined) return;
        const expected = await answers(bare, EVENTS);
        assert.equal(expected.length, EVENTS.length);
        for (const way of WAYS) {
          const layered = await open(t, { stage, client, handler, way });
          assert.ok(layered !== undefined);
          assert.deepEqual(await answers(layered, EVENTS), expected, way);
          assert.deepEqual(layered.logLines('fault'), [], way);
          if (stage.emulated) assert.match(layered.log(), /INIT RTDONE\(status: success\)/u);
          await layered.stop();
        }
      });

      // Our own platform has them in resolution.test.ts.
      for (const one of stage.emulated ? CASES : []) {
        test(`${one.name}: bare and by each way`, async (t) => {
          const task = makeFunction(layer.home, one.files);
          const run = async (way?: Way): Promise<unknown> => {
            const handler = one.handler.replace('@TASK', '/var/task');
            const env = Object.fromEntries(
              Object.entries(one.env ?? {}).map(([name, value]) => [name, value.replace('@TASK', '/var/task')]),
            );
            const platform = await open(t, {
              stage,
              client,
              task,
              handler,
              env,
              attached: way !== undefined,
              ...(way === undefined ? {} : { way }),
            });
            if (platform === undefined) return undefined;
            const told = await answers(platform, [{}]);
            await platform.stop();
            return told;
          };
          const bare = await run();
          if (bare === undefined) return;
          for (const way of WAYS) if (way !== one.notBy?.way) assert.deepEqual(await run(way), bare, way);
        });
      }

      test('captures on the order of a responder, and in the reset after a crash', async (t) => {
        const channel = await orderChannel(t);
        const platform = await open(t, { stage, client, env: { ...channel.env, AMBER_ON_CRASH: 'contents' } });
        if (platform === undefined) return;
        assert.equal(
          (await platform.invoke({ write: '/tmp/left', text: 'of the first invocation\n' })).kind,
          'response',
        );
        await platform.idle();
        await channel.write(newOrder());
        const ordered = await obeyed(platform, { waitMs: 300 });
        holdsRuntime(ordered);
        assert.equal(ordered?.entries.get('[root]/tmp/left')?.toString(), 'of the first invocation\n');

        assert.equal((await platform.invoke({ write: '/tmp/.x', text: 'stage two\n', exit: 1 })).kind, 'failed');
        await platform.idle();
        const crashed = triggered(await storedCaptures(platform.ground.evidence), 'crash');
        assert.equal(crashed?.entries.get('[root]/tmp/.x')?.toString(), 'stage two\n', platform.log());
        assert.match(crashed.manifest?.cause.reason ?? '', /failed, and the platform resets the sandbox/u);
        assert.equal((await platform.invoke({ say: 'again' })).kind, 'response');
      });

      test('a crash stays a crash to its caller, also where less is left of the invocation than its capture takes', async (t) => {
        for (const { timeoutMs, waitMs } of [
          { timeoutMs: 2000, waitMs: 1400 },
          { timeoutMs: 2000, waitMs: 1850 },
          { timeoutMs: 6000, waitMs: 100 },
        ]) {
          const took: number[] = [];
          for (const attached of [false, true]) {
            const platform = await open(t, { stage, client, attached, timeoutMs });
            if (platform === undefined) return;
            assert.equal((await platform.invoke({ say: 'ready' })).kind, 'response');
            await platform.idle();
            const result = await platform.invoke({ waitMs, exit: 1 });
            assert.deepEqual(
              [result.kind, 'errorType' in result ? result.errorType : ''],
              ['failed', 'Runtime.ExitError'],
              platform.log(),
            );
            took.push(result.tookMs - waitMs);
            await platform.stop();
          }
          t.diagnostic(
            `exit ${String(timeoutMs - waitMs)} ms before the timeout: the caller waits ${took.map(String).join(' ms bare, ')} ms with the extension`,
          );
        }
      });

      test('an answer that a capture holds is out when the process ends', async (t) => {
        for (const late of ['an exception', 'an exit', 'a signal']) {
          const platform = await open(t, {
            stage,
            client,
            handler: 'late.amber.asynchronous',
            attached: false,
            env: {
              ...AMBER,
              SANDBOX_LIBRARY: resolve('src/index.ts'),
              AMBER_CAPTURE: 'now',
              AMBER_COLLECT: '-inventory,-recovered,-writable,-timeline,-code',
            },
          });
          if (platform === undefined) return;
          const result = await platform.invoke({ way: late, answer: 'value' });
          assert.deepEqual(
            [result.kind, 'body' in result ? JSON.parse(result.body.toString()) : undefined],
            ['response', { text: 'späß ✓', number: 1 }],
            `${late}\n${platform.log()}`,
          );
          await platform.stop();
        }
      });

      const noneOfV3 = client.generation === 'v3' ? 'version 3 of the client does not know them' : false;
      test('asks for SHUTDOWN alone on Managed Instances, where invocations run side by side, and captures there', {
        skip: noneOfV3,
      }, async (t) => {
        const platform = await open(t, { stage, client, managed: true });
        if (platform === undefined) return;
        assert.equal(
          (await platform.invoke({ write: '/tmp/left', text: 'of an invocation\n' })).kind,
          'response',
          platform.log(),
        );
        // The emulator refuses what comes before the client asks for a second one.
        const both = async (): Promise<readonly InvokeResult[]> =>
          Promise.all([platform.invoke({ waitMs: 300 }), platform.invoke({ waitMs: 300 })]);
        let results = await both();
        for (let tries = 0; tries < 20 && !results.every(({ kind }) => kind === 'response'); tries += 1)
          results = await both();
        assert.ok(
          results.every(({ kind }) => kind === 'response'),
          JSON.stringify(results),
        );
        if (stage.emulated) {
          assert.match(platform.log(), /event=INVOKE err=ErrorInvalidEventType/u);
          assert.match(platform.log(), /Telemetry subscription created/u);
        }
        await platform.end();
        const last = triggered(await storedCaptures(platform.ground.evidence), 'shutdown');
        assert.match(last?.entries.get('bodyfile/bodyfile.txt')?.toString() ?? '', /\/tmp\/left/u, platform.log());
      });

      test('finds an intruder by the clock on Managed Instances, where nothing is told of invocations', {
        skip: noneOfV3,
      }, async (t) => {
        const platform = await open(t, { stage, client, managed: true, env: { AMBER_DETECT: 'high,-code-changed' } });
        if (platform === undefined) return;
        assert.equal((await platform.invoke({ stage: '/tmp/.x' })).kind, 'response', platform.log());
        let found: Stored | undefined;
        for (let tries = 0; tries < 300 && found?.manifest === undefined; tries += 1) {
          await new Promise((resolve) => setTimeout(resolve, 100));
          found = triggered(await storedCaptures(platform.ground.evidence), 'anomaly');
        }
        holdsRuntime(found);
        assert.ok((found?.entries.get('[root]/tmp/.x')?.length ?? 0) > 1000);
        await platform.end();
      });

      test('captures a blocked event loop before the deadline, the reset that follows, and the end', async (t) => {
        const platform = await open(t, { stage, client, timeoutMs: 7000, env: { AMBER_DEADLINE_MS: '6000' } });
        if (platform === undefined) return;
        const result = await platform.invoke({ write: '/tmp/dropped', text: 'payload\n', spin: true });
        assert.equal(result.kind, 'timeout', platform.log());
        assert.ok(result.tookMs >= 6900 && result.tookMs < 14_000, String(result.tookMs));
        const captures = await storedCaptures(platform.ground.evidence);
        const near = triggered(captures, 'deadline');
        holdsRuntime(near);
        assert.equal(near?.entries.get('[root]/tmp/dropped')?.toString(), 'payload\n');
        assert.match(triggered(captures, 'crash')?.manifest?.cause.reason ?? '', /^an invocation ran out of time/u);

        assert.equal((await platform.invoke({ say: 'again' })).kind, 'response');
        await platform.idle();
        await platform.end();
        const last = triggered(await storedCaptures(platform.ground.evidence), 'shutdown');
        assert.match(last?.entries.get('bodyfile/bodyfile.txt')?.toString() ?? '', /\/tmp\/dropped/u, platform.log());
      });
    });
  }
}
