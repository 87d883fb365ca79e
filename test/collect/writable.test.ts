import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { writable } from '../../src/collect/writable.ts';
import { writableTree } from '../../src/collect/trees.ts';
import type { Entry, CollectorContext } from '../../src/contracts/evidence.ts';
import { withLease } from '../adversary/hostile/lease.ts';
import {
  HOSTILE_NAMES,
  freshTree,
  listenAt,
  writeDeep,
  writeHostileNames,
  writeMany,
  writeSpecials,
} from '../adversary/hostile/trees.ts';
import { requirePeer } from '../peers.ts';
import { bySource, drain, makeContext, type Drained, type ContextFacts } from './context.ts';

async function take(facts: ContextFacts): Promise<Map<string, Drained>> {
  return bySource(await drain(writable, makeContext(facts)));
}

/** Lists, lets the attacker act, then collects. */
async function takeAfter(root: string, act: () => void): Promise<Map<string, Drained>> {
  const context: CollectorContext = makeContext({ writable: [root] });
  await writableTree(context);
  act();
  return bySource(await drain(writable, context));
}

describe('writable', () => {
  let root = '';
  let remove = (): void => undefined;
  beforeEach(() => {
    ({ path: root, remove } = freshTree());
  });
  afterEach(() => remove());
  const entryOf = (taken: Map<string, Drained>, name: string): Entry => {
    const found = taken.get(`${root}/${name}`);
    assert.ok(found, `no entry for ${JSON.stringify(name)}`);
    return found.entry;
  };

  it('ends every path in one entry, with its bytes', async () => {
    writeHostileNames(root);
    const taken = await take({ writable: [root] });
    assert.equal(taken.size, HOSTILE_NAMES.length + 1);
    for (const [index, name] of HOSTILE_NAMES.entries()) {
      assert.equal(taken.get(`${root}/${name}`)?.head, String(index));
      assert.equal(entryOf(taken, name).path, `[root]${root}/${name}`);
    }
  });

  it('takes kinds for what they are and follows nothing', async () => {
    writeSpecials(root);
    const close = await listenAt(join(root, 'socket'));
    try {
      const taken = await take({ writable: [root] });
      assert.equal(taken.size, readdirSync(root).length + 1);
      const kinds = Object.fromEntries(
        [...taken.values()].map(({ entry }) => [entry.source.slice(root.length + 1), entry.kind]),
      );
      assert.equal(kinds['fifo'], 'special');
      assert.equal(kinds['socket'], 'special');
      for (const name of readdirSync(root).filter((one) => /^to-|^loop/u.test(one)))
        assert.equal(kinds[name], 'link', name);
      const kcore = entryOf(taken, 'to-kcore');
      assert.ok(kcore.kind === 'link' && kcore.target === '/proc/kcore');
      const sparse = entryOf(taken, 'sparse');
      assert.ok(sparse.kind === 'file' && sparse.stat.size === 10_000_000_000n);
      const hardLinks = ['first-name', 'second-name', 'third-name'].map((name) => entryOf(taken, name));
      assert.equal(hardLinks.filter((entry) => entry.kind === 'file').length, 1);
      for (const entry of hardLinks)
        if (entry.kind === 'absent')
          assert.match(`${entry.outcome} ${entry.reason}`, /^skipped hard link to .*-name$/u);
    } finally {
      close();
    }
  });

  it('takes a tree 200 levels deep with names of 255 bytes', async () => {
    writeDeep(root, 200, 'd'.repeat(255));
    const taken = await take({ writable: [root] });
    assert.equal(taken.size, 401);
    assert.equal(taken.get(`${root}/${`${'d'.repeat(255)}/`.repeat(200)}at-200`)?.head, '200');
  });

  it('does not follow a directory that became a link', async () => {
    mkdirSync(join(root, 'dir/inner'), { recursive: true });
    writeFileSync(join(root, 'dir/passwd'), 'mine');
    writeFileSync(join(root, 'dir/inner/deep'), 'mine');
    const outside = freshTree();
    try {
      mkdirSync(join(outside.path, 'inner'));
      writeFileSync(join(outside.path, 'passwd'), 'SECRET');
      writeFileSync(join(outside.path, 'inner/deep'), 'SECRET');
      const taken = await takeAfter(root, () => {
        rmSync(join(root, 'dir'), { recursive: true });
        symlinkSync(outside.path, join(root, 'dir'));
      });
      const link = entryOf(taken, 'dir');
      assert.ok(link.kind === 'link' && link.outcome === 'changed' && link.target === outside.path);
      assert.equal(link.reason, 'a directory when it was listed');
      for (const name of ['dir/passwd', 'dir/inner', 'dir/inner/deep']) {
        const entry = entryOf(taken, name);
        assert.ok(entry.kind === 'absent' && entry.outcome === 'missing', name);
      }
      assert.ok([...taken.values()].every(({ head }) => !head.includes('SECRET')));
    } finally {
      outside.remove();
    }
  });

  it('says what took the place of a file', async () => {
    for (const name of ['to-fifo', 'to-link', 'to-directory', 'to-nothing', 'to-file'])
      writeFileSync(join(root, name), 'before');
    symlinkSync('x', join(root, 'link-to-file'));
    const taken = await takeAfter(root, () => {
      for (const name of readdirSync(root)) unlinkSync(join(root, name));
      execFileSync('mkfifo', [join(root, 'to-fifo')]);
      symlinkSync('/etc/shadow', join(root, 'to-link'));
      mkdirSync(join(root, 'to-directory'));
      writeFileSync(join(root, 'other'), '');
      writeFileSync(join(root, 'to-file'), 'after');
      writeFileSync(join(root, 'link-to-file'), 'file');
    });
    const shown = (name: string): string => {
      const entry = entryOf(taken, name);
      return [entry.kind, entry.outcome ?? '', entry.reason ?? ''].join(' ');
    };
    assert.equal(shown('to-fifo'), 'special changed a regular file when it was listed');
    assert.equal(shown('to-link'), 'link changed a regular file when it was listed');
    assert.equal(
      shown('to-directory'),
      'directory changed a regular file when it was listed; what is in it was not listed',
    );
    assert.equal(shown('to-nothing'), 'absent missing it is gone (ENOENT)');
    assert.equal(shown('link-to-file'), 'file changed a symbolic link when it was listed');
    assert.equal(taken.get(`${root}/to-file`)?.head, 'after');
    assert.ok(!taken.has(`${root}/other`));
  });

  it('is not held up by a lease, and asks again at the end', async (t) => {
    if (!requirePeer(t, 'python3')) return;
    writeFileSync(join(root, 'leased'), 'x');
    writeFileSync(join(root, 'free'), 'y');
    await withLease(join(root, 'leased'), async () => {
      const started = performance.now();
      const taken = await take({ writable: [root] });
      const entry = entryOf(taken, 'leased');
      assert.ok(entry.kind === 'absent' && entry.outcome === 'failed');
      assert.match(entry.reason, /lease/u);
      assert.equal(taken.get(`${root}/free`)?.head, 'y');
      assert.ok(performance.now() - started < 5000);
    });
  });

  it('takes what runs, is open, mapped or named first, then programs, then directories in turns', async () => {
    const long = 'x'.repeat(100_000);
    mkdirSync(join(root, 'many'));
    mkdirSync(join(root, 'few'));
    for (let index = 0; index < 100; index += 1) writeFileSync(join(root, `many/${index}`), '');
    writeFileSync(join(root, 'few/payload'), 'small');
    writeFileSync(join(root, 'many/big-elf'), `\x7fELF${long}`, 'latin1');
    writeFileSync(join(root, 'many/big-data'), long);
    writeFileSync(join(root, 'tool'), '', { mode: 0o755 });
    for (const name of ['running', 'open', 'mapped\nlib.so', 'script.py'])
      writeFileSync(join(root, `many/${name}`), long);
    const maps = Buffer.from(`7f00-7f01 r-xp 0 00:1b 5                    ${root}/many/mapped\\012lib.so\n`, 'latin1');
    const taken = await take({
      writable: [root],
      processes: [
        {
          exe: { target: `${root}/many/running`, deleted: false },
          cwd: { target: `${root}/many`, deleted: false },
          argv: ['python3', './script.py'],
          descriptors: [
            { fd: 3, link: { target: `${root}/many/open`, deleted: false } },
            { fd: 4, link: { target: `${root}/gone`, deleted: true } },
          ],
          files: new Map([['maps', { ok: true, body: maps, truncated: false }]]),
        },
      ],
    });
    const all = [...taken.keys()].map((path) => path.slice(root.length + 1));
    for (const name of all.filter((one) => one.includes('/')))
      assert.ok(
        all.indexOf(name.slice(0, name.indexOf('/'))) < all.indexOf(name),
        `${name} stands behind its directory`,
      );
    const order = all.filter((name) => !['', 'few', 'many'].includes(name));
    assert.deepEqual(order.slice(0, 4).sort(), ['many/mapped\nlib.so', 'many/open', 'many/running', 'many/script.py']);
    assert.deepEqual(order.slice(4, 6).sort(), ['many/big-elf', 'tool']);
    assert.ok(order.indexOf('few/payload') < 6 + 17, 'the small directory has its turn after one batch of the other');
    assert.ok(order.indexOf('many/big-data') < 6 + 17, 'the largest closes a turn');
  });

  it('takes a file in use that the inventory does not have', async () => {
    writeMany(root, 100);
    mkdirSync(join(root, 'z'));
    const context = makeContext({
      writable: [root],
      processes: [
        { exe: { target: `${root}/z/late`, deleted: false } },
        { exe: { target: `${root}/../etc/passwd`, deleted: false } },
      ],
    });
    await writableTree(context);
    writeFileSync(join(root, 'z/late'), 'payload');
    const taken = bySource(await drain(writable, context));
    assert.equal(taken.get(`${root}/z/late`)?.head, 'payload');
    assert.equal(entryOf(taken, 'z/late').reason, 'not in the inventory');
    assert.ok([...taken.values()].every(({ head }) => !head.startsWith('root:')));
  });

  it('puts sparse and very large files last, so that they do not use up the budget', async () => {
    writeSpecials(root);
    const taken = await take({ writable: [root], processes: [{ exe: { target: `${root}/sparse`, deleted: false } }] });
    assert.equal([...taken.keys()].at(-1), `${root}/sparse`);
  });

  it('keeps the times that a directory had before it was listed', async () => {
    mkdirSync(join(root, 'd'));
    utimesSync(join(root, 'd'), 1000, 2000);
    const directory = entryOf(await take({ writable: [root] }), 'd');
    assert.ok(directory.kind === 'directory' && directory.stat?.atimeNs === 1000n * 1_000_000_000n);
  });

  it('leaves the atime of a file alone', async () => {
    writeFileSync(join(root, 'f'), 'x');
    utimesSync(join(root, 'f'), 1000, 2000);
    for (let pass = 0; pass < 2; pass += 1) {
      const file = entryOf(await take({ writable: [root] }), 'f');
      assert.ok(file.kind === 'file' && file.stat.atimeNs === 1000n * 1_000_000_000n);
    }
  });

  it('leaves no descriptor behind, also when it is left in the middle', async () => {
    for (let index = 0; index < 50; index += 1) {
      mkdirSync(join(root, `d${index}`));
      writeFileSync(join(root, `d${index}/f`), 'x');
    }
    const before = readdirSync('/proc/self/fd').length;
    await take({ writable: [root] });
    const half = (writable.collect(makeContext({ writable: [root] })) as AsyncIterable<Entry>)[Symbol.asyncIterator]();
    for (let step = await half.next(); step.done !== true && step.value.kind !== 'file'; ) step = await half.next();
    await half.return?.();
    assert.equal(readdirSync('/proc/self/fd').length, before + 1); // the entry that was given belongs to its taker
  });

  it('passes a directory renamed while it is taken', async () => {
    mkdirSync(join(root, 'a/b/c'), { recursive: true });
    writeFileSync(join(root, 'a/b/c/f'), 'x');
    const taken = await takeAfter(root, () => {
      renameSync(join(root, 'a'), join(root, 'moved'));
    });
    const entry = entryOf(taken, 'a/b/c/f');
    assert.ok(entry.kind === 'absent' && entry.outcome === 'missing');
  });

  it('takes 100,000 files of one directory', async (t) => {
    const large = freshTree(true);
    try {
      writeMany(large.path, 100_000);
      const context = makeContext({ writable: [large.path] });
      await writableTree(context);
      const started = performance.now();
      const taken = await drain(writable, context);
      t.diagnostic(`100,000 entries opened, read and closed in ${(performance.now() - started).toFixed(0)} ms`);
      assert.equal(taken.filter(({ entry }) => entry.kind === 'file').length, 100_000);
    } finally {
      large.remove();
    }
  });
});
