import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { openIdentity } from '../../../src/seal/age-open.ts';
import { requirePeer } from '../../peers.ts';
import { bytesEntry, freshFolder, makeCapture, noise } from '../captures.ts';
import { failedChecks, findings, IDENTITY, verify, withLog } from '../checking.ts';
import { readManifest, writeManifest } from '../forge.ts';

describe('a capture that nobody touched', () => {
  for (const compression of ['zstd', 'gzip', 'none'] as const) {
    for (const apart of [false, true]) {
      test(`verifies: ${compression}, ${apart ? 'segments apart' : 'joined'}`, async () => {
        const made = await makeCapture({ compression, apart });
        assert.ok(made.segments.length >= 4 && made.segments.some(({ continues }) => continues));
        const result = await verify(made.folder, withLog(made.log));
        assert.equal(result.verdict, 'verified', findings(result));
        assert.equal(result.sha256, made.manifest.tarball.sha256);
        assert.equal(result.entries, 27);
        assert.equal(result.items, 28);
        assert.deepEqual(
          result.checks.filter(({ state }) => state !== 'ok').map(({ name }) => name),
          apart ? ['sums', 'sender'] : ['receipts', 'sender'],
        );
      });
    }
  }

  for (const compression of ['zstd', 'none'] as const) {
    test(`verifies without a digest of the whole, by those of its segments: ${compression}`, async () => {
      const made = await makeCapture({ compression, apart: true, tarball: { digestWhole: false } });
      assert.equal(made.manifest.tarball.sha256, null);
      const result = await verify(made.folder, withLog(made.log));
      assert.equal(result.verdict, 'verified', findings(result));
      assert.equal(result.entries, 27);
      assert.match(
        result.checks.find(({ name }) => name === 'whole')?.detail ?? '',
        /^manifest\.json has no SHA-256 of the whole \("sha256": null\), as at .* the SHA-256 of each segment stands for it\. That of the joined segments is [0-9a-f]{64}$/u,
      );
      assert.deepEqual(
        result.checks.filter(({ state }) => state !== 'ok').map(({ name }) => name),
        ['whole', 'sums', 'sender'],
      );
      // The joined segments are what they are with a digest.
      assert.equal(result.sha256, (await makeCapture({ compression, apart: true })).manifest.tarball.sha256);
    });
  }

  test('verifies with padding: a file that shrank, and one that ends with zeros of its own', async () => {
    const short = (path: string, size: number, body: Buffer) =>
      ({ kind: 'stream', path, source: 'test', method: 'api', size, chunks: () => [body] }) as const;
    const zeros = Buffer.concat([noise(1000, 1), Buffer.alloc(3000)]);
    const made = await makeCapture({
      entries: [
        short('shrank', 700_000, noise(300_001, 5)),
        short('shrank-zeros', 10_000, zeros),
        bytesEntry('zeros', Buffer.alloc(200_000)),
        short('nothing', 2_000_000, Buffer.alloc(0)),
        bytesEntry('tail', zeros),
      ],
    });
    assert.equal((await verify(made.folder)).verdict, 'verified');
  });

  test('says that nothing outside vouches for it, when no log is given', async () => {
    const { checks } = await verify((await makeCapture()).folder);
    const log = checks.find(({ name }) => name === 'log');
    assert.equal(log?.state, 'not-checked');
    assert.match(log.detail, /nothing outside of this folder vouches/u);
  });

  test('is verified inside of its age files with the identity, and only outside of them without', async () => {
    const identity = openIdentity(IDENTITY);
    const made = await makeCapture({ recipient: identity.recipients[0]!, apart: true });
    const outside = await verify(made.folder);
    assert.equal(outside.verdict, 'verified');
    assert.deepEqual(
      outside.checks.filter(({ state }) => state === 'not-checked').map(({ name }) => name),
      ['structure', 'entries', 'chain', 'head', 'totals', 'sums', 'log', 'sender'],
    );
    assert.match(outside.checks.at(-1)?.detail ?? '', /age does not authenticate a sender/u);
    const inside = await verify(made.folder, { identity });
    assert.equal(inside.verdict, 'verified');
    assert.equal(inside.entries, 27);
  });

  test('is not opened by another identity', async (t) => {
    if (!requirePeer(t, 'age-keygen')) return;
    const other = execFileSync('age-keygen', { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    const made = await makeCapture({ recipient: openIdentity(IDENTITY).recipients[0]!, apart: true });
    const result = await verify(made.folder, { identity: openIdentity(other) });
    assert.equal(result.verdict, 'unreadable');
    assert.match(
      result.summary,
      /^not verified: the identity, of age1\w+, does not open the segments; give the one of age1/u,
    );
    assert.deepEqual(
      result.checks.filter(({ state }) => state === 'ok').map(({ name }) => name),
      ['commit', 'objects', 'segments', 'whole', 'receipts', 'parked'],
    );
  });
});

describe('a segment', () => {
  test('that was removed is missed', async () => {
    for (const index of [0, 1, 2]) {
      const made = await makeCapture({ apart: true });
      unlinkSync(join(made.folder, made.segments[index]!.name));
      const result = await verify(made.folder);
      assert.equal(result.verdict, 'failed');
      assert.match(findings(result), new RegExp(`segment ${index} was stored and is not there`, 'u'));
    }
  });

  test('that was added, swapped or doubled is found', async () => {
    const made = await makeCapture({ apart: true });
    const [one, two] = [made.segments[0]!.name, made.segments[1]!.name].map((name) => join(made.folder, name));
    copyFileSync(one!, join(made.folder, 'capture-0099.tar.zst'));
    assert.deepEqual(failedChecks(await verify(made.folder)), ['objects']);
    unlinkSync(join(made.folder, 'capture-0099.tar.zst'));
    const [first, second] = [readFileSync(one!), readFileSync(two!)];
    writeFileSync(one!, second);
    writeFileSync(two!, first);
    assert.ok(failedChecks(await verify(made.folder)).includes('segments'));
  });

  test('that was lost on the way makes the capture cut, and the rest is verified', async () => {
    const made = await makeCapture({ apart: true });
    const manifest = readManifest(made.folder);
    const segments = manifest.segments.map((segment) =>
      segment.number === 1 ? { ...segment, state: 'lost' } : segment,
    );
    unlinkSync(join(made.folder, made.segments[1]!.name));
    writeFileSync(join(made.folder, 'manifest.json'), JSON.stringify({ ...manifest, state: 'cut', segments }));
    const result = await verify(made.folder);
    assert.equal(result.verdict, 'cut', findings(result));
    assert.ok(result.entries > 3, 'entries behind the gap are read');
  });

  test('alone is verified as far as it goes', async () => {
    const made = await makeCapture({ apart: true });
    const result = await verify(join(made.folder, made.segments[0]!.name));
    assert.equal(result.verdict, 'cut', findings(result));
    assert.match(result.summary, /one segment alone: verified up to segment 0/u);
  });
});

describe('what is no capture', () => {
  test('is a clear error, or a failure', async () => {
    const folder = freshFolder();
    await assert.rejects(verify(folder), { code: 'CASE_MISSING' });
    await assert.rejects(verify(join(folder, 'nothing')), { code: 'CASE_MISSING' });
    writeFileSync(join(folder, 'manifest.json'), '{"format":"other"}');
    assert.deepEqual(failedChecks(await verify(folder)), ['commit']);
    writeFileSync(join(folder, 'capture.tar.zst'), noise(5000, 1));
    rmSync(join(folder, 'manifest.json'));
    assert.deepEqual(failedChecks(await verify(folder)), ['structure']);
    assert.match(findings(await verify(folder)), /no zstd frame at byte 0/u);
  });

  test('a tarball of somebody else has no manifest parts', async () => {
    const folder = freshFolder();
    writeFileSync(join(folder, 'hello'), 'hi');
    execFileSync('tar', ['-C', folder, '-cf', join(folder, 'capture.tar'), 'hello']);
    const result = await verify(join(folder, 'capture.tar'));
    assert.equal(result.verdict, 'failed');
  });

  test('a manifest.json with a path for a segment, or with odd types, is refused', async () => {
    const { folder } = await makeCapture();
    const manifest = readManifest(folder);
    for (const bad of [
      { ...manifest, segments: [{ ...manifest.segments[0], name: '../../etc/passwd' }] },
      { ...manifest, segments: 'none' },
      { ...manifest, tarball: null },
      { ...manifest, collectors: { __proto__: null, x: { collected: 'many' } } },
      [],
      null,
    ]) {
      writeManifest(folder, bad);
      assert.ok(failedChecks(await verify(folder)).includes('commit'));
    }
  });
});
