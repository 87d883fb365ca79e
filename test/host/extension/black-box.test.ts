/** The black box after the runtime was killed: the extension holds what its rings hold, and captures it first. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RecordedEvent } from '../../../src/contracts/recorded.ts';
import { missing } from '../../peers.ts';
import { canIsolate } from '../../sandbox/ground.ts';
import type { Platform } from '../../sandbox/platform.ts';
import { storedCaptures, type Stored } from './captures.ts';
import { OTHER_RUNTIMES } from './runtimes.ts';
import { openScene } from './sandbox.ts';

type Row = RecordedEvent & {
  readonly ring?: number;
  readonly from?: string;
  readonly observer?: string;
  readonly box?: { readonly rings: readonly Ring[]; readonly extension?: { readonly files: { readonly held: Held } } };
};
interface Held {
  readonly files: readonly { readonly path: string; readonly what: string; readonly stored?: string }[];
}
interface Ring {
  readonly inode: string;
  readonly holders: readonly number[];
  readonly tailed?: { readonly last: number; readonly changed: number[]; readonly erased: number[] };
}

const RECORDED = { AMBER_RECORD: 'events', AMBER_DETECT: 'high,-code-changed', AMBER_COOLDOWN_MS: '0' };

const rowsOf = (one: Stored | undefined): readonly Row[] =>
  (one?.entries.get('live_response/events.jsonl')?.toString() ?? '')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Row);

async function crashed(platform: Platform): Promise<Stored | undefined> {
  const all = await storedCaptures(platform.ground.evidence);
  return all.find(({ manifest }) => manifest?.cause.trigger === 'crash');
}

describe('after SIGKILL of the runtime', {
  skip:
    canIsolate() || process.env['REQUIRE_PEERS'] === '1'
      ? false
      : 'not run: needs root, for namespaces, and a checkout outside of /tmp',
}, () => {
  for (const memoryMb of [128, 1769]) {
    test(`the capture has all that the ring holds, first, with the CPU of ${memoryMb} MB`, async (t) => {
      const platform = await openScene(t, { handler: 'wrapped.handler', memoryMb, env: RECORDED });
      await platform.invoke({}, 20_000);
      const result = await platform.invoke({ run: 'true --the-last-word', kill: true }, 20_000);
      assert.equal(result.kind, 'failed', platform.log());
      await platform.idle();
      const one = await crashed(platform);
      const rows = rowsOf(one);
      const child = rows.find(({ kind, argv }) => kind === 'spawn' && argv?.join(' ').includes('--the-last-word'));
      assert.equal(child?.ring, 1, `${JSON.stringify(rows)}\n${platform.log()}`);
      assert.equal(child.invocation, 2);
      const rings = rows[0]?.box?.rings ?? [];
      assert.equal(rings.length, 1);
      // The runtime alone has held it: our own descriptor does not count.
      assert.deepEqual(rings[0]?.holders.length, 1);
      assert.equal(rings[0].tailed?.last, rows.filter(({ ring }) => ring === 1).at(-1)?.sequence);
      assert.ok((one?.entries.get('live_response/rings/ring-1.jsonl')?.length ?? 0) > 100);
      // Before any other process was looked at, and before the first part of the manifest.
      const names = [...(one?.entries.keys() ?? [])];
      const at = names.indexOf('live_response/events.jsonl');
      assert.ok(at > 0 && at < names.indexOf('live_response/processes.json'), names.join('\n'));
      assert.ok(!names.slice(0, at).some((name) => name.startsWith('manifest/')));
    });
  }

  test('the same of a Python function', async (t) => {
    const parts = OTHER_RUNTIMES.find(({ name }) => name === 'Python')?.parts();
    if (parts === undefined) return void missing(t, 'awslambdaric');
    const { runtime, ...rest } = parts;
    const env = { ...runtime.env, PYTHONPATH: `${resolve('layer/python')}:${runtime.env?.['PYTHONPATH'] ?? ''}` };
    const [program = '', module = '', client = ''] = runtime.command;
    const platform = await openScene(t, {
      ...rest,
      runtime: { ...runtime, command: [program, module, client, 'lambda_amber.handler'], env },
      handler: 'lambda_amber.handler',
      env: { ...RECORDED, AMBER_HANDLER: 'function.handler' },
    });
    assert.equal((await platform.invoke({}, 20_000)).kind, 'response', platform.log());
    const result = await platform.invoke({ run: 'true --the-last-word', kill: true }, 20_000);
    assert.equal(result.kind, 'failed', platform.log());
    await platform.idle();
    const rows = rowsOf(await crashed(platform));
    const child = rows.find(({ kind, argv }) => kind === 'spawn' && argv?.join(' ').includes('--the-last-word'));
    assert.equal(child?.ring, 1, `${JSON.stringify(rows)}\n${platform.log()}`);
    assert.match(rows.find(({ kind }) => kind === 'begin')?.subject ?? '', /^python 3/u);
  });

  test('children that no ring tells of are told by the extension', async (t) => {
    const platform = await openScene(t, { handler: 'lifecycle.handler', memoryMb: 1769, env: RECORDED });
    await platform.invoke({});
    await platform.idle();
    const secret = `${'S3cr3t'.repeat(3)}Value`;
    await platform.invoke({ run: `sleep 0.3; sh -c "sleep 0.25; : --password=${secret}"` });
    await platform.idle();
    await platform.shutdown();
    const one = (await storedCaptures(platform.ground.evidence)).at(-1);
    const rows = rowsOf(one);
    assert.deepEqual(rows[0]?.box?.rings, []);
    assert.ok(rows.some(({ argv }) => argv?.join(' ').includes('--password=')));
    assert.ok(one?.entries.get('live_response/events.jsonl')?.includes(secret) === false);
    const child = rows.find(({ argv }) => argv?.join(' ') === 'sleep 0.25');
    const told = [child?.observer, child?.kind, child?.invocation];
    assert.deepEqual(told, ['extension', 'spawn', 2], JSON.stringify(rows));
  });

  test('a program that lived for some milliseconds in /tmp is recovered', async (t) => {
    const env = { ...RECORDED, AMBER_ON_SHUTDOWN: 'contents', AMBER_DETECT: 'off' };
    const platform = await openScene(t, { memoryMb: 1769, env });
    await platform.invoke({});
    await platform.idle();
    await platform.invoke({ run: 'cp /bin/sleep /tmp/.drop && /tmp/.drop 0.005; rm /tmp/.drop' });
    await platform.idle();
    await platform.shutdown();
    const one = (await storedCaptures(platform.ground.evidence)).at(-1);
    const files = (rowsOf(one)[0]?.box?.extension?.files.held.files ?? []).filter(({ path }) => path === '/tmp/.drop');
    assert.equal(files[0]?.what, 'elf', JSON.stringify(rowsOf(one)[0]));
    assert.deepEqual(one?.entries.get(files[0].stored ?? ''), readFileSync('/bin/sleep'));
    assert.ok(rowsOf(one).some(({ kind, subject }) => kind === 'write' && subject === '/tmp/.drop'));
  });

  for (const memoryMb of [128, 1769]) {
    test(`a function that fills /tmp has the room that it has without the extension: ${memoryMb} MB`, async (t) => {
      const options = { tmpMb: 96, memoryMb, env: { ...RECORDED, AMBER_DETECT: 'off' }, timeoutMs: 30_000 };
      const [bare, beside] = [await openScene(t, { ...options, alone: true }), await openScene(t, options)];
      const filled: unknown[] = [];
      for (const platform of [bare, beside]) {
        await platform.invoke({});
        await platform.idle();
        const result = await platform.invoke({ fill: 5 });
        filled.push(JSON.parse('body' in result ? result.body.toString() : 'null'));
        await platform.idle();
      }
      assert.deepEqual(filled[1], filled[0]);
    });
  }

  test('a ring that its own function rewrites is found after the answer, with the events as they were', async (t) => {
    const platform = await openScene(t, { handler: 'wrapped.handler', memoryMb: 1769, env: RECORDED });
    await platform.invoke({ run: 'true --what-was-done' }, 20_000);
    await platform.idle();
    await sleep(1100); // it looks once a second at most
    const rewrite =
      'for f in /proc/$PPID/fd/*; do case $(readlink $f) in "/dev/shm/"*" (deleted)") ' +
      'dd if=/dev/zero of=$f bs=512 seek=1 count=3 conv=notrunc;; esac; done';
    assert.equal((await platform.invoke({ run: rewrite }, 20_000)).kind, 'response');
    await platform.idle();
    const all = await storedCaptures(platform.ground.evidence);
    const one = all.find(({ manifest }) => manifest?.cause.trigger === 'anomaly');
    assert.match(one?.manifest?.cause.reason ?? '', /rewritten-record \(high\)/u, platform.log());
    const rows = rowsOf(one);
    const erased = rows[0]?.box?.rings[0]?.tailed?.erased ?? [];
    assert.deepEqual(erased, [2, 3, 4].slice(0, erased.length));
    const done = rows.find(({ argv }) => argv?.join(' ').includes('--what-was-done'));
    assert.equal(done?.from, 'tail', JSON.stringify(rows));
  });

  test('on Managed Instances, where nobody tells of invocations, the end has the rings all the same', async (t) => {
    const env = { ...RECORDED, AMBER_DETECT: 'off' };
    const platform = await openScene(t, { handler: 'wrapped.handler', managed: true, memoryMb: 4096, env });
    await platform.invoke({});
    await sleep(6000); // it looks every five seconds
    await platform.invoke({ run: 'true --the-last-word' });
    await platform.shutdown();
    const rows = rowsOf((await storedCaptures(platform.ground.evidence)).at(-1));
    const child = rows.find(({ kind, argv }) => kind === 'spawn' && argv?.join(' ').includes('--the-last-word'));
    assert.equal(child?.ring, 1, `${JSON.stringify(rows)}\n${platform.log()}`);
  });

  test('without AMBER_RECORD nothing is held, and the capture says so', async (t) => {
    const platform = await openScene(t, { handler: 'wrapped.handler', env: { AMBER_RECORD: 'off' } });
    await platform.invoke({});
    await platform.invoke({ kill: true });
    await platform.idle();
    const one = await crashed(platform);
    assert.ok(one?.manifest !== undefined, platform.log());
    assert.deepEqual(rowsOf(one), []);
  });
});
