/** What others make of our tarballs: GNU tar, bsdtar (libarchive), Python's tarfile, sha256sum. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  chmodSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { encodeHeader } from '../../../src/archive/header.ts';
import type { Entry, Tier } from '../../../src/contracts/evidence.ts';
import { TarReader } from '../../../src/case/tar/read-tar.ts';
import { requirePeer } from '../../peers.ts';
import { bytesEntry, freshFolder, makeCapture, noise, type MadeCapture } from '../captures.ts';
import { unzstd } from '../forge.ts';

const NAMES = [
  'plain',
  'new\nline',
  'tab\tand\u001b[31mescape',
  'caf\xc3\xa9',
  'not-utf8-\xff\xfe\x80',
  'back\\slash',
  'pipe|quote"\'',
  ' leading',
  'trailing ',
  '-rf',
  '*?[',
  '%41',
  'a=b',
  'n'.repeat(255),
  '\xe9'.repeat(255),
  `${'deep/'.repeat(60)}bottom`,
  `${'\xff'.repeat(90)}/${'x'.repeat(120)}/y`,
  '99 path=injected\n',
  '.hidden',
  '...',
];

const source = freshFolder();
let made: MadeCapture;

/** Byte paths as `fs` takes them. */
const at = (path: string): Buffer => Buffer.concat([Buffer.from(`${source}/`), Buffer.from(path, 'latin1')]);

function fileEntry(path: string): Entry {
  const fd = openSync(at(path), 'r');
  return {
    kind: 'file',
    path: `[root]/tmp/${path}`,
    source: `/tmp/${path}`,
    method: 'openat',
    fd,
    stat: fstatSync(fd, { bigint: true }),
  };
}

before(async () => {
  const entries: (Entry | Tier)[] = ['files'];
  for (const [index, name] of NAMES.entries()) {
    mkdirSync(at(name.includes('/') ? name.slice(0, name.lastIndexOf('/')) : ''), { recursive: true });
    writeFileSync(at(name), noise(index * 3001, index));
    chmodSync(at(name), [0o644, 0o4751, 0o2755, 0o1777, 0o400, 0o000][index % 6]!);
    execFileSync('touch', [
      '-h',
      '-d',
      `@${1_000_000_000 + index}.${String(123_456_789 + index)}`,
      '--',
      `${source}/plain`,
    ]);
    utimesSync(at(name), 1, 1_000_000_000 + index + 0.25);
    entries.push(fileEntry(name));
  }
  execFileSync('touch', ['-d', '2001-02-03 04:05:06.123456789 UTC', join(source, 'plain')]);
  entries.push({ ...fileEntry('plain'), path: '[root]/tmp/nanoseconds' });
  for (const [name, target] of [
    ['link', '/var/lang/bin/node'],
    ['link-not-utf8', '\xff\xfe'],
    ['link-long', 'z'.repeat(300)],
    ['link-newline', 'a\nb'],
  ] as const) {
    symlinkSync(Buffer.from(target, 'latin1'), at(name));
    entries.push({
      kind: 'link',
      path: `[root]/tmp/${name}`,
      source: `/tmp/${name}`,
      method: 'readlink',
      target,
      stat: lstatSync(at(name), { bigint: true }),
    });
  }
  execFileSync('mkfifo', [join(source, 'fifo')]);
  entries.push({
    kind: 'special',
    path: '[root]/tmp/fifo',
    source: '/tmp/fifo',
    method: 'lstat',
    stat: lstatSync(at('fifo'), { bigint: true }),
  });
  entries.push(
    { kind: 'directory', path: '[root]/tmp/folder', source: '/tmp/folder', method: 'openat' },
    'code',
    bytesEntry('live_response/large', noise(700_000, 3)),
    bytesEntry('last', 'end'),
  );
  made = await makeCapture({ entries, apart: true });
});

after(() => rmSync(source, { recursive: true, force: true }));

interface Member {
  readonly path: string;
  readonly type: string;
  readonly mode: number;
  readonly size: number;
  /** Decimal seconds with nine places. */
  readonly mtime: string;
  readonly target: string;
  readonly sha256: string;
}

/** Our own reading of a tar stream, up to where it breaks off. */
function ours(tar: Buffer): Member[] {
  const members: Member[] = [];
  let hash = createHash('sha256');
  let open: Omit<Member, 'sha256'> | undefined;
  const reader = new TarReader({
    entry: ({ path, type, mode, size, mtime, target }) => {
      hash = createHash('sha256');
      open = {
        path: path.replace(/\/$/u, ''),
        type,
        mode,
        size,
        target,
        mtime: mtime.includes('.') ? mtime : `${mtime}.000000000`,
      };
    },
    body: (piece) => void hash.update(piece),
    end: () => void members.push({ ...open!, sha256: hash.digest('hex') }),
  });
  reader.push(tar);
  return members;
}

/** What an unpacked folder holds, in the same form. */
function unpacked(folder: string, members: readonly Member[]): Member[] {
  return members.map((member) => {
    const path = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(member.path, 'latin1')]);
    const stat = lstatSync(path, { bigint: true });
    const type = stat.isFile()
      ? '0'
      : stat.isSymbolicLink()
        ? '2'
        : stat.isDirectory()
          ? '5'
          : stat.isFIFO()
            ? '6'
            : '?';
    if (type === '0') chmodSync(path, 0o600);
    return {
      path: member.path,
      type,
      mode: type === '2' ? member.mode : Number(stat.mode) & 0o7777,
      size: type === '0' ? Number(stat.size) : 0,
      mtime:
        type === '5'
          ? member.mtime
          : `${stat.mtimeNs / 1_000_000_000n}.${String(stat.mtimeNs % 1_000_000_000n).padStart(9, '0')}`,
      target: type === '2' ? readlinkSync(path, { encoding: 'latin1' }) : '',
      sha256: createHash('sha256')
        .update(type === '0' ? readFileSync(path) : '')
        .digest('hex'),
    };
  });
}

/** Every name below a folder: nothing more may be there than was listed. */
function count(folder: Buffer): number {
  let files = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true, encoding: 'buffer' })) {
    files += entry.isDirectory() ? count(Buffer.concat([folder, Buffer.from('/'), entry.name])) : 1;
  }
  return files;
}

const PYTHON = `
import sys, tarfile, hashlib, json, os
out = []
with tarfile.open(fileobj=sys.stdin.buffer, mode='r|') as tar:
    for m in tar:
        body = tar.extractfile(m).read() if m.isreg() else b''
        mtime = m.pax_headers.get('mtime', '%d.000000000' % m.mtime)
        out.append(dict(path=os.fsencode(m.name).decode('latin1'), type=m.type.decode(), mode=m.mode, size=m.size, mtime=mtime,
                        target=os.fsencode(m.linkname).decode('latin1'), sha256=hashlib.sha256(body).hexdigest()))
json.dump(out, sys.stdout)
`;

function python(tar: Buffer): Member[] {
  return JSON.parse(
    execFileSync('python3', ['-c', PYTHON], {
      input: tar,
      maxBuffer: 1 << 28,
      env: { ...process.env, LC_ALL: 'C.UTF-8' },
    }).toString(),
  ) as Member[];
}

const EXTRACTORS = {
  tar: ['tar', '-xpf', '-', '--no-same-owner', '--warning=no-unknown-keyword'],
  bsdtar: ['bsdtar', '-xpf', '-', '--no-same-owner'],
} as const;

function extracted(
  peer: keyof typeof EXTRACTORS,
  tar: Buffer,
  members: readonly Member[],
): { members: Member[]; files: number } {
  const folder = freshFolder();
  const [program, ...args] = EXTRACTORS[peer];
  const { status, stderr } = spawnSync(program, args, {
    input: tar,
    cwd: folder,
    maxBuffer: 1 << 28,
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
  });
  assert.equal(status, 0, stderr.toString());
  const files = count(Buffer.from(folder));
  return { members: unpacked(folder, members), files };
}

async function tarOf(index: number | 'all'): Promise<Buffer> {
  const segments = index === 'all' ? made.segments : [made.segments[index]!];
  return unzstd(Buffer.concat(segments.flatMap(({ body }) => body)));
}

describe('a tarball in the hands of others', () => {
  for (const peer of ['tar', 'bsdtar'] as const) {
    test(`the joined one unpacked by ${peer}: names, contents, modes, nanoseconds, links`, async (t) => {
      if (!requirePeer(t, peer)) return;
      const tar = await tarOf('all');
      const expected = ours(tar);
      assert.equal(
        expected.length,
        NAMES.length + 9 + made.segments.filter(({ chainHead }) => chainHead !== undefined).length,
      );
      const { members, files } = extracted(peer, tar, expected);
      assert.deepEqual(members, expected);
      assert.equal(files, expected.filter(({ type }) => type !== '5').length);
    });
  }

  test('the joined one read by Python', async (t) => {
    if (!requirePeer(t, 'python3')) return;
    const tar = await tarOf('all');
    assert.deepEqual(python(tar), ours(tar));
  });

  test('every segment that begins with an entry opens alone', async (t) => {
    if (!requirePeer(t, 'tar', 'bsdtar', 'python3')) return;
    const alone = made.segments.filter(({ continues, chainHead }) => !continues && chainHead !== undefined);
    assert.ok(alone.length >= 2 && made.segments.length > alone.length);
    for (const { number } of alone) {
      const tar = await tarOf(number);
      const expected = ours(tar);
      assert.deepEqual(python(tar), expected);
      for (const peer of ['tar', 'bsdtar'] as const)
        assert.deepEqual(extracted(peer, tar, expected).members, expected, `${peer}, segment ${number}`);
    }
  });

  test('a segment that ends inside of a body is listed by all up to there', async (t) => {
    if (!requirePeer(t, 'tar', 'bsdtar')) return;
    const open = made.segments.find(({ continues, chainHead }) => !continues && chainHead === undefined);
    assert.ok(open !== undefined);
    const tar = await tarOf(open.number);
    for (const program of ['tar', 'bsdtar']) {
      const { stdout, status } = spawnSync(program, ['-tf', '-'], { input: tar, encoding: 'utf8' });
      assert.match(stdout, /^live_response\/large$/mu, program);
      assert.notEqual(status, 0, program);
    }
  });

  test('sizes beyond octal are understood', (t) => {
    if (!requirePeer(t, 'tar', 'bsdtar', 'python3')) return;
    const size = 9 * 1024 ** 3 + 5;
    const stat = {
      mtimeNs: 0n,
      atimeNs: 0n,
      ctimeNs: 0n,
      uid: 3_000_000_000n,
      gid: 3_000_000_001n,
      rdev: 0n,
      mode: 0o100600n,
    };
    const header = encodeHeader({ path: 'huge', type: '0', mode: 0o600, size, mtimeSeconds: 0, stat: stat as never });
    for (const program of ['tar', 'bsdtar']) {
      const { stdout } = spawnSync(program, ['-tvf', '-', '--numeric-owner'], { input: header, encoding: 'utf8' });
      assert.match(stdout, new RegExp(`3000000000[ /]+3000000001 +${size} `, 'u'), program);
    }
    const script =
      'import sys, tarfile; m = tarfile.open(fileobj=sys.stdin.buffer, mode="r|").next(); print(m.size, m.uid, m.gid)';
    assert.equal(
      execFileSync('python3', ['-c', script], { input: header }).toString().trim(),
      `${size} 3000000000 3000000001`,
    );
  });

  for (const compression of ['zstd', 'gzip', 'none'] as const) {
    test(`joined with cat, ${compression}, it unpacks as one; sha256sum agrees`, async (t) => {
      if (!requirePeer(t, 'tar', 'bsdtar', 'zstd', 'sha256sum')) return;
      const { folder } = await makeCapture({ compression });
      execFileSync('sha256sum', ['-c', '--strict', '--quiet', 'SHA256SUMS'], { cwd: folder });
      const name = readdirSync(folder).find((file) => file.startsWith('capture.tar'))!;
      const lists = ['tar', 'bsdtar'].map((program) =>
        execFileSync(program, ['-tf', name], { cwd: folder, encoding: 'utf8', maxBuffer: 1 << 26 }),
      );
      assert.equal(lists[0], lists[1]);
      assert.ok(lists[0]!.split('\n').length > 30);
    });
  }

  test('age files are opened by age', async (t) => {
    if (!requirePeer(t, 'age', 'age-keygen', 'tar', 'zstd')) return;
    const key = join(freshFolder(), 'key.txt');
    execFileSync('age-keygen', ['-o', key], { stdio: 'ignore' });
    const recipient = execFileSync('age-keygen', ['-y', key], { encoding: 'utf8' }).trim();
    const sealed = await makeCapture({ recipient });
    const list = execFileSync(
      'sh',
      ['-c', 'for f in capture-*.age; do age -d -i "$0" "$f"; done | tar --zstd -tf -', key],
      { cwd: sealed.folder, encoding: 'utf8' },
    );
    assert.match(list, /^capture\.json$/mu);
    closeSync(openSync(key, 'r'));
  });
});
