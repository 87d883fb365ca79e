/** Files in a folder of their own, as entries to pack, and what GNU tar and zstd make of the result. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { fstatSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import type { FileEntry } from '../../src/contracts/evidence.ts';

export const folder: string = mkdtempSync(join(tmpdir(), 'amber-archive-'));
after(() => {
  rmSync(folder, { recursive: true, force: true });
});

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

export function fileEntry(name: string, over: Partial<FileEntry> = {}): FileEntry {
  const source = join(folder, name);
  const fd = openSync(source, 'r+');
  return {
    kind: 'file',
    path: `[root]/tmp/${name}`,
    source,
    method: 'openat',
    fd,
    stat: fstatSync(fd, { bigint: true }),
    ...over,
  };
}

export function write(name: string, body: Uint8Array | string): string {
  writeFileSync(join(folder, name), body);
  return name;
}

/** GNU tar unpacks the joined tarball; gives the bytes of one member. */
export function untar(joined: Buffer, member: string): Buffer {
  return execFileSync('tar', ['--zstd', '-xO', '-f', '-', member], { input: joined, maxBuffer: 1 << 30 });
}

/** Node's own decoder stops after the first frame of several. */
export function unzstd(bytes: Buffer): Buffer {
  return execFileSync('zstd', ['-dc'], { input: bytes, maxBuffer: 1 << 30 });
}
