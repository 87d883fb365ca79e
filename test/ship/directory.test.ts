import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { resolveConfig } from '../../src/config/config.ts';
import type { Destination } from '../../src/contracts/evidence.ts';
import { openDestination } from '../../src/ship/index.ts';
import { identity, object, rejected, segmentName, sha256, testDestination } from '../contracts/destination.ts';
import { requirePeer } from '../peers.ts';

const never = new AbortController().signal;
const config = resolveConfig({}, {});

function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'amber-directory-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function opened(t: TestContext, base: string): Promise<Destination> {
  const destination = await openDestination(pathToFileURL(base), identity(), config);
  t.after(() => destination.close());
  return destination;
}

testDestination('directory', async (t, capture) => {
  const destination = await openDestination(pathToFileURL(scratch(t)), capture, config);
  return {
    destination,
    stored: ([first = '']) =>
      Promise.resolve(readFileSync(join(destination.location, first.endsWith('.json') ? first : 'capture.tar.zst'))),
    refusesOverwrite: true,
  };
});

test('sha256sum reads SHA256SUMS, and nothing is readable to others', async (t) => {
  if (!requirePeer(t, 'sha256sum')) return;
  const destination = await opened(t, join(scratch(t), 'made'));
  await destination.put(object(segmentName(0), randomBytes(5000)), never);
  await destination.put(object(segmentName(1), randomBytes(5000)), never);
  await destination.put(object('odd\n\\ name', Buffer.from('odd')), never);
  await destination.commit(object('manifest.json', Buffer.from('{}')), never);
  const folder = destination.location;
  assert.deepEqual(readdirSync(folder).sort(), ['SHA256SUMS', 'capture.tar.zst', 'manifest.json', 'odd%0A%5C%20name']);
  const said = execFileSync('sha256sum', ['-c', '--strict', 'SHA256SUMS'], { cwd: folder, encoding: 'utf8' });
  assert.equal(said, 'odd%0A%5C%20name: OK\ncapture.tar.zst: OK\nmanifest.json: OK\n');
  for (const name of readdirSync(folder)) assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name);
  assert.equal(statSync(folder).mode & 0o777, 0o700);
});

test('age files stay apart: a second header in one file is damage to the age command', async (t) => {
  const destination = await opened(t, scratch(t));
  const bodies = [randomBytes(100), randomBytes(200)];
  for (const [number, body] of bodies.entries())
    await destination.put(object(`${segmentName(number)}.age`, body), never);
  await destination.commit(object('manifest.json', Buffer.from('{}')), never);
  assert.deepEqual(readdirSync(destination.location).sort(), [
    'SHA256SUMS',
    'capture-0000.tar.zst.age',
    'capture-0001.tar.zst.age',
    'manifest.json',
  ]);
  for (const [number, body] of bodies.entries()) {
    assert.equal(sha256(readFileSync(join(destination.location, `${segmentName(number)}.age`))), sha256(body));
  }
});

test('a commit marker is not overwritten, and nothing is left of the one that was to be', async (t) => {
  const destination = await opened(t, scratch(t));
  writeFileSync(join(destination.location, 'manifest.json'), 'squatted');
  await assert.rejects(destination.commit(object('manifest.json', Buffer.from('{}')), never), {
    code: 'DESTINATION_EXISTS',
  });
  assert.deepEqual(readdirSync(destination.location).sort(), ['SHA256SUMS', 'manifest.json']);
  assert.equal(readFileSync(join(destination.location, 'manifest.json'), 'latin1'), 'squatted');
});

test('a process that is killed while it writes the commit marker has not committed', async (t) => {
  const folder = scratch(t);
  const child = spawn(process.execPath, ['--input-type=module', '-e', COMMIT_FOR_LONG, folder], {
    stdio: 'ignore',
    cwd: join(import.meta.dirname, '../..'),
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const written = (): number =>
    globSync(`${folder}/**/{.manifest.json.partial,manifest.json}`).reduce((sum, path) => sum + statSync(path).size, 0);
  for (const end = Date.now() + 20_000; written() === 0 && Date.now() < end; )
    await new Promise((resolve) => setTimeout(resolve, 2));
  assert.ok(written() > 0);
  child.kill('SIGKILL');
  await exited;
  assert.deepEqual(globSync(`${folder}/**/manifest.json`), []);
});

/** Writes a marker of 4 GiB: nobody is that quick. */
const COMMIT_FOR_LONG = `
import { openDestination } from './src/ship/index.ts';
import { resolveConfig } from './src/config/config.ts';
import { pathToFileURL } from 'node:url';
const identity = { captureId: '0197c0de-0000-7000-8000-0000000000aa', account: '1', region: 'r', functionName: 'f', date: '2026-01-01' };
const destination = await openDestination(pathToFileURL(process.argv[1]).href, identity, resolveConfig({}, {}));
const body = new Array(4096).fill(Buffer.alloc(2 ** 20, 1));
await destination.commit({ name: 'manifest.json', body, bytes: 2 ** 32, sha256: '0'.repeat(64) }, new AbortController().signal);
`;

test('a segment that never comes holds the next ones up for a while only, and finds its own file later', {
  timeout: 30_000,
}, async (t) => {
  const destination = await opened(t, scratch(t));
  const started = performance.now();
  await Promise.all(
    [3, 2].map((number) => destination.put(object(segmentName(number), Buffer.from(`<${String(number)}>`)), never)),
  );
  const waited = performance.now() - started;
  assert.ok(waited > 4000 && waited < 8000, String(waited));
  await destination.put(object(segmentName(1), Buffer.from('<1>')), never);
  await destination.commit(object('manifest.json', Buffer.from('{}')), never);
  assert.equal(readFileSync(join(destination.location, 'capture.tar.zst'), 'latin1'), '<2><3>');
  assert.equal(readFileSync(join(destination.location, segmentName(1)), 'latin1'), '<1>');
});

test('a segment that its signal ends leaves the file whole, and the next one does not wait for it', async (t) => {
  const destination = await opened(t, scratch(t));
  await destination.put(object(segmentName(0), Buffer.from('<0>')), never);
  const cut = new AbortController();
  const body = randomBytes(64 * 1024 * 1024);
  const put = destination.put(object(segmentName(1), body), cut.signal);
  setTimeout(() => cut.abort(), 5);
  await rejected(put, /^DESTINATION_UNAVAILABLE$/u);
  const started = performance.now();
  await destination.put(object(segmentName(2), Buffer.from('<2>')), never);
  assert.ok(performance.now() - started < 2000);
  assert.equal(readFileSync(join(destination.location, 'capture.tar.zst'), 'latin1'), '<0><2>');
});

test('a link in the place of a folder or a file is not followed', async (t) => {
  const base = scratch(t);
  const outside = scratch(t);
  symlinkSync(outside, join(base, 'account=111122223333'));
  await rejected(openDestination(pathToFileURL(base), identity(), config), /^DESTINATION_DENIED$/u);

  const other = await opened(t, scratch(t));
  symlinkSync(join(outside, 'stolen'), join(other.location, 'capture.tar.zst'));
  await rejected(other.put(object(segmentName(0), Buffer.from('x')), never), /^DESTINATION_EXISTS$/u);
  assert.deepEqual(readdirSync(outside), []);
});

test('a folder that is swapped for a link after it was opened does not lead out', async (t) => {
  const base = scratch(t);
  const outside = scratch(t);
  const destination = await opened(t, base);
  execFileSync('mv', [join(base, 'account=111122223333'), join(base, 'moved')]);
  symlinkSync(outside, join(base, 'account=111122223333'));
  await destination.put(object(segmentName(0), Buffer.from('x')), never);
  assert.deepEqual(readdirSync(outside), []);
});

test('what the file system refuses has a code and says what to do', async (t) => {
  const base = scratch(t);
  const missing = await rejected(
    openDestination(pathToFileURL(join(base, 'no', 'such')), identity(), config),
    /^DESTINATION_MISSING$/u,
  );
  assert.match(missing.message, /ENOENT.*create it/u);
  writeFileSync(join(base, 'file'), '');
  await rejected(openDestination(pathToFileURL(join(base, 'file')), identity(), config), /^DESTINATION_DENIED$/u);
  await rejected(openDestination('file://host/dir', identity(), config), /^CONFIG_INVALID$/u);
  if (process.getuid?.() === 0) return;
  mkdirSync(join(base, 'closed'));
  chmodSync(join(base, 'closed'), 0o500);
  await rejected(openDestination(pathToFileURL(join(base, 'closed')), identity(), config), /^DESTINATION_DENIED$/u);
});
