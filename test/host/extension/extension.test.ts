/**
 * The extension in a sandbox: what it captures when an invocation runs out of time, when the runtime dies, and at the
 * end.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { canIsolate } from '../../sandbox/ground.ts';
import { jsonOf, storedCaptures, type Stored } from './captures.ts';
import { openScene } from './sandbox.ts';
import { REASONS, shutdownTrials } from './shutdown-trials.ts';

interface ProcessRow {
  readonly pid: number;
  readonly argv: readonly string[];
  readonly exe?: { readonly path: string; readonly sha256?: string };
}

const processesOf = (one: Stored): readonly ProcessRow[] =>
  (jsonOf(one, 'live_response/processes.json') as { processes: ProcessRow[] }).processes;

describe('the extension', {
  skip:
    canIsolate() || process.env['REQUIRE_PEERS'] === '1'
      ? false
      : 'not run: needs root, for namespaces, and a checkout outside of /tmp',
}, () => {
  test('keeps an inventory of an idle sandbox that ends, and leaves at once', async (t) => {
    const platform = await openScene(t);
    await platform.invoke({ write: '/tmp/left', text: 'what the function left\n' });
    await platform.idle();
    const record = await platform.shutdown();
    assert.equal(record?.extensions[0]?.killed, false);
    const [one, ...more] = await storedCaptures(platform.ground.evidence);
    assert.ok(one?.manifest !== undefined && more.length === 0);
    assert.equal(one.manifest.cause.trigger, 'shutdown');
    assert.match(one.entries.get('bodyfile/bodyfile.txt')?.toString() ?? '', /\/tmp\/left/u);
    assert.equal(one.entries.has('[root]/tmp/left'), false);
    const last = jsonOf(one, 'live_response/last_inventory.json') as {
      processes: { argv: string[] }[];
      files: { path: string }[];
    };
    assert.ok(
      last.processes.some(({ argv }) => argv.some((word) => word.includes('js-client'))),
      'the runtime was seen while it lived',
    );
    assert.ok(last.files.some(({ path }) => path === '/tmp/left'));
  });

  test('keeps contents of /tmp where the policy says so', async (t) => {
    const platform = await openScene(t, { env: { AMBER_ON_SHUTDOWN: 'contents' } });
    await platform.invoke({ write: '/tmp/left', text: 'what the function left\n' });
    await platform.idle();
    await platform.shutdown();
    const [one] = await storedCaptures(platform.ground.evidence);
    assert.equal(one?.entries.get('[root]/tmp/left')?.toString(), 'what the function left\n');
  });

  for (const [memoryMb, first] of [
    [128, '[root]/tmp/left'],
    [3008, '[root]/proc/version'],
  ] as const) {
    test(`with the CPU of ${memoryMb} MB ${first} comes first at the end, behind what was seen last and the paths of /tmp`, async (t) => {
      const platform = await openScene(t, { memoryMb, env: { AMBER_ON_SHUTDOWN: 'contents' } });
      await platform.invoke({ write: '/tmp/left', text: 'left\n' });
      await platform.idle();
      await platform.shutdown();
      const [one] = await storedCaptures(platform.ground.evidence);
      const order = [...(one?.entries.keys() ?? [])].filter((name) =>
        ['live_response/processes.json', '[root]/proc/version', '[root]/tmp/left'].includes(name),
      );
      assert.equal(order[0], 'live_response/processes.json', platform.log());
      assert.equal(order[1], first);
      assert.equal(order.length, 3);
      const part = Object.keys(Object.fromEntries(one?.entries ?? [])).findIndex((name) =>
        name.startsWith('manifest/'),
      );
      const inFirst = [...(one?.entries.keys() ?? [])].slice(0, part);
      for (const name of ['live_response/last_inventory.json', 'bodyfile/bodyfile.txt', 'live_response/sockets.json'])
        assert.ok(inFirst.includes(name), name);
      assert.equal(inFirst.includes('[root]/proc/version'), first === '[root]/proc/version');
    });
  }

  test('captures a runtime whose event loop is blocked, and the platform ends the invocation as ever', async (t) => {
    const platform = await openScene(t, { env: { AMBER_DEADLINE_MS: '6000' } });
    writeFileSync(join(platform.ground.tmp, 'dropped'), 'payload\n');
    const runtime = platform.runtime()?.innerPid;
    const result = await platform.invoke({ spin: true }, 8000);
    assert.equal(result.kind, 'timeout');
    assert.ok(result.tookMs >= 8000 && result.tookMs < 12_000, String(result.tookMs));
    const captures = await storedCaptures(platform.ground.evidence);
    const one = captures.find(({ manifest }) => manifest?.cause.trigger === 'deadline');
    assert.ok(one !== undefined, platform.log());
    const row = processesOf(one).find(({ pid }) => pid === runtime);
    assert.ok(
      row?.argv.some((word) => word.includes('js-client')) === true && row.exe?.path.includes('node') === true,
      JSON.stringify(row),
    );
    for (const name of ['environ', 'maps', 'status'])
      assert.ok((one.entries.get(`[root]/proc/${runtime}/${name}`)?.length ?? 0) > 0, name);
    assert.equal(one.entries.get('[root]/tmp/dropped')?.toString(), 'payload\n');
    assert.equal(
      captures
        .find(({ manifest }) => manifest?.cause.trigger === 'crash')
        ?.manifest?.cause.reason.startsWith('an invocation ran out of time'),
      true,
    );
    const next = await platform.invoke({ say: 'again' });
    assert.equal(next.kind, 'response');
  });

  test('captures what a crash of the runtime leaves', async (t) => {
    const platform = await openScene(t, { env: { AMBER_ON_CRASH: 'contents' } });
    await platform.invoke({});
    const result = await platform.invoke({ write: '/tmp/.x', text: 'stage two\n', exit: 1 });
    assert.equal(result.kind, 'failed');
    await platform.idle();
    const [one] = await storedCaptures(platform.ground.evidence);
    assert.equal(one?.manifest?.cause.trigger, 'crash');
    const last = (
      jsonOf(one, 'live_response/last_inventory.json') as {
        lastInvocation: { number: number; status?: string; errorType?: string };
      }
    ).lastInvocation;
    assert.deepEqual([last.number, last.status, last.errorType], [2, 'error', 'Runtime.ExitError']);
    assert.equal(one.entries.get('[root]/tmp/.x')?.toString(), 'stage two\n');
    assert.equal(platform.shutdowns[0]?.extensions[0]?.killed, false);
  });

  for (const leftMs of [900, 600, 350, 120]) {
    test(`a crash ${String(leftMs)} ms before the timeout stays a crash to its caller`, async (t) => {
      const platform = await openScene(t);
      await platform.invoke({});
      await platform.idle();
      const result = await platform.invoke({ write: '/tmp/left', text: 'x', waitMs: 2000 - leftMs, exit: 1 }, 2000);
      assert.deepEqual(
        [result.kind, 'errorType' in result ? result.errorType : ''],
        ['failed', 'Runtime.ExitError'],
        platform.log(),
      );
      const crashed = (await storedCaptures(platform.ground.evidence)).some(
        ({ manifest }) => manifest?.cause.trigger === 'crash',
      );
      const refused = platform.logLines('refused').some(({ limit }) => limit === 'answer');
      assert.ok(crashed || refused || platform.logLines('capture').length > 0, platform.log());
      if (leftMs < 200) assert.ok(refused, platform.log());
    });
  }

  test('asks for SHUTDOWN alone on Managed Instances, and captures there', async (t) => {
    const platform = await openScene(t, { managed: true });
    const results = await Promise.all([platform.invoke({}), platform.invoke({})]);
    assert.ok(results.every(({ kind }) => kind === 'response'));
    await platform.shutdown();
    const [one] = await storedCaptures(platform.ground.evidence);
    assert.equal(one?.manifest?.cause.trigger, 'shutdown', platform.log());
  });

  test('does without the Telemetry API', async (t) => {
    const platform = await openScene(t, { telemetry: false });
    assert.equal((await platform.invoke({})).kind, 'response');
    await platform.idle();
    const record = await platform.shutdown();
    assert.equal(record?.extensions[0]?.killed, false);
    assert.equal((await storedCaptures(platform.ground.evidence)).length, 1);
  });

  test('captures an intruder after the very invocation that let it in', async (t) => {
    const platform = await openScene(t, { env: { AMBER_DETECT: 'high,-code-changed' } });
    await platform.invoke({});
    await platform.idle();
    await new Promise((resolve) => setTimeout(resolve, 1100)); // it looks once a second at most
    assert.equal((await platform.invoke({ stage: '/tmp/.x' }, 15_000)).kind, 'response');
    await platform.idle();
    const [one] = await storedCaptures(platform.ground.evidence);
    assert.equal(one?.manifest?.cause.trigger, 'anomaly', platform.log());
    assert.ok(processesOf(one).some(({ exe }) => exe?.path === '/tmp/.x'));
    assert.ok((one.entries.get('[root]/tmp/.x')?.length ?? 0) > 1000);
    const last = await platform.shutdown();
    assert.equal(last?.extensions[0]?.killed, false);
  });

  for (const reason of REASONS) {
    test(`stores the volatile segment before anything else and is gone in time, with 30 MB in /tmp: ${reason} (npm run shutdowns has 200 of each)`, async () => {
      for (const trial of await shutdownTrials(reason, 2, 30))
        assert.ok(trial.volatile && !trial.killed, JSON.stringify(trial));
    });
  }

  for (const [what, env] of [
    ['the kill switch', { AMBER_DISABLED: '1' }],
    ['an unusable configuration', { AMBER_MAX_MS: 'soon' }],
    ['no destination', { AMBER_DESTINATION: '' }],
  ] as const) {
    test(`with ${what} it only keeps the platform company`, async (t) => {
      const platform = await openScene(t, { env });
      assert.equal((await platform.invoke({ say: 1 })).kind, 'response');
      assert.equal((await platform.invoke({ say: 2 })).kind, 'response');
      const record = await platform.shutdown();
      assert.equal(record?.extensions[0]?.killed, false);
      assert.ok(record.extensions[0].exitMs < 1500);
      assert.equal((await storedCaptures(platform.ground.evidence)).length, 0);
      assert.equal(platform.logLines('config').length, what === 'the kill switch' ? 0 : 1);
    });
  }
});
