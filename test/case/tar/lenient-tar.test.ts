/** Work that a damaged part may ask for. */
import assert from 'node:assert/strict';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { openLocal } from '../../../src/case/store/open.ts';
import { salvage } from '../../../src/case/salvage/salvage.ts';
import { freshFolder, noise } from '../captures.ts';

describe('salvage of a damaged part', () => {
  test('reads a damaged part a few times over and not once for every frame that is nested in it, and says so', async () => {
    const folder = freshFolder();
    const path = join(folder, 'capture-0000.tar.zst');
    const block = (size: number): Buffer => {
      const head = Buffer.alloc(3);
      head.writeUIntLE(size << 3, 0, 3);
      return head;
    };
    const begin = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0x38]);
    // Frames in the body of a block, of which each has a block that ends where the outer one does.
    const nested = Buffer.alloc(131_072);
    for (let at = 0; at + 9 < nested.length; at += 9)
      Buffer.concat([begin, block(nested.length - at - 9)]).copy(nested, at);
    const more = Buffer.concat([block(131_072), noise(131_072, 1)]);
    writeFileSync(
      path,
      Buffer.concat([
        begin,
        block(nested.length),
        nested,
        ...Array.from({ length: 60 }, () => more),
        Buffer.from([0xff, 0xff, 0xff]),
      ]),
    );
    const capture = await openLocal(folder);
    let bytes = 0;
    async function* read(...args: Parameters<typeof capture.store.read>): AsyncGenerator<Uint8Array> {
      for await (const chunk of capture.store.read(...args)) {
        bytes += chunk.length;
        yield chunk;
      }
    }
    const result = await salvage({ ...capture, store: { ...capture.store, read } }, { onRecord: () => undefined });
    const stored = statSync(path).size;
    assert.ok(bytes < 10 * stored, `${bytes} bytes were read of ${stored}`);
    assert.match(
      result.holes.map(({ reason }) => reason).join('\n'),
      /It is damaged in \d+ places; what comes behind byte \d+ of capture-0000\.tar\.zst is not looked through any further\./u,
    );
  });
});
