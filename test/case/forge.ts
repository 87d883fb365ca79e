/**
 * What an attacker who can write everything does to a capture: edits the tar stream and makes all outer digests fit.
 */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { encodeHeader, roundUp } from '../../src/archive/header.ts';
import { decompress } from '../../src/case/tar/decompress.ts';
import { TarReader } from '../../src/case/tar/read-tar.ts';
import type { TarEntry } from '../../src/case/tar/header.ts';
import type { CaptureManifest, CommittedSegment } from '../../src/seal/commit.ts';

export const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

/** An entry as bytes: headers, body, padding. */
export interface Piece {
  readonly path: string;
  readonly bytes: Buffer;
  readonly body: Buffer;
}

/** The pieces of each segment of a joined zstd capture whose segments hold whole entries. */
export async function takeApart(folder: string): Promise<Piece[][]> {
  const { segments } = readManifest(folder);
  const joined = readFileSync(join(folder, 'capture.tar.zst'));
  let at = 0;
  const result: Piece[][] = [];
  for (const { bytes } of segments) {
    result.push(piecesOf(await unzstd(joined.subarray(at, at + bytes))));
    at += bytes;
  }
  return result;
}

export async function unzstd(bytes: Uint8Array): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of decompress(one(bytes), 'zstd')) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}

export function piecesOf(tar: Buffer): Piece[] {
  const entries: TarEntry[] = [];
  new TarReader({ entry: (entry) => entries.push(entry), body: () => undefined, end: () => undefined }).push(tar);
  return entries.map((entry) => {
    const end = entry.bodyOffset + entry.size;
    return {
      path: entry.path,
      bytes: tar.subarray(entry.offset, entry.bodyOffset + roundUp(entry.size)),
      body: tar.subarray(entry.bodyOffset, end),
    };
  });
}

export function piece(path: string, body: Uint8Array | string, mode = 0o444): Piece {
  const bytes = Buffer.from(body);
  const padded = Buffer.alloc(roundUp(bytes.length));
  bytes.copy(padded);
  return {
    path,
    body: bytes,
    bytes: Buffer.concat([
      encodeHeader({ path, type: '0', mode, size: bytes.length, mtimeSeconds: 1_751_275_000 }),
      padded,
    ]),
  };
}

export interface Edits {
  /** Bytes behind the last segment's entries; default is the two zero blocks. */
  readonly tail?: Buffer;
  readonly manifest?: (manifest: CaptureManifest) => unknown;
}

/** Writes the pieces back, and a manifest.json and SHA256SUMS that fit. */
export function putTogether(folder: string, segments: readonly (readonly Piece[])[], edits: Edits = {}): void {
  const tars = segments.map((pieces, index) => {
    const tail = index === segments.length - 1 ? [edits.tail ?? Buffer.alloc(1024)] : [];
    return Buffer.concat([...pieces.map(({ bytes }) => bytes), ...tail]);
  });
  writeSegments(folder, tars, edits, (index) => segments[index]?.findLast(({ path }) => path.startsWith('manifest/')));
}

function writeSegments(
  folder: string,
  tars: readonly Buffer[],
  edits: Edits,
  partOf: (index: number) => Piece | undefined,
): void {
  const old = readManifest(folder);
  const stored = tars.map((tar) => zstdCompressSync(tar));
  let tarOffset = 0;
  const segments: CommittedSegment[] = stored.map((body, index) => {
    const part = partOf(index);
    const segment = {
      ...old.segments[index]!,
      bytes: body.length,
      sha256: sha256(body),
      tarOffset,
      tarBytes: tars[index]!.length,
      chainHead: part === undefined ? null : sha256(part.body),
    };
    tarOffset += segment.tarBytes;
    return segment;
  });
  const joined = Buffer.concat(stored);
  const heads = segments.map(({ chainHead }) => chainHead).filter((head) => head !== null);
  const fitted: CaptureManifest = {
    ...old,
    segments,
    tarball: { sha256: sha256(joined), bytes: joined.length, tarBytes: tarOffset },
    chain: { head: heads.at(-1) ?? null, parts: heads.length },
  };
  writeFileSync(join(folder, 'capture.tar.zst'), joined);
  writeManifest(folder, edits.manifest?.(fitted) ?? fitted);
}

export function readManifest(folder: string): CaptureManifest {
  return JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as CaptureManifest;
}

/** Writes manifest.json, and a SHA256SUMS that fits. */
export function writeManifest(folder: string, manifest: unknown): void {
  const body = `${JSON.stringify(manifest, null, 1)}\n`;
  writeFileSync(join(folder, 'manifest.json'), body);
  const joined = readFileSync(join(folder, 'capture.tar.zst'));
  writeFileSync(join(folder, 'SHA256SUMS'), `${sha256(joined)}  capture.tar.zst\n${sha256(body)}  manifest.json\n`);
}

/** A part with other lines, chained to the part before it. */
export function partWith(part: Piece, change: (lines: string[]) => string[], previous?: string): Piece {
  const [first = '', ...lines] = part.body.toString('utf8').split('\n').slice(0, -1);
  const changed = change(lines);
  const header = {
    ...(JSON.parse(first) as object),
    items: changed.length,
    ...(previous === undefined ? {} : { previous }),
  };
  return piece(part.path, [JSON.stringify(header), ...changed, ''].join('\n'));
}
