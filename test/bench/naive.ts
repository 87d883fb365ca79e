/**
 * A program of the benchmark: a tree as most code would pack it, by tar-stream with a stream for each file. node
 * naive.mjs DIR
 */
import { createReadStream, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { pack as tarPack, type Pack } from 'tar-stream';

async function fill(pack: Pack, directory: string): Promise<void> {
  for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    const path = join(directory, name);
    const { size, mode, mtime } = statSync(path);
    if (!statSync(path).isFile()) continue;
    const entry = pack.entry({ name, size, mode, mtime });
    await pipeline(createReadStream(path), entry);
  }
  pack.finalize();
}

const pack = tarPack();
const sink = new Writable({ write: (_chunk, _encoding, done) => done() });
await Promise.all([fill(pack, process.argv[2] ?? ''), pipeline(pack, sink)]);
