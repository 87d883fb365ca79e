/** A capture of awkward names, and its members as Amber, GNU tar, bsdtar and Python see them. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
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
import { after, before } from 'node:test';
import type { Entry, Tier } from '../../../src/contracts/evidence.ts';
import { TarReader } from '../../../src/case/tar/read-tar.ts';
import { bytesEntry, freshFolder, makeCapture, noise, type MadeCapture } from '../captures.ts';
import { unzstd } from '../forge.ts';

export const NAMES: readonly string[] = [
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
export let made: MadeCapture;

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
export function ours(tar: Buffer): Member[] {
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

export function python(tar: Buffer): Member[] {
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

export function extracted(
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

export async function tarOf(index: number | 'all'): Promise<Buffer> {
  const segments = index === 'all' ? made.segments : [made.segments[index]!];
  return unzstd(Buffer.concat(segments.flatMap(({ body }) => body)));
}
