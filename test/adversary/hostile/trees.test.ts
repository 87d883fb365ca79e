import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { missing, requirePeer } from '../../peers.ts';
import {
  freshTree,
  listenAt,
  writeDeep,
  writeDevices,
  writeHostileNames,
  writeMany,
  writeSpecials,
  HOSTILE_NAMES,
} from './trees.ts';
import { assertAccounted, assertSound, CANARY, captureWhole, costOf, listTree, PEERS, type Whole } from './whole.ts';

const LIMIT = { timeout: 120_000 };
/** Lambda's. */
const UID = 993;

describe('a whole capture of a hostile tree', () => {
  let root = '';
  let remove = (): void => undefined;
  beforeEach(() => {
    ({ path: root, remove } = freshTree());
  });
  afterEach(() => remove());
  const outcomeOf = (whole: Whole, name: string): string => {
    const item = whole.items.get(`[root]${root}/${name}`);
    return `${item?.kind ?? 'nothing'} ${item?.outcome ?? ''} ${item?.reason ?? ''}`.trim();
  };

  it('keeps every name, whatever its bytes', LIMIT, async (t) => {
    if (!requirePeer(t, ...PEERS)) return;
    writeHostileNames(root);
    const paths = listTree(root);
    const whole = await captureWhole({ writable: [root] });
    t.diagnostic(costOf(whole));
    assertSound(whole, 64);
    assertAccounted(whole, paths);
    for (const [index, name] of HOSTILE_NAMES.entries()) {
      const member = whole.members.find((one) => one.name === `[root]${root}/${name}`);
      assert.equal(member?.size, String(index).length, JSON.stringify(name));
    }
    assert.equal(whole.inventory.size, HOSTILE_NAMES.length + 1);
  });

  it(
    'takes FIFOs, sockets, links, loops, hard links, a sparse 10 GB file and mode 000 for what they are',
    LIMIT,
    async (t) => {
      if (!requirePeer(t, ...PEERS, 'mkfifo')) return;
      const outside = freshTree();
      const close = await listenAt(join(root, 'socket'));
      try {
        writeFileSync(join(outside.path, 'secret'), CANARY);
        writeSpecials(root);
        symlinkSync(outside.path, join(root, 'to-outside'));
        symlinkSync(join(outside.path, 'secret'), join(root, 'to-secret'));
        const paths = listTree(root);
        const whole = await captureWhole({ writable: [root], options: { maxBytes: 64 * 2 ** 20 } });
        t.diagnostic(costOf(whole));
        assertSound(whole, 64);
        assertAccounted(whole, paths);
        for (const path of paths.filter((one) => /\/(?:to-|loop-)[^/]*$/u.test(one)))
          assert.equal(whole.items.get(`[root]${path}`)?.kind, 'link', path);
        assert.equal(outcomeOf(whole, 'fifo'), 'special collected');
        assert.match(outcomeOf(whole, 'socket'), /^special skipped a socket has no tar type/u);
        assert.match(outcomeOf(whole, 'sparse'), /^file truncated the byte budget is spent$/u);
        const names = ['first-name', 'second-name', 'third-name'].map((name) => outcomeOf(whole, name));
        assert.deepEqual(names.map((one) => one.split(' ', 2).join(' ')).sort(), [
          'absent skipped',
          'absent skipped',
          'file collected',
        ]);
        assert.equal(outcomeOf(whole, 'empty'), 'file empty');
      } finally {
        close();
        outside.remove();
      }
    },
  );

  it('opens no device node', LIMIT, async (t) => {
    if (!requirePeer(t, ...PEERS)) return;
    if (!writeDevices(root)) return void missing(t, 'CAP_MKNOD');
    const paths = listTree(root);
    const whole = await captureWhole({ writable: [root] });
    t.diagnostic(costOf(whole));
    assertSound(whole, 64);
    assertAccounted(whole, paths);
    for (const path of paths.filter((one) => one.includes('/device-')))
      assert.equal(whole.items.get(`[root]${path}`)?.kind, 'special', path);
    assert.deepEqual(
      whole.members
        .filter(({ name }) => name.includes('/device-'))
        .map(({ type }) => type)
        .sort(),
      ['3', '3', '3', '3', '4'],
    );
  });

  it('goes 200 directories deep, where each name has 255 bytes', LIMIT, async (t) => {
    if (!requirePeer(t, ...PEERS)) return;
    writeDeep(root, 200, 'd'.repeat(255));
    const paths = listTree(root);
    assert.equal(paths.length, 401);
    const whole = await captureWhole({ writable: [root] });
    t.diagnostic(costOf(whole));
    assertSound(whole, 80);
    assertAccounted(whole, paths);
    assert.equal(
      whole.items.get(`[root]${paths.find((path) => path.endsWith('/at-200')) ?? ''}`)?.outcome,
      'collected',
    );
  });

  it('takes 100,000 entries of one directory, and a payload beside them before', LIMIT, async (t) => {
    if (!requirePeer(t, ...PEERS)) return;
    const large = freshTree(true);
    try {
      mkdirSync(join(large.path, 'flood'));
      writeMany(join(large.path, 'flood'), 100_000);
      writeFileSync(join(large.path, 'payload'), 'payload');
      const whole = await captureWhole({ writable: [large.path] });
      t.diagnostic(costOf(whole));
      assertSound(whole, 112);
      assert.equal(whole.inventory.size, 100_003);
      assert.equal(whole.report.outcomes.empty! >= 100_000, true);
      const order = whole.members.map(({ name }) => name).filter((name) => name.startsWith(`[root]${large.path}`));
      assert.ok(order.indexOf(`[root]${large.path}/payload`) < 40, 'the payload had to wait for the flood');
      assert.ok(whole.holds.turns > 100, `${whole.holds.turns} turns of the event loop`);
    } finally {
      large.remove();
    }
  });

  it('says denied of what another uid has locked, and takes the rest', LIMIT, async (t) => {
    if (!requirePeer(t, ...PEERS, 'setpriv')) return;
    if (process.getuid?.() !== 0) return void missing(t, 'root, to leave files to another uid');
    for (const name of ['no-list', 'no-search', 'nothing']) {
      mkdirSync(join(root, name));
      writeFileSync(join(root, name, 'inner'), 'x');
    }
    for (const name of ['mine', 'locked', 'own-000']) writeFileSync(join(root, name), name);
    for (const name of ['.', 'mine', 'own-000', 'no-list', 'no-search', 'nothing'])
      chownSync(join(root, name), UID, UID);
    for (const [name, mode] of [
      ['locked', 0],
      ['own-000', 0],
      ['no-list', 0o300],
      ['no-search', 0o400],
      ['nothing', 0],
    ] as const)
      chmodSync(join(root, name), mode);
    const whole = await captureWhole({ writable: [root], uid: UID });
    t.diagnostic(costOf(whole));
    assertSound(whole, 64);
    assert.equal(outcomeOf(whole, 'mine'), 'file collected');
    for (const name of ['locked', 'own-000', 'no-search/inner'])
      assert.equal(outcomeOf(whole, name), 'absent denied permission denied (EACCES)', name);
    for (const name of ['no-list', 'nothing'])
      assert.match(outcomeOf(whole, name), /^directory denied it could not be listed \(EACCES\)$/u, name);
    assert.ok(!readFileSync(import.meta.filename, 'utf8').includes(CANARY));
  });
});
