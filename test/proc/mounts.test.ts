/** Which mount a path lies in, by the listing alone: mountinfo as an attacker may have made it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { groundOf, MountTable, parseMounts, unescapeMount } from '../../src/proc/mounts.ts';

interface Line {
  readonly id: number;
  readonly parent: number;
  readonly point: string;
  readonly type?: string;
  readonly device?: string;
  /** Folder of the file system that is mounted: a bind mount has another one than `/`. */
  readonly root?: string;
  readonly optional?: string;
}

const lineOf = ({
  id,
  parent,
  point,
  type = 'ext4',
  device = '8:1',
  root = '/',
  optional = 'shared:1 ',
}: Line): string => `${id} ${parent} ${device} ${root} ${point} rw,relatime ${optional}- ${type} source rw\n`;
const tableOf = (...lines: readonly Line[]): MountTable =>
  new MountTable({ body: Buffer.from(lines.map(lineOf).join(''), 'latin1'), truncated: false });
const ROOT: Line = { id: 1, parent: 0, point: '/' };

describe('the mount of a path', () => {
  it('is the longest mount point by whole components', () => {
    const table = tableOf(
      ROOT,
      { id: 2, parent: 1, point: '/tmp', type: 'tmpfs' },
      { id: 3, parent: 2, point: '/tmp/a', type: 'fuse' },
    );
    for (const [path, id] of [
      ['/', 1],
      ['/tmp', 2],
      ['/tmp/x', 2],
      ['/tmp2', 1],
      ['/tmp2/a', 1],
      ['/tmp/a', 3],
      ['/tmp/a/b/c', 3],
      ['/tmp/ab', 2],
      ['/tm', 1],
      ['/var/tmp/a', 1],
    ] as const) {
      assert.equal(table.at(path)?.id, id, path);
    }
  });

  it('is the root where nothing else is mounted', () => {
    for (const path of ['/', '/a', '/a/b']) assert.equal(tableOf(ROOT).at(path)?.id, 1);
  });

  it('is the topmost of those that lie on one point, in whatever order they are listed', () => {
    const lines: Line[] = [
      ROOT,
      { id: 9, parent: 1, point: '/tmp' },
      { id: 4, parent: 9, point: '/tmp', type: 'fuse' },
      { id: 6, parent: 4, point: '/tmp', type: 'tmpfs' },
    ];
    for (const table of [tableOf(...lines), tableOf(...lines.toReversed())]) {
      assert.equal(table.at('/tmp/x')?.id, 6);
      assert.deepEqual([...table.reachable()].map(({ id }) => id).sort(), [1, 6]);
    }
  });

  it('does not lie below a mount that another one hides', () => {
    const table = tableOf(
      ROOT,
      { id: 2, parent: 1, point: '/mnt' },
      { id: 3, parent: 2, point: '/mnt/deep', type: 'fuse' },
      { id: 4, parent: 2, point: '/mnt', type: 'tmpfs' },
    );
    assert.equal(table.at('/mnt/deep/x')?.id, 4);
    assert.equal(
      [...table.reachable()].some(({ id }) => id === 3),
      false,
    );
  });

  it('is that of a bind mount, whose device is the one of another point', () => {
    const table = tableOf(
      ROOT,
      { id: 2, parent: 1, point: '/tmp', device: '0:40', type: 'tmpfs' },
      { id: 3, parent: 1, point: '/opt/x', device: '0:40', type: 'tmpfs', root: '/sub' },
    );
    assert.deepEqual(
      [table.at('/opt/x/y')?.id, table.at('/opt/x/y')?.device, table.at('/opt')?.device],
      [3, '0:40', '8:1'],
    );
  });

  it('is not known for an id that is not listed, nor of an empty listing', () => {
    assert.equal(tableOf(ROOT).byId.get(77), undefined);
    assert.equal(new MountTable(undefined).at('/tmp'), undefined);
    assert.equal(new MountTable({ body: Buffer.alloc(0), truncated: false }).at('/'), undefined);
  });

  it('is found below a changed root, whose own mount is not listed', () => {
    const table = tableOf({ id: 12, parent: 5, point: '/proc', type: 'proc' });
    assert.deepEqual([table.at('/proc/1')?.id, table.at('/etc')], [12, undefined]);
  });

  it("does not go round in mounts that are each other's parent", () => {
    assert.equal(tableOf({ id: 1, parent: 2, point: '/' }, { id: 2, parent: 1, point: '/' }).at('/a'), undefined);
    assert.equal(tableOf({ id: 1, parent: 1, point: '/' }, ROOT).at('/a')?.id, 1);
  });
});

describe('a line of mountinfo', () => {
  it('has blank, tab, newline, backslash and hash as three octal digits', () => {
    assert.equal(unescapeMount(String.raw`/a\040b\011c\012d\134e\043`), '/a b\tc\nd\\e#');
    assert.equal(unescapeMount(String.raw`/a\134040b`), String.raw`/a\040b`, 'what comes out is not read again');
    assert.equal(unescapeMount(String.raw`/a\9\04`), String.raw`/a\9\04`);
    const table = tableOf(ROOT, { id: 2, parent: 1, point: String.raw`/t\040m\012p`, type: String.raw`fuse.x\040y` });
    assert.deepEqual([table.at('/t m\np/f')?.id, table.at('/t m\np/f')?.type, table.at('/t')?.id], [2, 'fuse.x y', 1]);
  });

  it('has any number of optional fields, and a point that is called like the separator', () => {
    for (const optional of ['', 'shared:1 ', 'shared:1 master:2 propagate_from:3 unbindable ']) {
      assert.equal(tableOf({ ...ROOT, optional }).at('/')?.type, 'ext4', optional);
    }
    assert.equal(tableOf(ROOT, { id: 2, parent: 1, point: '/-', root: '/-', type: 'fuse' }).at('/-/x')?.type, 'fuse');
  });

  it('counts only if it is whole: the last one of a listing that was cut is left out', () => {
    const body = Buffer.from(lineOf(ROOT) + lineOf({ id: 2, parent: 1, point: '/tmp', type: 'fuse' }));
    for (let end = lineOf(ROOT).length; end < body.length; end += 1) {
      const table = new MountTable({ body: body.subarray(0, end), truncated: true });
      assert.deepEqual([[...table.byId.keys()], table.isWhole], [[1], false]);
    }
    assert.deepEqual([...parseMounts(Buffer.from('x y z\n\n - ext4\n1 2\n'))], []);
  });

  it('is one of 50,000', () => {
    const lines = Array.from(
      { length: 50_000 },
      (_, at): Line => ({ id: at + 2, parent: 1, point: `/m/${at}`, type: 'fuse' }),
    );
    const table = tableOf(ROOT, ...lines);
    assert.deepEqual([table.byId.size, table.at('/m/49999/x')?.id, table.at('/m/50000')?.id], [50_001, 50_001, 1]);
  });
});

describe('a type', () => {
  it('tells who answers: the kernel, somebody, or what is below it', () => {
    const seen = [
      'tmpfs',
      'proc',
      'ext4',
      'overlay',
      'fuse',
      'fuseblk',
      'fuse.sshfs',
      'nfs4',
      '9p',
      'virtiofs',
      'cifs',
      'autofs',
      '',
    ].map((type) => [type, groundOf(type, { isOurs: true }), groundOf(type, { isOurs: false })].join(' '));
    assert.deepEqual(seen, [
      'tmpfs local local',
      'proc local local',
      'ext4 local doubtful',
      'overlay local doubtful',
      'fuse served served',
      'fuseblk served served',
      'fuse.sshfs served served',
      'nfs4 served served',
      '9p served served',
      'virtiofs served served',
      'cifs served served',
      'autofs served served',
      ' served served',
    ]);
  });
});
