/** What others make of our tarballs: GNU tar, bsdtar (libarchive), Python's tarfile, sha256sum. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, openSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { encodeHeader } from '../../../src/archive/header.ts';
import { requirePeer } from '../../peers.ts';
import { freshFolder, makeCapture } from '../captures.ts';
import { extracted, made, NAMES, ours, python, tarOf } from './peers-scene.ts';

describe('a tarball in the hands of others', () => {
  for (const peer of ['tar', 'bsdtar'] as const) {
    test(`the joined one unpacked by ${peer}: names, contents, modes, nanoseconds, links`, async (t) => {
      if (!requirePeer(t, peer)) return;
      const tar = await tarOf('all');
      const expected = ours(tar);
      assert.equal(
        expected.length,
        NAMES.length + 9 + made.segments.filter(({ chainHead }) => chainHead !== undefined).length,
      );
      const { members, files } = extracted(peer, tar, expected);
      assert.deepEqual(members, expected);
      assert.equal(files, expected.filter(({ type }) => type !== '5').length);
    });
  }

  test('the joined one read by Python', async (t) => {
    if (!requirePeer(t, 'python3')) return;
    const tar = await tarOf('all');
    assert.deepEqual(python(tar), ours(tar));
  });

  test('every segment that begins with an entry opens alone', async (t) => {
    if (!requirePeer(t, 'tar', 'bsdtar', 'python3')) return;
    const alone = made.segments.filter(({ continues, chainHead }) => !continues && chainHead !== undefined);
    assert.ok(alone.length >= 2 && made.segments.length > alone.length);
    for (const { number } of alone) {
      const tar = await tarOf(number);
      const expected = ours(tar);
      assert.deepEqual(python(tar), expected);
      for (const peer of ['tar', 'bsdtar'] as const)
        assert.deepEqual(extracted(peer, tar, expected).members, expected, `${peer}, segment ${number}`);
    }
  });

  test('a segment that ends inside of a body is listed by all up to there', async (t) => {
    if (!requirePeer(t, 'tar', 'bsdtar')) return;
    const open = made.segments.find(({ continues, chainHead }) => !continues && chainHead === undefined);
    assert.ok(open !== undefined);
    const tar = await tarOf(open.number);
    for (const program of ['tar', 'bsdtar']) {
      const { stdout, status } = spawnSync(program, ['-tf', '-'], { input: tar, encoding: 'utf8' });
      assert.match(stdout, /^live_response\/large$/mu, program);
      assert.notEqual(status, 0, program);
    }
  });

  test('sizes beyond octal are understood', (t) => {
    if (!requirePeer(t, 'tar', 'bsdtar', 'python3')) return;
    const size = 9 * 1024 ** 3 + 5;
    const stat = {
      mtimeNs: 0n,
      atimeNs: 0n,
      ctimeNs: 0n,
      uid: 3_000_000_000n,
      gid: 3_000_000_001n,
      rdev: 0n,
      mode: 0o100600n,
    };
    const header = encodeHeader({ path: 'huge', type: '0', mode: 0o600, size, mtimeSeconds: 0, stat: stat as never });
    for (const program of ['tar', 'bsdtar']) {
      const { stdout } = spawnSync(program, ['-tvf', '-', '--numeric-owner'], { input: header, encoding: 'utf8' });
      assert.match(stdout, new RegExp(`3000000000[ /]+3000000001 +${size} `, 'u'), program);
    }
    const script =
      'import sys, tarfile; m = tarfile.open(fileobj=sys.stdin.buffer, mode="r|").next(); print(m.size, m.uid, m.gid)';
    assert.equal(
      execFileSync('python3', ['-c', script], { input: header }).toString().trim(),
      `${size} 3000000000 3000000001`,
    );
  });

  for (const compression of ['zstd', 'gzip', 'none'] as const) {
    test(`joined with cat, ${compression}, it unpacks as one; sha256sum agrees`, async (t) => {
      if (!requirePeer(t, 'tar', 'bsdtar', 'zstd', 'sha256sum')) return;
      const { folder } = await makeCapture({ compression });
      execFileSync('sha256sum', ['-c', '--strict', '--quiet', 'SHA256SUMS'], { cwd: folder });
      const name = readdirSync(folder).find((file) => file.startsWith('capture.tar'))!;
      const lists = ['tar', 'bsdtar'].map((program) =>
        execFileSync(program, ['-tf', name], { cwd: folder, encoding: 'utf8', maxBuffer: 1 << 26 }),
      );
      assert.equal(lists[0], lists[1]);
      assert.ok(lists[0]!.split('\n').length > 30);
    });
  }

  test('age files are opened by age', async (t) => {
    if (!requirePeer(t, 'age', 'age-keygen', 'tar', 'zstd')) return;
    const key = join(freshFolder(), 'key.txt');
    execFileSync('age-keygen', ['-o', key], { stdio: 'ignore' });
    const recipient = execFileSync('age-keygen', ['-y', key], { encoding: 'utf8' }).trim();
    const sealed = await makeCapture({ recipient });
    const list = execFileSync(
      'sh',
      ['-c', 'for f in capture-*.age; do age -d -i "$0" "$f"; done | tar --zstd -tf -', key],
      { cwd: sealed.folder, encoding: 'utf8' },
    );
    assert.match(list, /^capture\.json$/mu);
    closeSync(openSync(key, 'r'));
  });
});
