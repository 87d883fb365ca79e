/** The recipe as a whole: what a capture comes to when its parts, or its surroundings, fail. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { AmberError } from '../../src/errors.ts';
import { requirePeer } from '../peers.ts';
import { collector, home, items, joined, manifest, memory, run } from './capture-scene.ts';

describe('a capture', () => {
  test('is whole: segments first, the commit marker last, digests and chain in it', async (t) => {
    if (!requirePeer(t, 'tar', 'zstd')) return;
    const kept = memory();
    const report = await run({ destination: 'memory://x', destinations: [kept.provider] });
    assert.equal(report.state, 'whole', report.error?.message);
    assert.equal([...kept.objects.keys()].at(-1), 'manifest.json');
    const marker = manifest(kept);
    assert.equal(marker.state, 'whole');
    assert.equal(marker.tarball.sha256, createHash('sha256').update(joined(kept)).digest('hex'));
    for (const segment of marker.segments) {
      assert.equal(segment.sha256, createHash('sha256').update(kept.objects.get(segment.name)!).digest('hex'));
    }
    assert.equal(marker.segments[0]?.tier, 'volatile');
    const found = items(kept);
    assert.deepEqual(
      found.filter((item) => item.path.endsWith('dropped.sh')).map((item) => item.outcome),
      ['collected'],
    );
    assert.equal(
      Object.values(marker.outcomes).reduce((sum, count) => sum + count, 0),
      found.length,
    );
  });

  test('the last of a sandbox: what waits comes behind the files, in segments as large as asked for, without a digest of the whole', async (t) => {
    if (!requirePeer(t, 'tar', 'zstd')) return;
    const kept = memory();
    const last = {
      closingCpuMs: 20,
      segmentBytes: 4 * 1024 * 1024,
      digestWhole: false,
      tiers: { processes: 'code' },
    } as const;
    const report = await run({ destination: 'memory://x', destinations: [kept.provider] }, { last });
    assert.equal(report.state, 'whole', report.error?.message);
    assert.equal(report.sha256, undefined);
    const marker = manifest(kept);
    assert.deepEqual([marker.state, marker.tarball.sha256], ['whole', null]);
    for (const segment of marker.segments)
      assert.equal(segment.sha256, createHash('sha256').update(kept.objects.get(segment.name)!).digest('hex'));
    const order = items(kept).map(({ collector: name }) => name);
    assert.ok(
      order.indexOf('sockets') < order.indexOf('writable') && order.indexOf('writable') < order.indexOf('processes'),
      order.join(' '),
    );
    assert.equal(marker.segments.at(-1)?.tier, 'code');
  });

  test('goes on when a collector throws, hangs or leaves the archive, and says so', async (t) => {
    if (!requirePeer(t, 'tar', 'zstd')) return;
    const kept = memory();
    const report = await run({
      destination: 'memory://x',
      destinations: [kept.provider],
      maxMs: 8000,
      collectors: [
        collector('throws', () => {
          throw new TypeError('no such thing');
        }),
        collector('breaks', async function* () {
          yield { kind: 'json', path: 'mine/a.json', source: 'x', method: 'api', value: { a: 1 } };
          await sleep(1);
          throw new RangeError('half way');
        }),
        collector('escapes', () => [{ kind: 'json', path: '../../etc/passwd', source: 'x', method: 'api', value: 1 }]),
        {
          ...collector('hangs', async function* () {
            await new Promise(() => undefined);
          }),
          tier: 'memory',
        },
      ],
    });
    assert.equal(report.state, 'whole', report.error?.message);
    const by = new Map(
      items(kept)
        .filter((item) => item.outcome !== 'collected')
        .map((item) => [item.collector, item]),
    );
    assert.match(by.get('throws')?.reason ?? '', /after 0 items: TypeError: no such thing/u);
    assert.match(by.get('breaks')?.reason ?? '', /after 1 item: RangeError: half way/u);
    assert.match(by.get('escapes')?.reason ?? '', /leaves the archive/u);
    assert.match(by.get('hangs')?.reason ?? '', /time budget ended after 0 items/u);
  });

  test('closes and commits what it has when its host has had enough, and the manifest says why', async (t) => {
    if (!requirePeer(t, 'tar', 'zstd')) return;
    const kept = memory();
    const host = new AbortController();
    const came = new AmberError('CAPTURE_ABORTED', 'an order to stop came');
    const report = await run(
      {
        destination: 'memory://x',
        destinations: [kept.provider],
        collectors: [
          {
            ...collector('waits', async function* () {
              yield { kind: 'json', path: 'mine/a.json', source: 'x', method: 'api', value: { a: 1 } };
              host.abort(came);
              await new Promise(() => undefined);
            }),
          },
        ],
      },
      { stopSignal: host.signal },
    );
    assert.equal(report.state, 'whole', report.error?.message);
    assert.equal(manifest(kept).endedEarly, 'an order to stop came');
    const found = items(kept);
    assert.equal(found.find(({ path }) => path === 'mine/a.json')?.outcome, 'collected');
    assert.equal(
      found.find(({ path }) => path === 'collector/waits')?.reason?.startsWith('an order to stop came after 1 item;'),
      true,
    );
    assert.equal(
      found.find(({ path }) => path === 'collector/writable')?.reason,
      'an order to stop came before it ran',
    );
  });

  test('one whose host has had enough before it began holds its header, and is committed', async () => {
    const kept = memory();
    const report = await run(
      { destination: 'memory://x', destinations: [kept.provider] },
      { stopSignal: AbortSignal.abort(new AmberError('CAPTURE_ABORTED', 'an order to stop came')) },
    );
    assert.equal(report.state, 'whole', report.error?.message);
    assert.equal(manifest(kept).endedEarly, 'an order to stop came');
    assert.equal(manifest(kept).outcomes.collected, 1);
  });

  test('ends by its hard stop when the destination never answers, and writes its summary to the log', async () => {
    const kept = memory({ put: () => new Promise(() => undefined) });
    const started = performance.now();
    const report = await run({ destination: 'memory://x', destinations: [kept.provider] }, { hardStopMs: 1500 });
    assert.equal(report.state, 'failed');
    assert.equal(report.error?.code, 'CAPTURE_ABORTED');
    assert.ok(performance.now() - started < 4000);
  });

  test('stops collecting when the destination refuses for good', async () => {
    let puts = 0;
    const kept = memory({
      put: () => {
        puts += 1;
        throw new AmberError('DESTINATION_DENIED', 's3:PutObject is not allowed');
      },
    });
    const report = await run({ destination: 'memory://x', destinations: [kept.provider], segmentBytes: '64KiB' });
    assert.deepEqual([report.state, report.error?.code], ['failed', 'DESTINATION_DENIED']);
    assert.ok(puts <= 2, `${puts} puts`);
  });

  test('is cut when a segment is lost or the commit fails, and names it', async () => {
    const lossy = memory({
      put: (object) => {
        if (object.name.startsWith('capture-0001')) throw new AmberError('DESTINATION_UNAVAILABLE', 'try later');
      },
    });
    const report = await run({ destination: 'memory://x', destinations: [lossy.provider] });
    assert.deepEqual(
      [report.state, report.error?.code, manifest(lossy).state],
      ['cut', 'DESTINATION_UNAVAILABLE', 'cut'],
    );
    assert.deepEqual(
      manifest(lossy)
        .segments.filter((segment) => segment.state === 'lost')
        .map((segment) => segment.number),
      [1],
    );

    const uncommitted = memory({
      commit: () => {
        throw new AmberError('DESTINATION_EXISTS');
      },
    });
    const other = await run({ destination: 'memory://x', destinations: [uncommitted.provider] });
    assert.deepEqual([other.state, other.error?.code], ['cut', 'DESTINATION_EXISTS']);
  });

  test('fails with a code without a destination; another scheme is refused before', async () => {
    assert.equal((await run({})).error?.code, 'CONFIG_INVALID');
    await assert.rejects(run({ destination: 'gopher://x' }), {
      code: 'CONFIG_INVALID',
      message: /expected a URL with s3:, file:/u,
    });
  });

  test('with a recipient is age files, and nothing readable lies beside them', async (t) => {
    if (!requirePeer(t, 'age', 'age-keygen', 'tar', 'zstd')) return;
    const identity = join(home, 'key.txt');
    execFileSync('age-keygen', ['-o', identity], { stdio: 'ignore' });
    const recipient = /age1[0-9a-z]+/u.exec(readFileSync(identity, 'utf8'))![0];
    const kept = memory();
    const secret = 'planted-in-the-environment-9f2c';
    process.env['TEST_DB_PASSWORD'] = secret;
    const report = await run({ destination: 'memory://x', destinations: [kept.provider], recipient });
    delete process.env['TEST_DB_PASSWORD'];
    assert.equal(report.state, 'whole', report.error?.message);
    const names = [...kept.objects.keys()].filter((name) => name !== 'manifest.json');
    assert.ok(names.every((name) => name.endsWith('.tar.zst.age')));
    const plain = names.map((name) =>
      execFileSync('age', ['-d', '-i', identity], { input: kept.objects.get(name)!, maxBuffer: 1 << 28 }),
    );
    const text = execFileSync('tar', ['--zstd', '-xO'], { input: Buffer.concat(plain), maxBuffer: 1 << 28 }).toString(
      'latin1',
    );
    assert.ok(text.includes(secret), 'raw values stand inside the age files');
    assert.ok(!kept.objects.get('manifest.json')!.toString().includes(secret));
  });

  test('keeps to a byte budget', async (t) => {
    if (!requirePeer(t, 'tar', 'zstd')) return;
    const big = join(home, 'big');
    mkdirSync(big);
    for (let index = 0; index < 8; index += 1) writeFileSync(join(big, `f${index}`), Buffer.alloc(60_000, index));
    const kept = memory();
    await run({ destination: 'memory://x', destinations: [kept.provider], writable: [big], maxBytes: '128KiB' });
    const files = items(kept).filter((item) => item.collector === 'writable' && item.kind === 'file');
    assert.equal(files.length, 8);
    assert.ok(files.reduce((sum, item) => sum + (item.stored ?? 0), 0) <= 128 * 1024);
    assert.ok(files.some((item) => item.reason === 'the byte budget is spent'));
  });

  test('to a folder is one tarball with its sums', async (t) => {
    if (!requirePeer(t, 'sha256sum')) return;
    const folder = join(home, 'evidence');
    mkdirSync(folder);
    const report = await run({ destination: pathToFileURL(folder).href });
    assert.equal(report.state, 'whole', report.error?.message);
    assert.match(
      execFileSync('sha256sum', ['-c', 'SHA256SUMS'], { cwd: report.location }).toString(),
      /capture\.tar\.zst: OK/u,
    );
  });
});
