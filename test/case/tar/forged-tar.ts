/** Tar streams made by hand, in chunks of any size. */
import { encodeHeader, roundUp, type HeaderFields } from '../../../src/archive/header.ts';
import type { TarVisitor } from '../../../src/case/tar/read-tar.ts';

export type Read = (
  chunks: AsyncIterable<Buffer>,
  visitor: TarVisitor,
) => Promise<{ readonly ended: boolean; readonly strictFrom?: number }>;

export async function* inChunks(tar: Buffer, sizes: readonly number[], broken?: Error): AsyncGenerator<Buffer> {
  for (let at = 0, turn = 0; at < tar.length; turn += 1) {
    const size = sizes[turn % sizes.length]!;
    yield tar.subarray(at, at + size);
    at += size;
  }
  await Promise.resolve();
  if (broken !== undefined) throw broken;
}

export function entry(path: string, body: Buffer | string = '', over: Partial<HeaderFields> = {}): Buffer {
  const bytes = Buffer.from(body);
  const padded = Buffer.alloc(roundUp(bytes.length));
  bytes.copy(padded);
  return Buffer.concat([
    encodeHeader({ path, type: '0', mode: 0o644, size: bytes.length, mtimeSeconds: 1, ...over }),
    padded,
  ]);
}

export const END: Buffer = Buffer.alloc(1024);
