/** Headers as another program reads them back, whatever the fields are. */
import assert from 'node:assert/strict';
import type { BigIntStats } from 'node:fs';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { extract, type Header } from 'tar-stream';
import { BLOCK, encodeHeader, HOT_HEADER, writeHeader, type HeaderFields } from '../../src/archive/header.ts';
import { times } from '../effort.ts';

const nanoseconds = fc.bigInt({ min: -(2n ** 60n), max: 2n ** 62n });
const id = fc.oneof(fc.nat(100_000), fc.integer({ min: 0, max: 2 ** 32 - 1 })).map(BigInt);
const stat = fc.record({ mtimeNs: nanoseconds, atimeNs: nanoseconds, ctimeNs: nanoseconds, uid: id, gid: id });
const name = fc
  .array(fc.constantFrom('a', 'Z', '0', '_', '-', '.', ' ', 'ö', '日', '\u{1f600}'), { minLength: 1, maxLength: 140 })
  .map((characters) => Buffer.from(`x${characters.join('')}`, 'utf8').toString('latin1'));
const fields: fc.Arbitrary<HeaderFields> = fc
  .record({
    path: name,
    type: fc.constantFrom('0', '2', '5', '6'),
    mode: fc.nat(0o177777),
    size: fc.nat(2 ** 31 - 1),
    stat: fc.option(stat, { nil: undefined }),
    mtimeSeconds: fc.nat(2 ** 31 - 1),
  })
  .map(({ stat: facts, type, size, ...rest }) => ({
    ...rest,
    type,
    size: type === '0' ? size : 0,
    ...(facts === undefined ? {} : { stat: facts as BigIntStats }),
    ...(type === '2' ? { target: 'elsewhere' } : {}),
  }));

function readBack(header: Buffer): Promise<Header> {
  const { promise, resolve, reject } = Promise.withResolvers<Header>();
  const reader = extract();
  reader.on('entry', (found) => resolve(found));
  reader.on('error', reject);
  reader.write(header);
  return promise;
}

const kinds: Readonly<Record<string, string>> = { 0: 'file', 2: 'symlink', 5: 'directory', 6: 'fifo' };

describe('a header', () => {
  test('is read back by tar-stream field by field', async () => {
    await fc.assert(
      fc.asyncProperty(fields, async (given) => {
        const found = await readBack(encodeHeader(given));
        const pax: Readonly<Record<string, string | undefined>> =
          (found as { readonly pax?: Record<string, string> | null }).pax ?? {};
        assert.equal(found.name, Buffer.from(given.path, 'latin1').toString('utf8'));
        assert.equal(found.type, kinds[given.type]);
        assert.equal(found.mode, given.mode & 0o7777);
        assert.equal(found.size, given.size);
        assert.equal(found.type === 'symlink' ? found.linkname : undefined, given.target);
        // Its own field is octal and begins in 1970; what does not fit stands in the records, which it hands over as
        // they are.
        if (given.stat === undefined) assert.equal(found.mtime.getTime(), given.mtimeSeconds * 1000);
        else
          assert.deepEqual(
            [pax['mtime'], pax['atime'], pax['ctime']],
            [given.stat.mtimeNs, given.stat.atimeNs, given.stat.ctimeNs].map(seconds),
          );
        assert.equal(Number(pax['uid'] ?? found.uid), Number(given.stat?.uid ?? 0));
        assert.equal(Number(pax['gid'] ?? found.gid), Number(given.stat?.gid ?? 0));
      }),
      { numRuns: times(500) },
    );
  });

  test('is the same where it is written into used memory', () => {
    fc.assert(
      fc.property(
        fields.filter(({ path }) => path.length < BLOCK),
        fc.nat(9),
        (given, blocks) => {
          const memory = Buffer.alloc((blocks + 1) * BLOCK + HOT_HEADER, 0xee);
          const length = writeHeader(memory, blocks * BLOCK, given);
          assert.deepEqual(memory.subarray(blocks * BLOCK, blocks * BLOCK + length), encodeHeader(given));
          assert.ok(memory.subarray(0, blocks * BLOCK).every((byte) => byte === 0xee));
          assert.ok(memory.subarray(blocks * BLOCK + length).every((byte) => byte === 0xee));
        },
      ),
      { numRuns: times(100) },
    );
  });
});

/** As pax writes it: nine decimals, and a minus for the whole. */
function seconds(time: bigint): string {
  const digits = (time < 0n ? -time : time).toString().padStart(10, '0');
  return `${time < 0n ? '-' : ''}${digits.slice(0, -9)}.${digits.slice(-9)}`;
}
