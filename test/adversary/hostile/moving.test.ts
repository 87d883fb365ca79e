import assert from 'node:assert/strict';
import { spawn, type ChildProcess, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { ManifestItem } from '../../../src/contracts/evidence.ts';
import { hasPeer, missing } from '../../peers.ts';
import { freshTree } from './trees.ts';
import { assertAccounted, assertSound, CANARY, captureWhole, costOf, listTree, PEERS, type Whole } from './whole.ts';

const LARGE = 48 * 2 ** 20;
const CAPTURES = 2;
const absent = [...PEERS, 'mkfifo'].filter((program) => !hasPeer(program));

/** What stands in the way of the mutator: a folder for each of its ways. */
function writeTargets(root: string, outside: string): void {
  for (const folder of ['grow', 'shrink', 'vanish', 'swap', 'folders', 'flood', 'deeper', 'stable'])
    mkdirSync(join(root, folder));
  for (let index = 0; index < 100; index += 1) {
    for (const folder of ['grow', 'shrink', 'vanish', 'stable'])
      writeFileSync(join(root, folder, `f${index}`), String(index).repeat(5000));
  }
  for (const folder of ['grow', 'shrink', 'vanish']) {
    writeFileSync(join(root, folder, 'large'), '');
    truncateSync(join(root, folder, 'large'), LARGE);
  }
  writeFileSync(join(outside, 'secret'), CANARY);
  for (let index = 0; index < 20; index += 1) {
    for (const name of ['file', 'other']) writeFileSync(join(root, 'swap', `${name}-${index}`), 'inside');
    symlinkSync(join(outside, 'secret'), join(root, 'swap', `link-${index}`));
    execFileSync('mkfifo', [join(root, 'swap', `fifo-${index}`)]);
  }
  mkdirSync(join(outside, 'dir/inner'), { recursive: true });
  for (let index = 0; index < 10; index += 1) {
    mkdirSync(join(root, 'folders', `dir-${index}`, 'inner'), { recursive: true });
    for (const name of ['f', 'inner/f']) {
      writeFileSync(join(root, 'folders', `dir-${index}`, name), 'inside');
      writeFileSync(join(outside, 'dir', name), CANARY);
    }
    symlinkSync(join(outside, 'dir'), join(root, 'folders', `link-${index}`));
  }
}

describe('a whole capture of a tree that changes under it', () => {
  const inside = freshTree(true);
  const outside = freshTree(true);
  const root = inside.path;
  const captures: Whole[] = [];
  let mutator: ChildProcess | undefined;

  before(
    async () => {
      if (absent.length > 0) return;
      writeTargets(root, outside.path);
      mutator = spawn(process.execPath, [join(import.meta.dirname, 'mutator.mjs'), root], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await new Promise((resolve) => mutator?.stdout?.once('data', resolve));
      for (let round = 0; round < CAPTURES; round += 1) captures.push(await captureWhole({ writable: [root] }));
    },
    { timeout: 120_000 },
  );
  after(async () => {
    const ended = new Promise((resolve) => mutator?.once('close', resolve) ?? resolve(undefined));
    if (mutator?.kill('SIGKILL') === true) await ended;
    inside.remove();
    outside.remove();
  });

  /** Items of a folder in all captures, and how often each kind of end was met. */
  const itemsOf = (folder: string, pattern = /./u): { items: ManifestItem[]; ends: Record<string, number> } => {
    const prefix = `[root]${root}/${folder}/`;
    const items = captures.flatMap((whole) =>
      [...whole.items]
        .filter(([path]) => path.startsWith(prefix) && pattern.test(path.slice(prefix.length)))
        .map(([, item]) => item),
    );
    const ends: Record<string, number> = {};
    for (const { kind, outcome } of items) ends[`${kind} ${outcome}`] = (ends[`${kind} ${outcome}`] ?? 0) + 1;
    return { items, ends };
  };
  const assertEnds = (ends: Record<string, number>, allowed: readonly string[]): void => {
    for (const end of Object.keys(ends)) assert.ok(allowed.includes(end), `${end} is no end for these`);
  };

  it('is whole each time, within memory, without a descriptor left, and holds nothing from outside', (t) => {
    if (absent.length > 0) return void missing(t, absent.join(', '));
    for (const whole of captures) {
      t.diagnostic(costOf(whole));
      assertSound(whole, 64);
      assertAccounted(whole, listTree(join(root, 'stable')));
    }
  });

  it('takes what nobody touches byte for byte', (t) => {
    if (absent.length > 0) return void missing(t, absent.join(', '));
    const { items, ends } = itemsOf('stable');
    assert.deepEqual(ends, { 'file collected': 100 * CAPTURES });
    for (const { path, sha256 } of items)
      assert.equal(
        sha256,
        createHash('sha256')
          .update((/f(\d+)$/u.exec(path)?.[1] ?? '').repeat(5000))
          .digest('hex'),
      );
  });

  it('cuts a file that grows at the size that it had when it was opened', (t) => {
    if (absent.length > 0) return void missing(t, absent.join(', '));
    const { items, ends } = itemsOf('grow');
    t.diagnostic(JSON.stringify(ends));
    assertEnds(ends, ['file collected', 'file changed']);
    assert.equal(items.length, 101 * CAPTURES);
    for (const { size, stored, padded } of items) assert.ok(size === stored && padded === undefined);
    assert.ok(
      itemsOf('grow', /^large$/u).items.some(({ outcome }) => outcome === 'changed'),
      'the large one grew all the time',
    );
  });

  it('fills up a file that shrinks or is truncated, and says how much of it is filling', (t) => {
    if (absent.length > 0) return void missing(t, absent.join(', '));
    const { items, ends } = itemsOf('shrink');
    t.diagnostic(JSON.stringify(ends));
    assertEnds(ends, ['file collected', 'file changed', 'file truncated', 'file failed', 'file empty']);
    assert.equal(items.length, 101 * CAPTURES);
    for (const { size, stored, padded, outcome } of items) {
      assert.equal(size, stored);
      if (outcome === 'truncated') assert.ok((padded ?? 0) > 0 && (padded ?? 0) < (stored ?? 0));
    }
  });

  it('ends a file that is unlinked or made anew in one outcome', (t) => {
    if (absent.length > 0) return void missing(t, absent.join(', '));
    const { items, ends } = itemsOf('vanish');
    t.diagnostic(JSON.stringify(ends));
    assertEnds(ends, [
      'file collected',
      'file changed',
      'file empty',
      'file truncated',
      'file failed',
      'absent missing',
    ]);
    assert.ok(items.length > 60 * CAPTURES, 'most of them are there at any moment');
  });

  it('takes what stands there when a file is swapped for a link or a FIFO, and does not follow it', (t) => {
    if (absent.length > 0) return void missing(t, absent.join(', '));
    const { items, ends } = itemsOf('swap');
    t.diagnostic(JSON.stringify(ends));
    for (const { kind, outcome, target } of items) {
      assert.ok(['file', 'link', 'special', 'absent'].includes(kind));
      assert.ok(['collected', 'changed', 'missing', 'failed'].includes(outcome), outcome);
      if (kind === 'link') assert.equal(target, join(outside.path, 'secret'));
    }
    assert.ok(items.length > 60 * CAPTURES);
  });

  it('does not go through a directory that is swapped for a link', (t) => {
    if (absent.length > 0) return void missing(t, absent.join(', '));
    const { items, ends } = itemsOf('folders', /./u);
    t.diagnostic(JSON.stringify(ends));
    const inner = itemsOf('folders', /\/f$/u).items.filter(({ outcome }) => outcome === 'collected');
    const sha256 = createHash('sha256').update('inside').digest('hex');
    for (const item of inner) assert.equal(item.sha256, sha256, item.path);
    assert.ok(items.length >= 15 * CAPTURES);
  });

  it('ends what is made while it lists in one outcome, or does not see it', (t) => {
    if (absent.length > 0) return void missing(t, absent.join(', '));
    for (const folder of ['flood', 'deeper']) {
      const { ends } = itemsOf(folder);
      t.diagnostic(`${folder}: ${JSON.stringify(ends)}`);
      assertEnds(ends, ['file empty', 'directory collected', 'directory skipped', 'absent missing']);
    }
  });
});
