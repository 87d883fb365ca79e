import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { writable } from '../../src/collect/writable.ts';
import { freshTree } from '../adversary/hostile/trees.ts';
import { bySource, drain, makeContext } from './context.ts';

/**
 * Swaps directories for links to a place outside, and files for FIFOs and links, as fast as it can. A rename that fails
 * met a reader or its own last swap: the attacker goes on.
 */
const ATTACK = `
const fs = require('node:fs');
const [root, outside] = process.argv.slice(1);
const swap = (a, b) => { try { fs.renameSync(a, root + '/.x'); fs.renameSync(b, a); fs.renameSync(root + '/.x', b); } catch {} };
process.stdout.write('go');
for (let i = 0; ; i += 1) {
  swap(root + '/a/b', root + '/link');
  swap(root + '/e/g', root + '/link2');
  swap(root + '/a/file', root + '/fifo');
  swap(root + '/a/other', root + '/file-link');
}`;

describe('writable against a racing attacker', () => {
  it('never leaves the tree, never hangs, never fails, never leaks a descriptor', async (t) => {
    const inside = freshTree(true);
    const outside = freshTree(true);
    const root = inside.path;
    mkdirSync(join(root, 'a/b/c/d'), { recursive: true });
    mkdirSync(join(root, 'e/g/d'), { recursive: true });
    mkdirSync(join(outside.path, 'c/d'), { recursive: true });
    for (const path of ['a/b/f', 'a/b/c/f', 'a/b/c/d/f', 'e/g/f', 'e/g/d/f', 'a/file', 'a/other'])
      writeFileSync(join(root, path), 'inside');
    for (const path of ['f', 'c/f', 'c/d/f', 'secret']) writeFileSync(join(outside.path, path), 'OUTSIDE');
    symlinkSync(outside.path, join(root, 'link'));
    symlinkSync(join(outside.path, 'c'), join(root, 'link2'));
    symlinkSync(join(outside.path, 'secret'), join(root, 'file-link'));
    execFileSync('mkfifo', [join(root, 'fifo')]);
    const before = readdirSync('/proc/self/fd').length;
    const attacker = spawn(process.execPath, ['-e', ATTACK, root, outside.path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await new Promise((resolve) => attacker.stdout.once('data', resolve));
      const until = performance.now() + 3000;
      const seen: Record<string, number> = {};
      let rounds = 0;
      for (; performance.now() < until; rounds += 1) {
        const taken = bySource(await drain(writable, makeContext({ writable: [root] })));
        for (const { entry, head } of taken.values()) {
          assert.ok(!head.includes('OUTSIDE'), entry.source);
          const label = `${entry.kind} ${entry.outcome ?? ''}`.trim();
          seen[label] = (seen[label] ?? 0) + 1;
        }
      }
      t.diagnostic(`${rounds} rounds: ${JSON.stringify(seen)}`);
      assert.ok(rounds > 10);
    } finally {
      attacker.kill('SIGKILL');
      await new Promise((resolve) => attacker.once('close', resolve));
      inside.remove();
      outside.remove();
    }
    assert.ok(readdirSync('/proc/self/fd').length <= before);
  });
});
