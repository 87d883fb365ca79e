import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readlinkSync, readdirSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { decrypt } from '../../../src/case/store/decrypt.ts';
import { openLocal } from '../../../src/case/store/open.ts';
import { pull, type PullOptions, type PullResult } from '../../../src/case/store/pull.ts';
import { openIdentity } from '../../../src/seal/age-open.ts';
import { requirePeer } from '../../peers.ts';
import { freshFolder, makeCapture, noise, type MadeCapture } from '../captures.ts';
import { failedChecks, IDENTITY, verify, withLog } from '../checking.ts';
import { sha256 } from '../forge.ts';

const identity = openIdentity(IDENTITY);

async function pulled(made: MadeCapture, options?: PullOptions): Promise<PullResult> {
  return pull(await openLocal(made.folder), join(freshFolder(), 'case'), options);
}

describe('pull', () => {
  test('joins segments to one tarball that verifies, against the log too', async () => {
    const made = await makeCapture({ apart: true });
    const result = await pulled(made);
    assert.deepEqual(readdirSync(result.folder).sort(), ['SHA256SUMS', 'capture.tar.zst', 'manifest.json']);
    assert.equal(result.files['capture.tar.zst'], made.manifest.tarball.sha256);
    assert.deepEqual(result.problems, []);
    const checked = await verify(result.folder, withLog(made.log));
    assert.equal(checked.verdict, 'verified');
    assert.deepEqual(
      checked.checks.filter(({ state }) => state === 'not-checked').map(({ name }) => name),
      ['sender'],
    );
    execFileSync('sha256sum', ['-c', '--quiet', 'SHA256SUMS'], { cwd: result.folder });
  });

  test('keeps the age files, and with the identity writes the tarball beside them', async () => {
    const made = await makeCapture({ apart: true, recipient: identity.recipients[0]! });
    const sealed = await pulled(made);
    assert.equal(sealed.tarball, undefined);
    assert.equal(readdirSync(sealed.folder).filter((name) => name.endsWith('.age')).length, made.segments.length);
    const opened = await pulled(made, { identity, extract: true });
    assert.equal(opened.tarball, 'capture.tar.zst');
    assert.equal(readFileSync(join(opened.folder, 'extracted/live_response/note.txt'), 'utf8'), 'volatile');
    const checked = await verify(opened.folder, withLog(made.log));
    assert.equal(checked.verdict, 'verified');
    assert.equal(checked.entries, 27, 'the contents are checked through the opened tarball');
    assert.deepEqual(
      checked.checks.filter(({ state }) => state === 'not-checked').map(({ name }) => name),
      ['sender'],
    );
    assert.equal((await verify(opened.folder, { identity })).entries, 27);
    writeFileSync(join(opened.folder, 'capture.tar.zst'), 'other');
    assert.deepEqual(failedChecks(await verify(opened.folder)), ['structure', 'sums']);
  });

  test('unpacks safely: no link leads out', async () => {
    const made = await makeCapture({ apart: true });
    const result = await pulled(made, { extract: true });
    assert.deepEqual(readFileSync(join(result.folder, 'extracted/[root]/tmp/large')), noise(700_000, 99));
    // A link to an absolute path is stored below [root], so it is made, and leads nowhere else.
    assert.deepEqual(result.extracted && [result.extracted.notMade, result.extracted.unsafe], [0, 0]);
    assert.equal(readlinkSync(join(result.folder, 'extracted/[root]/proc/7/exe')), '../../var/lang/bin/node');
  });

  test('brings home what does not fit its digests, and says so', async () => {
    const made = await makeCapture({ apart: true });
    const name = made.segments[1]!.name;
    const body = readFileSync(join(made.folder, name));
    body[100]! ^= 1;
    writeFileSync(join(made.folder, name), body);
    const result = await pulled(made, { extract: true });
    assert.equal(result.problems.length >= 1, true);
    assert.match(result.problems[0] ?? '', new RegExp(`${name} is ${sha256(body)}, manifest.json says`, 'u'));
    assert.ok(existsSync(join(result.folder, 'capture.tar.zst')));
  });

  test('copies the segments of a cut capture as they are', async () => {
    const made = await makeCapture({ apart: true });
    unlinkSync(join(made.folder, made.segments[1]!.name));
    unlinkSync(join(made.folder, 'manifest.json'));
    const result = await pulled(made, { extract: true });
    assert.deepEqual([result.whole, result.tarball, result.extracted], [false, undefined, undefined]);
    assert.match(result.problems.join(), /not unpacked, because it is cut/u);
    assert.equal(
      readdirSync(result.folder).filter((file) => file.startsWith('capture-')).length,
      made.segments.length - 1,
    );
    assert.equal((await verify(result.folder)).verdict, 'cut');
  });

  test('leaves nothing behind when it fails, and overwrites nothing', async () => {
    const base = freshFolder();
    const made = await makeCapture({ apart: true });
    const capture = await openLocal(made.folder);
    const gone = {
      ...capture,
      store: {
        ...capture.store,
        read: () => {
          throw new RangeError('gone');
        },
      },
    };
    await assert.rejects(pull(gone, join(base, 'case')), /gone/u);
    assert.deepEqual(readdirSync(base), []);
    writeFileSync(join(base, 'case'), 'precious');
    await assert.rejects(pull(capture, join(base, 'case')), { code: 'CASE_EXISTS' });
    assert.equal(readFileSync(join(base, 'case'), 'utf8'), 'precious');
    await assert.rejects(pull(capture, join(base, 'nowhere', 'case')), { code: 'DESTINATION_MISSING' });
  });
});

describe('decrypt', () => {
  test('gives the tarball that the age command gives', async (t) => {
    const made = await makeCapture({ apart: true, recipient: identity.recipients[0]! });
    const to = join(freshFolder(), 'capture.tar.zst');
    const result = await decrypt(await openLocal(made.folder), { identity, to });
    assert.equal(result.joined, true);
    assert.equal(result.files[0]?.sha256, sha256(readFileSync(to)));
    await assert.rejects(async () => decrypt(await openLocal(made.folder), { identity, to }), { code: 'CASE_EXISTS' });
    if (!requirePeer(t, 'age')) return;
    const key = join(freshFolder(), 'key.txt');
    writeFileSync(key, `# created for a test\n${IDENTITY}\n`);
    const joined = made.segments.map(({ name }) =>
      execFileSync('age', ['-d', '-i', key, join(made.folder, name)], { maxBuffer: 1 << 28 }),
    );
    assert.deepEqual(readFileSync(to), Buffer.concat(joined));
  });

  test('of a cut capture writes the segments apart; of damage nothing', async () => {
    const made = await makeCapture({ apart: true, recipient: identity.recipients[0]! });
    unlinkSync(join(made.folder, made.segments[1]!.name));
    const to = join(freshFolder(), 'segments');
    const result = await decrypt(await openLocal(made.folder), { identity, to });
    assert.equal(result.joined, false);
    assert.deepEqual(
      readdirSync(to).sort(),
      made.segments.filter((_, index) => index !== 1).map(({ name }) => name.replace('.age', '')),
    );
    const broken = join(made.folder, made.segments[0]!.name);
    writeFileSync(broken, readFileSync(broken).subarray(0, -1));
    rmSync(to, { recursive: true });
    await assert.rejects(async () => decrypt(await openLocal(broken), { identity, to }), { code: 'ARCHIVE_CORRUPT' });
    assert.equal(existsSync(to), false);
  });

  test('of what is not encrypted is a misunderstanding', async () => {
    const made = await makeCapture();
    await assert.rejects(async () => decrypt(await openLocal(made.folder), { identity, to: join(made.base, 'x') }), {
      code: 'USAGE',
    });
  });
});
