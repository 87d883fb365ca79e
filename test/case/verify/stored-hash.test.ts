import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashStored } from '../../../src/case/verify/stored-hash.ts';
import { noise } from '../captures.ts';
import { sha256 } from '../forge.ts';

for (const total of [1, 1e9]) {
  test(`digests of parts and of the whole, ${total > 1e6 ? 'in a thread' : 'here'}`, async () => {
    const hasher = hashStored(total);
    const body = noise(9_000_000, 3);
    const parts = [body.subarray(0, 5_000_001), body.subarray(5_000_001, 5_000_001), body.subarray(5_000_001)];
    const got: string[] = [];
    for (const part of parts) {
      for (let at = 0; at < part.length; at += 1_500_000) {
        const chunk = Buffer.from(part.subarray(at, at + 1_500_000));
        await hasher.update(chunk);
        chunk.fill(0); // whoever gave it may use it again
      }
      got.push(await hasher.endPart());
    }
    assert.deepEqual(got, parts.map(sha256));
    assert.equal(await hasher.finish(), sha256(body));
    hasher.close();
  });
}
