/** No link of a tarball leads out of the folder that it is extracted to, whichever program extracts it. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import fc from 'fast-check';
import { LinkTargets, NOWHERE } from '../../src/archive/link-target.ts';
import type { Entry } from '../../src/contracts/evidence.ts';
import { requirePeer } from '../peers.ts';
import { pack } from './scene.ts';
import { times } from '../effort.ts';

const home = mkdtempSync(join(tmpdir(), 'amber-links-'));
after(() => rmSync(home, { recursive: true, force: true }));

const link = (path: string, target: string): Entry => ({
  kind: 'link',
  path,
  source: `/${path}`,
  method: 'readlink',
  target,
});
const file = (path: string): Entry => ({
  kind: 'bytes',
  path,
  source: `/${path}`,
  method: 'openat',
  body: Buffer.from('evidence'),
  redaction: 'content',
});
const folder = (path: string): Entry => ({ kind: 'directory', path, source: `/${path}`, method: 'lstat' });

/** Every link below `root`, resolved by the kernel as far as it goes, with where it ends. */
function linksOutside(root: string): string[] {
  const outside: string[] = [];
  const inside = realpathSync(root);
  const visit = (at: string): void => {
    for (const one of readdirSync(at, { withFileTypes: true })) {
      const path = join(at, one.name);
      if (one.isDirectory()) visit(path);
      if (!one.isSymbolicLink()) continue;
      let end: string | undefined;
      try {
        end = realpathSync(path);
      } catch {
        end = undefined; // leads nowhere, or in a circle
      }
      if (end !== undefined && end !== inside && !end.startsWith(`${inside}/`))
        outside.push(`${path} -> ${readlinkSync(path)} -> ${end}`);
    }
  };
  visit(root);
  return outside;
}

/**
 * What an attacker and procfs leave: absolute links, links out by `..`, links through links, all that a path can be.
 */
const HOSTILE: readonly (readonly [string, string])[] = [
  ['[root]/proc/17/root', '/'],
  ['[root]/proc/17/cwd', '/tmp'],
  ['[root]/proc/17/exe', '/var/lang/bin/node'],
  ['[root]/proc/17/fd/3', 'socket:[12345]'],
  ['[root]/proc/17/fd/4', '/tmp/x (deleted)'],
  ['[root]/tmp/up', '../../../../../../../../etc'],
  ['[root]/tmp/etc', '/etc'],
  ['[root]/tmp/a', 'b'],
  ['[root]/tmp/b', '/'],
  ['[root]/tmp/through', 'b/../../../../../../etc'],
  ['[root]/tmp/deep/er/link', '../../../../../../../../../../root'],
  ['[root]/tmp/self', 'self'],
  ['[root]/tmp/dot', '.'],
  ['[root]/tmp/dotdot', '..'],
  ['[root]/tmp/deep/near', '../etc'],
  ['[root]/tmp/trick', './/..//..//..//etc/'],
  ['recovered/9/exe', '/bin/sh'],
  ['top', '../../etc'],
];

describe('targets', () => {
  test('absolute ones are meant from [root], relative ones stay what they are where they stay inside', () => {
    const targets = new LinkTargets();
    const stored = Object.fromEntries(HOSTILE.map(([path, target]) => [path, targets.store(path, target)]));
    assert.equal(stored['[root]/proc/17/root'], '../..');
    assert.equal(stored['[root]/proc/17/exe'], '../../var/lang/bin/node');
    assert.equal(stored['[root]/proc/17/fd/3'], 'socket:[12345]');
    assert.equal(stored['[root]/tmp/up'], '../etc');
    assert.equal(stored['recovered/9/exe'], '../../[root]/bin/sh');
    assert.equal(stored['[root]/tmp/a'], 'b');
    assert.equal(targets.store('[root]/tmp/b/child', '../x'), NOWHERE, 'below a link no depth is known');
  });

  test('no text of a target leads above the folder, whatever it is made of', () => {
    const piece = fc.constantFrom('..', '.', '', 'a', 'b', 'tmp', '\xff', '...', ' ', '[root]');
    const path = fc
      .array(fc.constantFrom('a', 'b', 'tmp', '\xff'), { minLength: 1, maxLength: 5 })
      .map((parts) => ['[root]', ...parts].join('/'));
    const target = fc
      .tuple(fc.boolean(), fc.array(piece, { minLength: 1, maxLength: 9 }))
      .map(([absolute, parts]) => `${absolute ? '/' : ''}${parts.join('/')}`);
    fc.assert(
      fc.property(path, target, (where, to) => {
        const stored = new LinkTargets().store(where, to);
        assert.ok(!stored.startsWith('/'));
        let depth = where.split('/').length - 2;
        for (const part of stored.split('/')) {
          if (part === '..') depth -= 1;
          else if (part !== '' && part !== '.') depth += 1;
          assert.ok(depth >= 0, `${where} -> ${to} is stored as ${stored}`);
        }
      }),
      { numRuns: times(3000) },
    );
  });
});

const PYTHON =
  'import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2], **({"filter": "fully_trusted"} if hasattr(tarfile, "fully_trusted_filter") else {}))';
const EXTRACTORS: readonly (readonly [string, readonly string[], (tar: string, to: string) => void])[] = [
  ['GNU tar', ['tar'], (tar, to) => void execFileSync('tar', ['-xf', tar, '-C', to, '--delay-directory-restore'])],
  ['bsdtar', ['bsdtar'], (tar, to) => void execFileSync('bsdtar', ['-xf', tar, '-C', to])],
  ["Python's tarfile", ['python3'], (tar, to) => void execFileSync('python3', ['-c', PYTHON, tar, to])],
  // It refuses some links by itself and exits 2 then; what it made is what counts.
  ['7z', ['7z'], (tar, to) => void spawnSync('7z', ['x', '-snl', '-y', `-o${to}`, tar], { stdio: 'ignore' })],
];

describe('extracted', () => {
  for (const [name, programs, extract] of EXTRACTORS) {
    test(`by ${name}, no link leads out, and a search that follows links stays inside`, async (t) => {
      if (!requirePeer(t, ...programs, 'find')) return;
      const folders = [...new Set(HOSTILE.map(([path]) => dirname(path)))].filter((path) => path !== '.').map(folder);
      const packed = await pack(
        [
          ...folders,
          ...HOSTILE.map(([path, target]) => link(path, target)),
          file('[root]/tmp/payload'),
          file('[root]/etc/os-release'),
        ],
        { compression: 'none' },
      );
      const at = mkdtempSync(join(home, 'case-'));
      writeFileSync(join(at, 'a.tar'), packed.joined);
      const to = join(at, 'deep/er/to');
      mkdirSync(to, { recursive: true });
      extract(join(at, 'a.tar'), to);
      assert.deepEqual(linksOutside(to), []);
      assert.ok(readdirSync(join(to, '[root]/tmp')).includes('payload'));
      // It exits 1 where links go in a circle.
      const { stdout: found } = spawnSync('find', ['-L', to, '-type', 'f', '-exec', 'readlink', '-f', '{}', ';'], {
        encoding: 'utf8',
      });
      assert.match(found, /payload/u);
      const inside = realpathSync(to);
      for (const path of found.split('\n').filter((one) => one !== '')) assert.ok(path.startsWith(`${inside}/`), path);
    });
  }

  test('the manifest has the true target, and what stands in its place', async () => {
    const { items } = await pack(HOSTILE.map(([path, target]) => link(path, target)));
    const root = items.find((item) => item.path === '[root]/proc/17/root');
    assert.deepEqual([root?.target, root?.storedTarget], ['/', '../..']);
    assert.equal(items.find((item) => item.path === '[root]/tmp/a')?.storedTarget, undefined);
  });
});

test('a directory that comes twice is stored once, and its second line says so', async () => {
  const { items } = await pack([folder('[root]/tmp'), file('[root]/tmp/a'), folder('[root]/tmp')]);
  assert.deepEqual(
    items.map(({ kind, outcome }) => [kind, outcome]),
    [
      ['directory', 'collected'],
      ['bytes', 'collected'],
      ['absent', 'skipped'],
    ],
  );
});
