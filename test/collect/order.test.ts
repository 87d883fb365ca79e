import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { orderBy } from '../../src/collect/order.ts';
import { Kind } from '../../src/fs/kinds.ts';
import type { Tree } from '../../src/fs/tree.ts';
import { walk } from '../../src/fs/walk.ts';
import { freshTree, writeMany } from '../adversary/hostile/trees.ts';

const yieldIfDue = (): undefined => undefined;

async function ordered(root: string): Promise<{ tree: Tree; order: number[] }> {
  const { tree } = await walk([root], 250_000, { yieldIfDue, stopped: () => false });
  const { classes } = await orderBy(tree, 2, (entry) => (tree.kind(entry) === Kind.directory ? 1 : 0), yieldIfDue);
  return { tree, order: classes.flatMap((queue) => [...queue]) };
}

describe('order', () => {
  let root = '';
  let remove = (): void => undefined;
  beforeEach(() => {
    ({ path: root, remove } = freshTree(true));
  });
  afterEach(() => remove());

  it('gives every entry once', async () => {
    for (let index = 0; index < 20; index += 1) {
      mkdirSync(join(root, `d${index}`));
      writeMany(join(root, `d${index}`), index * 7);
    }
    const { tree, order } = await ordered(root);
    assert.deepEqual(
      [...order].sort((a, b) => a - b),
      Array.from({ length: tree.count }, (_, entry) => entry),
    );
  });

  it('takes 15 of the smallest and the largest of a directory in a turn', async () => {
    for (let size = 1; size <= 40; size += 1) writeFileSync(join(root, `s${size}`), 'x'.repeat(size));
    const { tree, order } = await ordered(root);
    const sizes = order.slice(0, 40).map((entry) => tree.size(entry));
    assert.deepEqual(sizes.slice(0, 16), [...Array.from({ length: 15 }, (_, index) => index + 1), 40]);
    assert.deepEqual(sizes.slice(16, 32), [...Array.from({ length: 15 }, (_, index) => index + 16), 39]);
  });

  it('ends a turn at 256 KiB', async () => {
    mkdirSync(join(root, 'a'));
    mkdirSync(join(root, 'b'));
    for (let index = 0; index < 8; index += 1) writeFileSync(join(root, `a/${index}`), 'x'.repeat(100_000 + index));
    writeFileSync(join(root, 'b/one'), 'x'.repeat(200_000));
    const { tree, order } = await ordered(root);
    const names = order.map((entry) => tree.names[entry] ?? '');
    const turn = names.indexOf('one') === 0 ? names.slice(1, 5) : names.slice(0, 4);
    assert.deepEqual(turn, ['0', '1', '2', '7']);
  });

  it('reaches a small directory before 100,000 files elsewhere', async (t) => {
    mkdirSync(join(root, 'flood'));
    mkdirSync(join(root, 'quiet'));
    writeMany(join(root, 'flood'), 100_000);
    writeFileSync(join(root, 'quiet/payload'), 'x'.repeat(5_000_000));
    const started = performance.now();
    const { tree, order } = await ordered(root);
    t.diagnostic(`listed and ordered in ${(performance.now() - started).toFixed(0)} ms`);
    assert.ok(order.findIndex((entry) => tree.names[entry] === 'payload') <= 4 * 16);
  });
});
