/**
 * What an attacker serves: files of a FUSE server that answers nothing any more. Its request log tells who touched
 * them.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, it, type TestContext } from 'node:test';
import type { ManifestItem } from '../../../src/contracts/evidence.ts';
import { canServe, captureServed, type ServedCapture, type ServedJob } from './served.ts';

const LIMIT = { timeout: 120_000 };
const MAX_HELD_MS = 250;

async function capture(t: TestContext, job: ServedJob = {}): Promise<ServedCapture> {
  let seen = await captureServed(t, job);
  // A busy machine holds a thread too, but not three times in a row; a file that is waited for does each time.
  for (let again = 0; again < 2 && seen.holds.longestMs >= MAX_HELD_MS; again += 1) seen = await captureServed(t, job);
  assert.equal(seen.report.state, 'whole', JSON.stringify(seen.report));
  assert.ok(seen.holds.longestMs < MAX_HELD_MS, `held for ${seen.holds.longestMs} ms`);
  assert.ok(seen.report.elapsedMs < 10_000, `${seen.report.elapsedMs} ms`);
  assert.deepEqual(seen.descriptors.after, seen.descriptors.before);
  return seen;
}

const item = ({ items }: ServedCapture, path: string): ManifestItem | undefined =>
  items.find((one) => one.path === path);

describe('files that a silent server holds', () => {
  it('open, mapped, deleted and run from its own namespace: listed, not touched', LIMIT, async (t) => {
    if (!canServe(t)) return;
    const seen = await capture(t);
    const { holder, implant, named, gone } = seen.facts;
    for (const path of [`recovered/${holder}/fd-${named}`, `recovered/${holder}/fd-${gone}`]) {
      const found = item(seen, path);
      assert.equal(found?.outcome, 'skipped', path);
      assert.match(found.reason ?? '', /^not opened: somebody serves the mount on which it lies \(fuse at /u);
      const { link, mount } = found.notes as { link: string; mount: { type: string; point: string } };
      assert.match(link, /\(deleted\)$/u);
      assert.deepEqual([mount.type, mount.point.endsWith('/tree/served')], ['fuse', true]);
    }
    const processes = JSON.parse(seen.text('live_response/processes.json')) as {
      processes: { pid: number; exe: { path: string; reason?: string; sha256?: string } }[];
    };
    const exe = processes.processes.find(({ pid }) => pid === implant)?.exe;
    assert.match(exe?.reason ?? '', /^skipped \(not opened: somebody serves the mount/u);
    assert.match(exe?.path ?? '', /\/implant$/u);
    assert.deepEqual(seen.asked, []);
  });

  it('passed on to a process of our own namespace: listed, not touched', LIMIT, async (t) => {
    if (!canServe(t)) return;
    const seen = await capture(t);
    const found = item(seen, `recovered/${seen.facts.outer}/fd-${seen.facts.passedGone}`);
    assert.equal(found?.outcome, 'skipped');
    assert.match(found.reason ?? '', /^not opened: /u);
    assert.deepEqual(seen.asked, []);
  });

  it('of a mount that no namespace lists: listed, not touched', LIMIT, async (t) => {
    if (!canServe(t)) return;
    const seen = await capture(t, { mode: 'detach' });
    const { holder, outer, gone, passedGone } = seen.facts;
    for (const path of [`recovered/${holder}/fd-${gone}`, `recovered/${outer}/fd-${passedGone}`]) {
      assert.equal(item(seen, path)?.outcome, 'skipped', path);
      assert.match(item(seen, path)?.reason ?? '', /lists its mount \(\d+\)/u);
    }
    assert.deepEqual(seen.asked, []);
  });

  it('mounted inside a tree that is walked: named with its type, and all beside it taken', LIMIT, async (t) => {
    if (!canServe(t)) return;
    const seen = await capture(t, { mode: 'here' });
    const found = seen.items.find((one) => one.path.endsWith('/tree/served'));
    assert.equal(found?.outcome, 'skipped');
    assert.match(found.reason ?? '', /^not looked at: somebody serves the mount on which it lies \(fuse at /u);
    assert.equal(seen.items.find((one) => one.path.endsWith('/tree/plain'))?.outcome, 'collected');
    const tree = JSON.parse(seen.text('live_response/tree.json')) as {
      incomplete: { paths: { path: string; why: string }[] };
    };
    assert.match(tree.incomplete.paths.find(({ path }) => path.endsWith('/tree/served'))?.why ?? '', /fuse/u);
    assert.deepEqual(seen.asked, []);
  });
});

describe('a tree that the owner names and another machine serves', () => {
  it('is read by a child, byte for byte', LIMIT, async (t) => {
    if (!canServe(t)) return;
    const seen = await capture(t, { mode: 'alive', writable: ['FOLDER/tree/served', 'FOLDER/tree'] });
    const found = seen.items.filter(({ collector }) => collector === 'served');
    const file = found.find(({ path }) => path.endsWith('/served/x (deleted)'));
    assert.deepEqual([file?.outcome, file?.method, file?.size, file?.mode], ['collected', 'child', 600, '100644']);
    assert.equal(seen.text(file?.path ?? ''), 'served'.repeat(100));
    assert.equal(
      found.find(({ path }) => path.endsWith('/served/implant'))?.sha256,
      createHash('sha256').update(readFileSync('/bin/sleep')).digest('hex'),
    );
    assert.equal(
      seen.items.filter(({ path }) => path.endsWith('/tree/served') && path.startsWith('[root]')).length,
      2,
      'once as a root, once as a mount point in the other tree',
    );
  });

  it('costs two seconds where it hangs, and its reader is left behind', LIMIT, async (t) => {
    if (!canServe(t)) return;
    const seen = await capture(t, { mode: 'here', writable: ['FOLDER/tree', 'FOLDER/tree/served'] });
    const found = seen.items.find(({ collector }) => collector === 'served');
    assert.equal(found?.outcome, 'timed-out');
    assert.match(found.reason ?? '', /^not read to the end, and its reader was left behind: no answer within 2000 ms/u);
    assert.equal(seen.items.find(({ path }) => path.endsWith('/tree/plain'))?.outcome, 'collected');
    assert.ok(seen.asked.length > 0, 'the child alone has asked');
  });
});

describe('what only looks as if somebody served it', () => {
  it(
    'a tmpfs of another mount namespace, listed or detached, and a memfd come back byte for byte',
    LIMIT,
    async (t) => {
      if (!canServe(t)) return;
      const seen = await capture(t, { actor: 'nameless-tmpfs.py' });
      const { holder, listed, detached, memfd } = seen.facts;
      for (const [fd, body, method] of [
        [listed, 'listed', 'proc-fd'],
        [detached, 'detached', 'child'],
        [memfd, 'memfd', 'proc-fd'],
      ] as const) {
        const path = `recovered/${holder}/fd-${fd}`;
        assert.deepEqual([item(seen, path)?.outcome, item(seen, path)?.method], ['collected', method], path);
        assert.equal(seen.text(path), body.repeat(1000));
      }
    },
  );
});
