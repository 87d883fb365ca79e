import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { Descent } from '../../src/fs/descent.ts';
import { Kind, State } from '../../src/fs/kinds.ts';
import { descend, entryPath, openFile, openRoot } from '../../src/fs/open.ts';
import type { Tree } from '../../src/fs/tree.ts';
import { walk, type Pace } from '../../src/fs/walk.ts';
import { pacedBudget } from '../collect/context.ts';
import {
  bytePath,
  freshTree,
  HOSTILE_NAMES,
  listenAt,
  writeDeep,
  writeHostileNames,
  writeMany,
  writeSpecials,
} from '../adversary/hostile/trees.ts';
import { missing, requirePeer } from '../peers.ts';

const free: Pace = { yieldIfDue: () => undefined, stopped: () => false };

function find(tree: Tree, path: string): number {
  for (let entry = 0; entry < tree.count; entry += 1) if (tree.path(entry) === path) return entry;
  throw new Error(`not in the tree: ${JSON.stringify(path)}`);
}

describe('walk', () => {
  let root = '';
  let remove = (): void => undefined;
  beforeEach(() => {
    ({ path: root, remove } = freshTree());
  });
  afterEach(() => remove());

  it('lists every hostile name byte by byte', async () => {
    writeHostileNames(root);
    const { tree } = await walk([root], 1000, free);
    assert.deepEqual(tree.names.slice(1).sort(), [...HOSTILE_NAMES].sort());
    for (let entry = 1; entry < tree.count; entry += 1) assert.equal(tree.kind(entry), Kind.file);
  });

  it('tells kinds, keeps targets, and follows nothing', async () => {
    writeSpecials(root);
    const close = await listenAt(join(root, 'socket'));
    try {
      const { tree } = await walk([root], 1000, free);
      assert.equal(tree.count, readdirSync(root).length + 1);
      assert.equal(tree.kind(find(tree, `${root}/fifo`)), Kind.fifo);
      assert.equal(tree.kind(find(tree, `${root}/socket`)), Kind.socket);
      assert.equal(tree.target(find(tree, `${root}/to-kcore`)), '/proc/kcore');
      assert.equal(tree.target(find(tree, `${root}/to-nowhere`)), '\xff|\n -> x');
      assert.equal(tree.isSparse(find(tree, `${root}/sparse`)), true);
      assert.equal(tree.size(find(tree, `${root}/sparse`)), 10_000_000_000);
      assert.equal(tree.links(find(tree, `${root}/second-name`)), 3);
    } finally {
      close();
    }
  });

  it('goes 200 levels deep with names of 255 bytes', async () => {
    writeDeep(root, 200, 'd'.repeat(255));
    const { tree } = await walk([root], 1000, free);
    assert.equal(tree.count, 401);
    assert.equal(tree.depth(find(tree, `${root}/${`${'d'.repeat(255)}/`.repeat(200)}at-200`)), 201);
  });

  it('ends at 512 levels and says so', async () => {
    writeDeep(root, 520, 'd');
    const { tree } = await walk([root], 10_000, free);
    const deepest = find(tree, `${root}${'/d'.repeat(512)}`);
    assert.equal(tree.state(deepest), State.deep);
    assert.equal(tree.count, 1 + 512 + 511);
  });

  it('lists 100,000 entries of one directory without holding the thread', async (t) => {
    const large = freshTree(true);
    try {
      writeMany(large.path, 100_000);
      const budget = pacedBudget();
      const before = process.memoryUsage();
      const { tree, elapsedMs } = await walk([large.path], 250_000, {
        yieldIfDue: budget.yieldIfDue,
        stopped: () => false,
      });
      const after = process.memoryUsage();
      assert.equal(tree.count, 100_001);
      const grown = (after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers) / 1e6;
      t.diagnostic(
        `100,000 entries in ${elapsedMs.toFixed(0)} ms, longest hold ${budget.longestHoldMs().toFixed(1)} ms, ${grown.toFixed(1)} MB (garbage included)`,
      );
    } finally {
      large.remove();
    }
  });

  it('sees the rest though one directory alone passes the limit, and counts what it leaves', async () => {
    mkdirSync(join(root, 'flood'));
    mkdirSync(join(root, 'quiet/inner'), { recursive: true });
    writeMany(join(root, 'flood'), 3000);
    writeFileSync(join(root, 'quiet/inner/payload'), 'x');
    const { tree, unlisted, counted } = await walk([root], 1000, free);
    find(tree, `${root}/quiet/inner/payload`);
    assert.equal(tree.count, 1000);
    assert.equal(unlisted, 3000 - (1000 - 5));
    assert.equal(counted, true);
    assert.equal(tree.state(find(tree, `${root}/flood`)), State.cut);
  });

  it('stops counting after four times the limit', async () => {
    writeMany(root, 1000);
    const { tree, unlisted, counted } = await walk([root], 100, free);
    assert.equal(tree.count, 100);
    assert.equal(counted, false);
    assert.ok(unlisted > 400 && unlisted < 500);
  });

  it('marks what it had no time for', async () => {
    mkdirSync(join(root, 'a'));
    let asked = 0;
    const { tree } = await walk([root], 100, { yieldIfDue: () => undefined, stopped: () => (asked += 1) > 1 });
    assert.equal(tree.state(find(tree, `${root}/a`)), State.late);
  });

  it('records a root that is not there', async () => {
    const { tree, roots } = await walk([`${root}/none`, root], 100, free);
    assert.equal(tree.state(0), State.gone);
    assert.match(roots[0]?.problem ?? '', /ENOENT/u);
    assert.equal(roots[1]?.real, root);
  });

  it('does not enter procfs mounted below the root', (t) => {
    if (process.getuid?.() !== 0) return void missing(t, 'root, to mount procfs');
    if (!requirePeer(t, 'unshare', 'mount')) return;
    mkdirSync(join(root, 'p'));
    const script = `const {walk}=await import(${JSON.stringify(new URL('../../src/fs/walk.ts', import.meta.url).href)});
      const w=await walk([${JSON.stringify(root)}],1000,{yieldIfDue:()=>undefined,stopped:()=>false});
      console.log(JSON.stringify([w.tree.count,w.tree.state(1),w.mounts[0].fileSystem.type]));`;
    const out = execFileSync(
      'unshare',
      [
        '-m',
        'sh',
        '-c',
        'mount -t proc proc "$1" && exec "$2" --input-type=module -e "$3"',
        'sh',
        join(root, 'p'),
        process.execPath,
        script,
      ],
      { encoding: 'utf8' },
    );
    assert.deepEqual(JSON.parse(out), [2, State.kernel, 'proc 0x9fa0']);
  });

  it('leaves no descriptor behind', async () => {
    writeDeep(root, 60, 'd');
    const before = readdirSync('/proc/self/fd').length;
    await walk([root, `${root}/none`], 1000, free);
    assert.equal(readdirSync('/proc/self/fd').length, before);
  });
});

describe('descent', () => {
  let root = '';
  let remove = (): void => undefined;
  beforeEach(() => {
    ({ path: root, remove } = freshTree());
  });
  afterEach(() => remove());

  it('never goes through a link that took the place of a directory, near or far', async () => {
    mkdirSync(join(root, 'tree/a/b/c/d'), { recursive: true });
    mkdirSync(join(root, 'outside/c/d'), { recursive: true });
    const { tree } = await walk([`${root}/tree`], 100, free);
    renameSync(join(root, 'tree/a/b'), join(root, 'tree/a/old'));
    symlinkSync('../../outside', join(root, 'tree/a/b'));
    const descent = new Descent(tree);
    try {
      for (const path of ['b', 'b/c', 'b/c/d']) {
        assert.throws(() => descent.directory(find(tree, `${root}/tree/a/${path}`)), { code: 'ENOTDIR' });
      }
    } finally {
      descent.close();
    }
  });

  it('reaches a far directory in one call when nothing has changed, and keeps few open', async () => {
    writeDeep(root, 300, 'dd');
    const { tree } = await walk([root], 10_000, free);
    const descent = new Descent(tree);
    const before = readdirSync('/proc/self/fd').length;
    try {
      for (let level = 300; level > 0; level -= 1) descent.directory(find(tree, root + '/dd'.repeat(level)));
      assert.ok(readdirSync('/proc/self/fd').length - before <= 33);
    } finally {
      descent.close();
    }
  });

  it('takes names as components only', () => {
    const fd = openRoot(root);
    for (const name of ['', '.', '..', 'a/b', '/etc']) {
      assert.throws(() => entryPath(fd, name), { code: 'BUG' });
      assert.throws(() => descend(fd, [name]), { code: 'BUG' });
    }
    closeSync(fd);
  });

  it('opens a FIFO without waiting, and no link', () => {
    execFileSync('mkfifo', [join(root, 'fifo')]);
    symlinkSync('/etc/passwd', join(root, 'link'));
    rmSync(bytePath(root, 'x'), { force: true });
    const fd = openRoot(root);
    closeSync(openFile(fd, 'fifo', { own: true }));
    assert.throws(() => openFile(fd, 'link', { own: true }), { code: 'ELOOP' });
    closeSync(fd);
  });
});
