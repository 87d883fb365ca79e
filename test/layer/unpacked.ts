/** The layers as Lambda has them: built, zipped, and unpacked again below a folder that stands for /opt. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { inflateRawSync } from 'node:zlib';
import type { BuiltLayer, LayerPart } from '../../layer/contracts.ts';
import { buildLayers, LAYERS } from '../../layer/layers.ts';
import { madeOnce } from '../made-once.ts';

export interface Unpacked {
  /** Holds the zip and `opt`; to be removed. */
  readonly home: string;
  readonly opt: string;
  readonly built: BuiltLayer;
}

/** The layer of this name in a folder of the caller, unpacked. That of Node is built once for all test files. */
export async function unpackedLayer(name: string): Promise<Unpacked> {
  const home = mkdtempSync(join(tmpdir(), 'amber-layer-'));
  // The others carry a Node of 100 MB, and one file asks for them.
  const built = name === 'node' ? await copied(name, home) : await buildAndUnpack(name, home);
  return { home, opt: join(home, 'opt'), built };
}

async function copied(name: string, home: string): Promise<BuiltLayer> {
  const { folder, told } = await madeOnce(`layer-${name}`, (folder) => buildAndUnpack(name, folder));
  cpSync(folder, home, { recursive: true });
  return { ...told, file: join(home, basename(told.file)), materials: join(home, basename(told.materials)) };
}

async function buildAndUnpack(name: string, home: string): Promise<BuiltLayer> {
  const [built] = await buildLayers(
    home,
    LAYERS.filter((layer) => layer.name === name),
  );
  assert.ok(built !== undefined, `there is no layer ${name}`);
  assert.deepEqual(built.problems, []);
  unzip(readFileSync(built.file), join(home, 'opt'));
  return built;
}

/** The files of one part, in a folder of their own that stands for /opt; to be removed. */
export async function unpackedPart(part: LayerPart): Promise<string> {
  const opt = mkdtempSync(join(tmpdir(), 'amber-part-'));
  for (const { path, bytes, executable } of await part.files()) {
    mkdirSync(dirname(join(opt, path)), { recursive: true });
    writeFileSync(join(opt, path), bytes, { mode: executable === true ? 0o755 : 0o644 });
  }
  return opt;
}

export interface ZipEntry {
  readonly path: string;
  readonly mode: number;
  readonly dosTime: number;
  readonly extraBytes: number;
  readonly bytes: Buffer;
}

/** The entries by the central directory (APPNOTE.TXT 4.3.12), deflated or stored. */
export function entries(zip: Buffer): readonly ZipEntry[] {
  const end = zip.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
  let at = zip.readUInt32LE(end + 16);
  return Array.from({ length: zip.readUInt16LE(end + 10) }, () => {
    assert.equal(zip.readUInt32LE(at), 0x02014b50);
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((offset) => zip.readUInt16LE(at + offset)) as [
      number,
      number,
      number,
    ];
    const local = zip.readUInt32LE(at + 42);
    const from = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
    const stored = zip.subarray(from, from + zip.readUInt32LE(at + 20));
    const entry: ZipEntry = {
      path: zip.toString('utf8', at + 46, at + 46 + nameBytes),
      mode: zip.readUInt32LE(at + 38) >>> 16,
      dosTime: zip.readUInt32LE(at + 12),
      extraBytes,
      bytes: zip.readUInt16LE(at + 10) === 8 ? inflateRawSync(stored) : stored,
    };
    at += 46 + nameBytes + extraBytes + commentBytes;
    return entry;
  });
}

function unzip(zip: Buffer, folder: string): void {
  for (const { path, mode, bytes } of entries(zip)) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, bytes, { mode: mode & 0o777 });
  }
}
