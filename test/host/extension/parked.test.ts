/**
 * What the destination does not take before a reset is parked in /tmp, sent in the next life, and vouched for by the
 * log alone.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  fstatSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { openLocal } from '../../../src/case/store/open.ts';
import { readLogDigests } from '../../../src/case/log/lines.ts';
import { verifyCapture, type VerifyResult } from '../../../src/case/verify/verify.ts';
import { unnested } from '../../../src/collect/parked.ts';
import type { Platform } from '../../sandbox/platform.ts';
import { canIsolate } from '../../sandbox/ground.ts';
import { storedCaptures } from './captures.ts';
import { openScene, type SceneOptions } from './sandbox.ts';

const FORGED = '0197c0de-0000-7000-8000-0000000000aa.2026-11-24.capture-0000.tar.zst';

/** A crash while nothing can be stored. */
async function crashed(
  t: { after: (done: () => Promise<void>) => void },
  options: SceneOptions = {},
): Promise<Platform> {
  const platform = await openScene(t, options);
  await platform.invoke({});
  await platform.idle();
  chmodSync(platform.ground.evidence, 0o555);
  assert.equal((await platform.invoke({ exit: 1 })).kind, 'failed');
  await platform.idle();
  chmodSync(platform.ground.evidence, 0o777);
  return platform;
}

const parkedFiles = (platform: Platform): string[] => {
  const folder = join(platform.ground.tmp, '.amber-parked');
  return existsSync(folder) ? readdirSync(folder) : [];
};

async function verified(platform: Platform, folder: string): Promise<VerifyResult> {
  const log = async function* lines(): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(Buffer.from(platform.log()));
  };
  return verifyCapture(await openLocal(folder), { log: (id) => readLogDigests(log(), id) });
}

const skip =
  canIsolate() || process.env['REQUIRE_PEERS'] === '1'
    ? false
    : 'not run: needs root, for namespaces, and a checkout outside of /tmp';

describe('a parked capture', { skip }, () => {
  test('is sent in the next life, and verifies against the digest that was logged before it was made', async (t) => {
    const platform = await crashed(t);
    assert.equal(parkedFiles(platform).length, 1, platform.log());
    const [line] = platform.logLines('parked');
    assert.equal(line?.['state'], 'parked');
    assert.equal((await platform.invoke({ say: 'next' })).kind, 'response');
    await platform.idle();
    assert.deepEqual(parkedFiles(platform), []);
    const one = (await storedCaptures(platform.ground.evidence)).find(({ id }) => id === line['capture']);
    assert.ok(one !== undefined, platform.log());
    assert.ok(one.entries.has('live_response/processes.json'));
    assert.match(readFileSync(join(one.folder, 'parked.json'), 'utf8'), /"parked, unverified"/u);
    const result = await verified(platform, one.folder);
    assert.equal(result.verdict, 'cut', JSON.stringify(result.checks));
    assert.equal(result.checks.find(({ name }) => name === 'parked')?.state, 'ok');
    assert.match(result.checks.find(({ name }) => name === 'parked')?.detail ?? '', /^1 segment was parked, and has/u);
    const without = await verifyCapture(await openLocal(one.folder));
    assert.match(without.checks.find(({ name }) => name === 'parked')?.detail ?? '', /unverified without the log/u);
  });

  test('is what is left where S3 takes a connection and says nothing: in time, before the platform kills', async (t) => {
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    t.after(() => silent.close());
    const endpoint = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const platform = await openScene(t, {
      env: { AMBER_DESTINATION: 's3://evidence-bucket/amber', AMBER_S3_ENDPOINT: endpoint, AMBER_S3_PATH_STYLE: '1' },
    });
    await platform.invoke({});
    await platform.idle();
    assert.equal((await platform.invoke({ exit: 1 })).kind, 'failed');
    await platform.idle();
    assert.equal(platform.shutdowns[0]?.extensions[0]?.killed, false, JSON.stringify(platform.shutdowns));
    assert.equal(parkedFiles(platform).length, 1, platform.log());
    assert.equal(platform.logLines('capture')[0]?.['state'], 'failed');
    silent.closeAllConnections();
  });

  test('is what is left where the credentials have expired meanwhile: said at once, and nothing is tried again', async (t) => {
    const asked: string[] = [];
    const expired = createServer((request, response) => {
      asked.push(request.url ?? '');
      request
        .resume()
        .on('end', () =>
          response
            .writeHead(400, { 'content-type': 'application/xml' })
            .end('<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>'),
        );
    });
    await new Promise<void>((resolve) => expired.listen(0, '127.0.0.1', resolve));
    t.after(() => expired.close());
    const endpoint = `http://127.0.0.1:${(expired.address() as AddressInfo).port}`;
    const platform = await openScene(t, {
      env: {
        AMBER_DESTINATION: 's3://evidence-bucket/amber',
        AMBER_S3_ENDPOINT: endpoint,
        AMBER_S3_PATH_STYLE: '1',
        AMBER_ON_CRASH: 'contents',
      },
    });
    await platform.invoke({});
    await platform.idle();
    assert.deepEqual(asked, [], 'a rehearsal sends nothing');
    assert.equal((await platform.invoke({ exit: 1 })).kind, 'failed');
    await platform.idle();
    assert.equal(platform.shutdowns[0]?.extensions[0]?.killed, false, JSON.stringify(platform.shutdowns));
    assert.equal(platform.logLines('capture')[0]?.['code'], 'DESTINATION_CREDENTIALS', platform.log());
    assert.equal(parkedFiles(platform).length, 1, platform.log());
    assert.ok(asked.length <= 2, asked.join(' '));
    expired.closeAllConnections();
  });

  test('that was changed meanwhile is sent, and fails against the log', async (t) => {
    const platform = await crashed(t);
    const [name = ''] = parkedFiles(platform);
    const path = join(platform.ground.tmp, '.amber-parked', name);
    const bytes = readFileSync(path);
    bytes.writeUInt8((bytes[bytes.length - 20] ?? 0) ^ 0xff, bytes.length - 20);
    writeFileSync(path, bytes);
    await platform.invoke({});
    await platform.idle();
    const [one] = foldersOf(platform);
    assert.ok(one !== undefined);
    const result = await verified(platform, one);
    assert.equal(result.verdict, 'failed');
    assert.equal(result.checks.find(({ name: check }) => check === 'parked')?.state, 'failed');
  });

  test('that is forged, a link, a FIFO, a folder or none of ours harms nobody', async (t) => {
    const platform = await openScene(t);
    const folder = join(platform.ground.tmp, '.amber-parked');
    mkdirSync(folder);
    writeFileSync(join(folder, FORGED), 'no capture at all');
    symlinkSync('/etc/passwd', join(folder, FORGED.replace('aa.', 'bb.')));
    spawnSync('mkfifo', [join(folder, FORGED.replace('aa.', 'cc.'))]);
    mkdirSync(join(folder, FORGED.replace('aa.', 'dd.')));
    writeFileSync(join(folder, '..capture-0000.tar.zst'), 'x');
    writeFileSync(join(folder, `${FORGED}.json`), 'x');
    spawnSync('chown', ['-R', '993:990', folder]);
    const result = await platform.invoke({ say: 'as ever' });
    assert.equal(result.kind, 'response');
    assert.ok(result.tookMs < 2000);
    await platform.idle();
    const [one, ...more] = foldersOf(platform);
    assert.ok(
      one?.endsWith('capture=0197c0de-0000-7000-8000-0000000000aa') === true && more.length === 0,
      platform.log(),
    );
    const checked = await verified(platform, one);
    assert.equal(checked.verdict, 'failed');
  });

  for (const [what, tmpMb, prepare] of [
    ['full', 1, 'head -c 1020000 /dev/zero > /tmp/fill'],
    ['not ours to write', 16, 'chown 0:0 /tmp; chmod 755 /tmp'],
  ] as const) {
    test(`is given up where /tmp is ${what}; the function goes on, and the log has the summary`, async (t) => {
      const platform = await openScene(t, { tmpMb });
      spawnSync('bash', ['-c', prepare.replaceAll('/tmp', platform.ground.tmp)]);
      await platform.invoke({});
      await platform.idle();
      chmodSync(platform.ground.evidence, 0o555);
      await platform.invoke({ exit: 1 });
      await platform.idle();
      assert.equal(platform.shutdowns[0]?.extensions[0]?.killed, false);
      assert.deepEqual(parkedFiles(platform), []);
      assert.ok(
        platform.logLines('fault').some((line) => line['where'] === 'parked'),
        platform.log(),
      );
      assert.equal((await platform.invoke({ say: 1 })).kind, 'response');
    });
  }
});

/** Folders alone: what was tampered with need not be readable. */
function foldersOf(platform: Platform): string[] {
  return globSync(`${platform.ground.evidence}/**/parked.json`)
    .map((path) => path.slice(0, -'/parked.json'.length))
    .sort();
}

test('a capture in the same life hashes what is parked and stores everything else, whatever its name', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'amber-nested-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const bodies = { parked: 'a capture', same: 'not a capt', payload: 'b capture' };
  const entries = Object.entries(bodies).map(([name, body]) => {
    writeFileSync(join(folder, name), body);
    const fd = openSync(join(folder, name), 'r');
    return {
      kind: 'file' as const,
      path: name,
      source: name,
      method: 'openat',
      fd,
      stat: fstatSync(fd, { bigint: true }),
    };
  });
  const digest = createHash('sha256').update(bodies.parked).digest('hex');
  const stored = [...unnested(entries, new Map([[digest, bodies.parked.length]]))].map((entry) => [
    entry.path,
    'store' in entry ? entry.store : true,
  ]);
  assert.deepEqual(stored, [
    ['parked', false],
    ['same', true],
    ['payload', true],
  ]);
});
