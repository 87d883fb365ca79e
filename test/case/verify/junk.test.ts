/**
 * What an intruder who may write beside a capture puts there stops nothing: one finding, and everything else is read.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { openIdentity } from '../../../src/seal/age-open.ts';
import { openAge } from '../../../src/seal/age.ts';
import { openPrefix } from '../../../src/case/store/s3.ts';
import { openCapture } from '../../../src/case/store/open.ts';
import { verifyCapture } from '../../../src/case/verify/verify.ts';
import type { S3Object, S3Reader } from '../../../src/ship/s3-read.ts';
import { builtAmber, type BuiltAmber, type BuiltRan } from '../../cli/command-built.ts';
import { requirePeer } from '../../peers.ts';
import { fauxqs } from '../../servers/fauxqs.ts';
import { owner } from '../../ship/s3-opened.ts';
import { freshFolder, makeCapture, noise, type MadeCapture } from '../captures.ts';
import { copyOf, failedChecks, IDENTITY, verify } from '../checking.ts';

const SEALED = { recipient: openIdentity(IDENTITY).recipients[0]!, apart: true } as const;
/** Of somebody else: as age-keygen prints it. */
const OTHER_RECIPIENT = 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p';

let amber: BuiltAmber;
let key = '';
before(() => {
  amber = builtAmber();
  key = join(freshFolder(), 'key.txt');
  writeFileSync(key, `${IDENTITY}\n`);
});

async function sealedToOther(): Promise<Buffer> {
  const encryptor = (await openAge(OTHER_RECIPIENT)).encryptor();
  return Buffer.concat([...encryptor.push(noise(3000, 1)), ...encryptor.finish()]);
}

const salvage = (folder: string, ...argv: readonly string[]): Promise<BuiltRan> =>
  amber(['salvage', folder, '--json', ...argv]);

interface Salvaged {
  readonly states: Readonly<Record<string, number>>;
  readonly holes: readonly { readonly segment: number; readonly reason: string }[];
}

describe('an age file beside a plain capture', () => {
  for (const committed of [true, false]) {
    test(`is one finding, and everything else is read: ${committed ? 'with' : 'without'} manifest.json`, async () => {
      const made = await makeCapture({ apart: true });
      const folder = copyOf(made);
      if (!committed) rmSync(join(folder, 'manifest.json'));
      const clean = await verify(folder);
      writeFileSync(join(folder, 'capture-0009.tar.zst.age'), await sealedToOther());
      const result = await verify(folder);
      assert.deepEqual([result.verdict, failedChecks(result), result.entries], ['failed', ['objects'], clean.entries]);
      assert.equal(result.checks.find(({ name }) => name === 'objects')?.count, 1);
      for (const argv of [[], ['-i', key]]) {
        const { code, out } = await salvage(folder, ...argv);
        const told = JSON.parse(out) as Salvaged;
        assert.deepEqual([code, told.holes.length, told.holes[0]?.segment], [1, 1, 9], JSON.stringify(told.holes));
        assert.deepEqual(told.states, { whole: clean.entries }, argv.join(' '));
      }
    });
  }
});

describe('an age file of another key beside a sealed capture', () => {
  for (const committed of [true, false]) {
    test(`is one finding, and everything else is read: ${committed ? 'with' : 'without'} manifest.json`, async () => {
      const made = await makeCapture(SEALED);
      const folder = copyOf(made);
      if (!committed) rmSync(join(folder, 'manifest.json'));
      const clean = await verify(folder, { identity: openIdentity(IDENTITY) });
      writeFileSync(join(folder, `capture-000${made.segments.length}.tar.zst.age`), await sealedToOther());
      const result = await verify(folder, { identity: openIdentity(IDENTITY) });
      assert.deepEqual(
        [result.verdict, failedChecks(result), result.entries],
        ['failed', [committed ? 'objects' : 'structure'], clean.entries],
      );
      const { code, out } = await salvage(folder, '-i', key);
      const told = JSON.parse(out) as Salvaged;
      assert.deepEqual([code, told.holes.length, told.states['whole']], [1, 1, clean.entries]);
      const pulled = await amber(['pull', folder, '-i', key, '--to', join(freshFolder(), 'pulled')]);
      assert.equal(pulled.code, 1, pulled.err);
    });
  }
});

describe('a changed byte in an age header', () => {
  test('is a finding of the digests, wherever it is, and exit code 1', async () => {
    const made = await makeCapture(SEALED);
    const header = readFileSync(join(made.folder, made.segments[0]!.name)).indexOf('\n---');
    for (const at of [0, 20, 25, 60, header - 30, header + 8, header + 30]) {
      const folder = copyOf(made);
      const path = join(folder, made.segments[0]!.name);
      const body = readFileSync(path);
      body[at] = (body[at] ?? 0) ^ 1;
      writeFileSync(path, body);
      const result = await verify(folder, { identity: openIdentity(IDENTITY) });
      assert.equal(result.verdict, 'failed', String(at));
      assert.ok(
        failedChecks(result).includes('segments') && failedChecks(result).includes('structure'),
        `${String(at)}: ${failedChecks(result).join()}`,
      );
    }
  });

  test('stops no command: the other segments are read, pulled and decrypted', async () => {
    const made = await makeCapture(SEALED);
    const folder = copyOf(made);
    const path = join(folder, made.segments[0]!.name);
    const body = readFileSync(path);
    body[60] = (body[60] ?? 0) ^ 1;
    writeFileSync(path, body);
    const verified = await amber(['verify', folder, '-i', key]);
    assert.deepEqual([verified.code, verified.err], [1, '']);
    assert.match(verified.out, /capture-0000\.tar\.zst\.age was not opened: its digest says that it was changed/u);
    for (const command of ['show', 'timeline', 'report']) {
      const { code, err } = await amber([
        command,
        folder,
        '-i',
        key,
        ...(command === 'report' ? ['--to', join(freshFolder(), 'x.html')] : []),
      ]);
      assert.deepEqual([code, /BUG|amber: [A-Z]/u.test(err)], [1, false], `${command}: ${err}`);
    }
    const salvaged = await salvage(folder, '-i', key);
    assert.deepEqual(
      [salvaged.code, ((JSON.parse(salvaged.out) as Salvaged).states['whole'] ?? 0) > 15],
      [1, true],
      salvaged.err,
    );
    const [pulled, opened] = [join(freshFolder(), 'pulled'), join(freshFolder(), 'opened')];
    assert.equal((await amber(['pull', folder, '-i', key, '--to', pulled])).code, 1);
    assert.equal(readdirSync(pulled).filter((name) => name.endsWith('.age')).length, made.segments.length);
    const decrypted = await amber(['decrypt', folder, '-i', key, '--to', opened]);
    assert.deepEqual([decrypted.code, readdirSync(opened).length], [1, made.segments.length - 1], decrypted.err);
    assert.equal((await amber(['verify', made.folder, '-i', key])).code, 0);
  });

  test('of the only segment', async () => {
    const made = await makeCapture({ ...SEALED, tarball: { segmentBytes: 64 * 1024 * 1024 }, entries: [] });
    const path = join(made.folder, made.segments[0]!.name);
    const body = readFileSync(path);
    body[60] = (body[60] ?? 0) ^ 1;
    writeFileSync(path, body);
    for (const command of ['verify', 'salvage'])
      assert.equal((await amber([command, made.folder, '-i', key])).code, 1, command);
  });
});

describe('junk keys in the folder of a capture', () => {
  test('of a bucket are counted, and evidence is read', async () => {
    const server = await fauxqs();
    const client = owner(server.endpoint, { accessKeyId: 'test', secretAccessKey: 'test' });
    try {
      server.createBucket('evidence');
      const made = await makeCapture({ apart: true });
      const put = (name: string, body: Uint8Array | string): Promise<unknown> =>
        client.send(
          new PutObjectCommand({
            Bucket: 'evidence',
            Key: `amber/capture=${made.manifest.captureId}/${name}`,
            Body: body,
          }),
        );
      for (const name of readdirSync(made.folder)) await put(name, readFileSync(join(made.folder, name)));
      for (const stem of ['aaa', 'capture-0000x', 'capture-00000000', 'capture=', 'dir/x', 'zzz']) {
        for (let from = 0; from < 250; from += 50)
          await Promise.all(Array.from({ length: 50 }, (_, index) => put(`${stem}${String(from + index)}`, 'x')));
      }
      const at = ['--endpoint', server.endpoint, '--path-style', '--region', 'us-east-1'];
      const env = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' };
      for (const location of [`s3://evidence/amber/capture=${made.manifest.captureId}`, 's3://evidence/amber']) {
        const { code, out, err } = await amber(['verify', location, ...at], { env });
        assert.equal(code, 0, `${out}${err}`);
        assert.match(out, /1250 other objects lie beside it/u);
      }
      const listed = await amber(['captures', 's3://evidence/amber', '--json', ...at], { env });
      assert.deepEqual(
        (JSON.parse(listed.out) as { captures: { state: string }[] }).captures.map(({ state }) => state),
        ['whole'],
      );
    } finally {
      client.destroy();
      await server.stop();
    }
  });

  /** 205,000 keys are too many to put: a reader over names that lie in memory, in the order of S3. */
  function bucketOf(made: MadeCapture, junk: readonly string[]): S3Reader & { readonly listed: () => number } {
    const files = readdirSync(made.folder);
    const keys = [...files, ...junk].sort();
    let listed = 0;
    const sizeOf = (key: string): number => (files.includes(key) ? readFileSync(join(made.folder, key)).length : 1);
    return {
      listed: () => listed,
      list: () => {
        throw new Error('everything was listed');
      },
      children: () => {
        throw new Error('everything was listed');
      },
      some: (prefix, most) => {
        const from = firstFrom(keys, prefix);
        const found = keys.slice(from, from + most + 1).filter((name) => name.startsWith(prefix));
        listed += Math.min(found.length, most);
        return Promise.resolve({
          objects: found.slice(0, most).map((name): S3Object => ({ key: name, bytes: sizeOf(name) })),
          more: found.length > most,
        });
      },
      versions: async function* () {
        /* keeps none */
      },
      read: async function* (name, start = 0, most = Number.MAX_SAFE_INTEGER) {
        yield await Promise.resolve(
          files.includes(name) ? readFileSync(join(made.folder, name)).subarray(start, start + most) : Buffer.from('x'),
        );
      },
      close: () => undefined,
    };
  }

  function firstFrom(keys: readonly string[], prefix: string): number {
    let [low, high] = [0, keys.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((keys[middle] ?? '') < prefix) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  const floods: Readonly<Record<string, (index: number) => string>> = {
    'other names': (index) => `aaa-${String(index)}`,
    'names like segments': (index) => `capture-0000${String(index).padStart(6, '0')}.tar.zst`,
    'names of segments': (index) => `capture-0001-${index.toString(16).padStart(8, '0')}.tar.zst`,
  };
  for (const [name, nameOf] of Object.entries(floods)) {
    for (const committed of [true, false]) {
      test(`of 205,000 hide nothing: ${name}, ${committed ? 'with' : 'without'} manifest.json`, async () => {
        const made = await makeCapture({ apart: true });
        if (!committed) rmSync(join(made.folder, 'manifest.json'));
        const reader = bucketOf(
          made,
          Array.from({ length: 205_000 }, (_, index) => nameOf(index)),
        );
        const result = await verifyCapture(await openCapture(openPrefix(reader, 'evidence', '')));
        assert.equal(result.entries, 27);
        assert.equal(result.checks.find((check) => check.name === 'segments')?.state, committed ? 'ok' : 'not-checked');
        assert.ok(reader.listed() < 80_000, `${String(reader.listed())} keys were listed`);
      });
    }
  }

  test('of a folder are counted, and evidence is read', async () => {
    const made = await makeCapture();
    const folder = freshFolder();
    cpSync(made.folder, folder, { recursive: true });
    for (let index = 0; index < 5000; index += 1) writeFileSync(join(folder, `junk-${String(index)}`), '');
    const { code, out } = await amber(['verify', folder]);
    assert.deepEqual([code, out.includes('5000 other objects lie beside it')], [0, true], out);
  });
});

test('a capture that cannot be read keeps no other from being verified', async (t) => {
  if (!requirePeer(t, 'age-keygen')) return;
  const base = freshFolder();
  await makeCapture({ into: join(base, 'one') });
  const two = await makeCapture({ ...SEALED, captureId: '0197c0de-0000-7000-8000-0000000000cc' });
  cpSync(two.folder, join(base, 'two'), { recursive: true });
  const wrong = join(freshFolder(), 'wrong.txt');
  execFileSync('age-keygen', ['-o', wrong], { stdio: 'ignore' });
  const { code, out } = await amber(['verify', base, '--all', '-i', wrong]);
  assert.deepEqual([code, /^1 of 2 verified$/mu.test(out)], [3, true], out);
  assert.match(
    out,
    /^ok +SHA-256 of every segment[\s\S]*^not verified: the identity, of age1\w+, does not open the segments/mu,
  );
});
