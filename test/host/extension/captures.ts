/** What a sandbox has stored in its evidence folder, read back with tar-stream. */
import { readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { extract } from 'tar-stream';
import { decompress } from '../../../src/case/tar/decompress.ts';
import { filesBelow } from './sandbox.ts';

export interface Stored {
  readonly id: string;
  readonly folder: string;
  /** manifest.json; undefined: the capture was cut. */
  readonly manifest: { readonly cause: { readonly trigger: string; readonly reason: string } } | undefined;
  /** Bodies by path in the tarball. */
  readonly entries: ReadonlyMap<string, Buffer>;
}

/** Captures by their id, so in the order of their start. */
export async function storedCaptures(evidence: string): Promise<Stored[]> {
  const files = filesBelow(evidence);
  const folders = [...new Set(files.map(dirname))].filter((folder) => basename(folder).startsWith('capture=')).sort();
  return Promise.all(
    folders.map(async (folder) => {
      const tarball = files.find((file) => dirname(file) === folder && /^capture.*\.tar\.zst$/u.test(basename(file)));
      const manifest = files.find((file) => file === `${folder}/manifest.json`);
      return {
        id: basename(folder).slice('capture='.length),
        folder,
        manifest:
          manifest === undefined ? undefined : (JSON.parse(readFileSync(manifest, 'utf8')) as Stored['manifest']),
        entries:
          tarball === undefined ? new Map<string, Buffer>() : await entriesOf(await unzstd(readFileSync(tarball))),
      };
    }),
  );
}

async function unzstd(bytes: Buffer): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of decompress(
    (async function* once() {
      yield await Promise.resolve(bytes);
    })(),
    'zstd',
  ))
    pieces.push(piece);
  return Buffer.concat(pieces);
}

async function entriesOf(tar: Buffer): Promise<Map<string, Buffer>> {
  const entries = new Map<string, Buffer>();
  const unpack = extract();
  const done = new Promise<void>((resolve, reject) => {
    unpack.on('entry', ({ name }, body, next) => {
      const chunks: Buffer[] = [];
      body.on('data', (chunk) => chunks.push(chunk as Buffer));
      body.on('end', () => {
        entries.set(name, Buffer.concat(chunks));
        next();
      });
    });
    unpack.on('finish', resolve);
    unpack.on('error', reject);
  });
  unpack.end(tar);
  await done;
  return entries;
}

export function jsonOf(stored: Stored, path: string): unknown {
  return JSON.parse(stored.entries.get(path)?.toString('utf8') ?? 'null');
}
