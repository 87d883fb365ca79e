import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { inventory } from '../../src/collect/inventory.ts';
import type { BytesEntry, JsonEntry } from '../../src/contracts/evidence.ts';
import { displayName } from '../../src/fs/names.ts';
import { HOSTILE_NAMES, freshTree, writeHostileNames, writeMany, writeSpecials } from '../adversary/hostile/trees.ts';
import { requirePeer } from '../peers.ts';
import { drain, makeContext, pacedBudget, type ContextFacts } from './context.ts';

interface Taken {
  readonly lines: string[];
  readonly text: string;
  readonly tree: Record<string, unknown>;
  readonly paths: string[];
  readonly reasons: string[];
}

async function take(facts: ContextFacts): Promise<Taken> {
  const entries = (await drain(inventory, makeContext(facts))).map(({ entry }) => entry);
  const bodies = entries.filter((entry): entry is BytesEntry => entry.kind === 'bytes');
  const text = bodies.map((entry) => Buffer.from(entry.body).toString('utf8')).join('');
  const json = entries.find((entry): entry is JsonEntry => entry.path === 'live_response/tree.json');
  return {
    lines: text.split('\n').slice(0, -1),
    text,
    tree: json?.value as Record<string, unknown>,
    paths: entries.map((entry) => entry.path),
    reasons: entries.flatMap((entry) => (entry.kind === 'absent' ? [entry.reason] : [])),
  };
}

describe('inventory', () => {
  let root = '';
  let remove = (): void => undefined;
  beforeEach(() => {
    ({ path: root, remove } = freshTree());
  });
  afterEach(() => remove());

  it('writes one line of eleven fields for each path, with what lstat says', async () => {
    writeHostileNames(root);
    writeSpecials(root);
    const { lines, paths } = await take({ writable: [root] });
    assert.deepEqual(paths, ['bodyfile/bodyfile.txt', 'live_response/tree.json']);
    assert.equal(lines.length, 1 + HOSTILE_NAMES.length + 15);
    for (const line of lines) assert.equal(line.split('|').length, 11, line);
    const stat = lstatSync(join(root, 'plain'), { bigint: true });
    const seconds = [stat.atimeNs, stat.mtimeNs, stat.ctimeNs, stat.birthtimeNs].map((time) =>
      String(time / 1_000_000_000n),
    );
    const expected = ['0', `${root}/plain`, stat.ino, 'r/rrw-r--r--', stat.uid, stat.gid, stat.size, ...seconds].join(
      '|',
    );
    assert.ok(lines.includes(expected), expected);
    const named = (name: string): string =>
      lines.find((line) => line.startsWith(`0|${root}/${name}|`) || line.startsWith(`0|${root}/${name} ->`)) ?? '';
    assert.match(named('fifo'), /\|p\/prw/u);
    assert.match(named('locked'), /\|r\/r---------\|/u);
    assert.match(named('sparse'), /\|10000000000\|/u);
    assert.match(named('to-kcore'), /to-kcore -> \/proc\/kcore\|\d+\|l\/lrwxrwxrwx\|/u);
    assert.match(named('to-nowhere'), /to-nowhere -> %FF%7C\\x0a -%3E x\|/u);
  });

  it('keeps times before 1970, after 2038 and of the future as whole seconds', async () => {
    writeFileSync(join(root, 'old'), '');
    utimesSync(join(root, 'old'), new Date(Date.UTC(2040, 0, 1)), new Date(Date.UTC(1960, 0, 1)));
    const actual = lstatSync(join(root, 'old'), { bigint: true });
    const { lines } = await take({ writable: [root] });
    const fields = lines.find((line) => line.includes('/old|'))?.split('|') ?? [];
    assert.equal(Number(fields[7]), Math.floor(Number(actual.atimeNs / 1_000_000n) / 1000));
    assert.equal(Number(fields[8]), Math.floor(Number(actual.mtimeNs / 1_000_000n) / 1000));
  });

  it('is read by mactime line by line, with all names', async (t) => {
    if (!requirePeer(t, 'mactime')) return;
    writeHostileNames(root);
    writeSpecials(root);
    const { text, lines } = await take({ writable: [root] });
    const out = execFileSync('mactime', ['-d', '-y', '-z', 'UTC'], {
      input: Buffer.from(text, 'utf8'),
      encoding: 'latin1',
      env: { ...process.env, TZ: 'UTC', LC_ALL: 'C' },
    });
    assert.doesNotMatch(out, /[\0-\x09\x0b-\x1f\x7f]/u);
    for (const name of HOSTILE_NAMES) {
      const shown = Buffer.from(displayName(name), 'utf8').toString('latin1');
      const read = shown.replaceAll(/%([0-9A-F]{2})/gu, (_, hex: string) =>
        String.fromCharCode(Number.parseInt(hex, 16)),
      );
      assert.ok(out.includes(`"${root}/${read.replaceAll('"', '""')}"`), JSON.stringify(name));
    }
    assert.ok(out.includes(`"${root}/to-nowhere -> \xff|\\x0a -> x"`));
    const inodes = new Set(lines.map((line) => line.split('|')[2] ?? ''));
    for (const inode of inodes) assert.ok(out.includes(`,${inode},`), `inode ${inode}`);
  });

  it('counts kinds and names what is not known', async () => {
    writeSpecials(root);
    mkdirSync(join(root, 'sub'));
    writeFileSync(join(root, 'sub/.hidden'), 'x', { mode: 0o755 });
    execFileSync('chmod', ['4755', join(root, 'sub/.hidden')]);
    const { tree } = await take({ writable: [root, `${root}/none`] });
    assert.deepEqual(tree['kinds'], {
      directory: 2,
      FIFO: 1,
      'symbolic link': 8,
      'regular file': 7,
      'thing of unknown kind': 1,
    });
    assert.equal(tree['hiddenEntries'], 1);
    assert.equal(tree['sparseFiles'], 1);
    assert.equal(tree['hardLinkedFiles'], 3);
    assert.deepEqual(tree['setIdFiles'], { count: 1, paths: [{ path: `${root}/sub/.hidden`, why: '104755' }] });
    assert.deepEqual(tree['incomplete'], { count: 1, paths: [{ path: `${root}/none`, why: 'ENOENT' }] });
    const roots = tree['roots'] as { fileSystem: { type: string; bytes: number } }[];
    assert.ok((roots[0]?.fileSystem.bytes ?? 0) > 0);
  });

  it('goes on in a second file after 2 MiB, and never cuts a line', async () => {
    const large = freshTree(true);
    try {
      const name = 'n'.repeat(200);
      for (let index = 0; index < 7_000; index += 1) symlinkSync('x', `${large.path}/${name}${index}`);
      const { paths, lines } = await take({ writable: [large.path] });
      assert.deepEqual(paths, ['bodyfile/bodyfile.txt', 'bodyfile/bodyfile-0001.txt', 'live_response/tree.json']);
      assert.equal(lines.length, 7_001);
      for (const line of lines) assert.equal(line.split('|').length, 11);
    } finally {
      large.remove();
    }
  });

  it('says how many paths are beyond the limit', async () => {
    writeMany(root, 150);
    const { paths, reasons, tree } = await take({ writable: [root], options: { maxEntries: 100 } });
    assert.ok(paths.includes('bodyfile/beyond-the-limit'));
    assert.match(reasons[0] ?? '', /^51 further paths are not listed: the limit of 100 entries/u);
    assert.deepEqual(tree['limit'], { entries: 100, beyond: 51, beyondIsExact: true });
  });

  it('ends in its share of the time with what it has', async () => {
    writeMany(root, 2000);
    const started = performance.now();
    const budget = { ...pacedBudget(), remainingMs: () => Math.max(0, 5 - (performance.now() - started)) };
    const { lines, tree } = await take({ writable: [root], budget });
    assert.ok(lines.length < 2001);
    assert.match(JSON.stringify(tree['incomplete']), /the time for the inventory was over/u);
  });
});
