import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import * as typage from 'age-encryption';
import fc from 'fast-check';
import { isAmberError } from '../../src/errors.ts';
import { openAge } from '../../src/seal/age.ts';
import { openIdentity } from '../../src/seal/age-open.ts';
import { requirePeer } from '../peers.ts';
import { codeOf, IDENTITY, RECIPIENT } from './age-identity.ts';
import { times } from '../effort.ts';

const CHUNK = 65_536;
/** Header of one X25519 stanza, and the payload nonce behind it. */
const HEADER = 168;
const START = HEADER + 16;
const SIZES = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 200_000, 8 * 1024 * 1024];

async function encrypt(plain: Uint8Array, pushes: readonly number[] = [plain.length]): Promise<Buffer> {
  const encryptor = (await openAge(RECIPIENT)).encryptor();
  return Buffer.concat([...inPieces(plain, pushes).flatMap((piece) => encryptor.push(piece)), ...encryptor.finish()]);
}

function decrypt(sealed: Uint8Array, pushes: readonly number[] = [sealed.length], identity = IDENTITY): Buffer {
  const decryptor = openIdentity(identity).decryptor();
  return Buffer.concat([...inPieces(sealed, pushes).flatMap((piece) => decryptor.push(piece)), ...decryptor.finish()]);
}

/** Pieces of the given lengths, again and again, until the bytes are used up; each in a buffer that is overwritten. */
function inPieces(bytes: Uint8Array, lengths: readonly number[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let offset = 0, turn = 0; offset < bytes.length; turn++) {
    const length = Math.max(1, lengths[turn % lengths.length] ?? bytes.length);
    pieces.push(bytes.subarray(offset, offset + length));
    offset += length;
  }
  return pieces;
}

describe('age, both ways', () => {
  for (const size of SIZES) {
    test(`${size} bytes come back from our own decryption`, async () => {
      const plain = randomBytes(size);
      const sealed = await encrypt(plain);
      assert.equal(sealed.length, START + size + 16 * Math.max(1, Math.ceil(size / CHUNK)));
      assert.ok(decrypt(sealed).equals(plain));
    });

    test(`${size} bytes through the npm age-encryption package`, async () => {
      const plain = randomBytes(size);
      const decrypter = new typage.Decrypter();
      decrypter.addIdentity(IDENTITY);
      assert.ok(Buffer.from(await decrypter.decrypt(await encrypt(plain))).equals(plain));
      const encrypter = new typage.Encrypter();
      encrypter.addRecipient(RECIPIENT);
      assert.ok(decrypt(await encrypter.encrypt(plain)).equals(plain));
    });

    test(`${size} bytes through the age command`, async (t) => {
      if (!requirePeer(t, 'age', 'age-keygen')) return;
      const folder = mkdtempSync(join(tmpdir(), 'amber-age-'));
      t.after(() => rmSync(folder, { recursive: true }));
      const file = join(folder, 'key.txt');
      const run = (program: string, args: readonly string[], input?: Uint8Array): Buffer => {
        const { status, stdout, stderr } = spawnSync(program, args, {
          ...(input === undefined ? {} : { input }),
          maxBuffer: 2 ** 26,
        });
        assert.equal(status, 0, stderr.toString());
        return stdout;
      };
      run('age-keygen', ['-o', file]);
      const recipient = run('age-keygen', ['-y', file]).toString().trim();
      const identity = openIdentity(run('cat', [file]).toString()); // with its comments
      assert.deepEqual(identity.recipients, [recipient]);

      const plain = randomBytes(size);
      const encryptor = (await openAge(recipient)).encryptor();
      const ours = Buffer.concat([...encryptor.push(plain), ...encryptor.finish()]);
      assert.ok(run('age', ['-d', '-i', file], ours).equals(plain));

      const decryptor = identity.decryptor();
      const theirs = run('age', ['-r', recipient], plain);
      assert.ok(Buffer.concat([...decryptor.push(theirs), ...decryptor.finish()]).equals(plain));
    });
  }

  test('any split of input and output gives the same bytes', async () => {
    const lengths = fc.array(
      fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: CHUNK - 40, max: CHUNK + 40 })),
      { minLength: 1, maxLength: 8 },
    );
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 4 * CHUNK + 7 }), lengths, lengths, async (size, pushes, pulls) => {
        const plain = randomBytes(size);
        assert.ok(decrypt(await encrypt(plain, pushes), pulls).equals(plain));
      }),
      { numRuns: times(60) },
    );
  });

  test('the input buffer may be reused after each push', async () => {
    const encryptor = (await openAge(RECIPIENT)).encryptor();
    const buffer = Buffer.alloc(50_000, 1);
    const out = encryptor.push(buffer);
    out.push(...encryptor.push(buffer.fill(2)));
    buffer.fill(9);
    const sealed = Buffer.concat([...out, ...encryptor.finish()]);
    const decryptor = openIdentity(IDENTITY).decryptor();
    const half = Buffer.from(sealed.subarray(0, 40_000));
    const plain = decryptor.push(half);
    half.fill(9);
    plain.push(...decryptor.push(sealed.subarray(40_000)), ...decryptor.finish());
    assert.ok(Buffer.concat(plain).equals(Buffer.concat([Buffer.alloc(50_000, 1), Buffer.alloc(50_000, 2)])));
  });

  test('two files to one recipient share neither key nor nonce', async () => {
    const plain = randomBytes(1000);
    const [one, two] = [await encrypt(plain), await encrypt(plain)];
    assert.notDeepEqual(one.subarray(0, HEADER), two.subarray(0, HEADER));
    assert.notDeepEqual(one.subarray(START), two.subarray(START));
  });
});

describe('damage', () => {
  const plain = randomBytes(3 * CHUNK);

  test('a file cut anywhere gives its whole chunks and then ARCHIVE_CORRUPT', async () => {
    const sealed = await encrypt(plain);
    const sealedChunk = CHUNK + 16;
    for (const length of [
      0,
      1,
      21,
      22,
      100,
      HEADER - 1,
      HEADER,
      START - 1,
      START,
      START + 1,
      START + 16,
      START + sealedChunk - 1,
      START + sealedChunk,
      START + sealedChunk + 5,
      START + 2 * sealedChunk,
      sealed.length - 1,
    ]) {
      const decryptor = openIdentity(IDENTITY).decryptor();
      const got = Buffer.concat(decryptor.push(sealed.subarray(0, length)));
      assert.equal(
        codeOf(() => decryptor.finish()),
        'ARCHIVE_CORRUPT',
        `cut at ${length}`,
      );
      const whole = Math.max(0, Math.floor((length - START) / sealedChunk)) * CHUNK;
      assert.ok(got.equals(plain.subarray(0, whole)), `cut at ${length}`);
    }
  });

  test('no flipped bit gets through, and nothing unauthenticated is given out', async () => {
    const small = plain.subarray(0, CHUNK + 500);
    const sealed = await encrypt(small);
    const offsets = new Set([
      ...Array(START + 1).keys(),
      START + CHUNK,
      START + CHUNK + 15,
      START + CHUNK + 16,
      sealed.length - 17,
      sealed.length - 1,
    ]);
    for (const offset of offsets) {
      const bad = Buffer.from(sealed);
      bad[offset] = (bad[offset] ?? 0) ^ 1;
      const decryptor = openIdentity(IDENTITY).decryptor();
      const got: Uint8Array[] = [];
      const code = codeOf(() => {
        got.push(...decryptor.push(bad.subarray(0, 300)));
        got.push(...decryptor.push(bad.subarray(300)));
        got.push(...decryptor.finish());
      });
      assert.ok(code === 'ARCHIVE_CORRUPT' || (code === 'IDENTITY_INVALID' && offset < 150), `byte ${offset}: ${code}`);
      const all = Buffer.concat(got);
      assert.ok(all.length < small.length && small.subarray(0, all.length).equals(all));
    }
  });

  test('bytes behind the end, a doubled file, swapped chunks', async () => {
    const sealed = await encrypt(plain.subarray(0, 2 * CHUNK + 9));
    const chunk = (index: number): Buffer =>
      sealed.subarray(START + index * (CHUNK + 16), START + (index + 1) * (CHUNK + 16));
    assert.equal(
      codeOf(() => decrypt(Buffer.concat([sealed, Buffer.from('x')]))),
      'ARCHIVE_CORRUPT',
    );
    assert.equal(
      codeOf(() => decrypt(Buffer.concat([sealed, sealed]))),
      'ARCHIVE_CORRUPT',
    );
    assert.equal(
      codeOf(() => decrypt(Buffer.concat([sealed.subarray(0, START), chunk(1), chunk(0), chunk(2)]))),
      'ARCHIVE_CORRUPT',
    );
  });

  test('damage far behind does not take the good chunks of the same push with it', async () => {
    const sealed = await encrypt(plain);
    sealed[sealed.length - 1] = (sealed.at(-1) ?? 0) ^ 1;
    const decryptor = openIdentity(IDENTITY).decryptor();
    assert.ok(Buffer.concat(decryptor.push(Buffer.concat([sealed, sealed]))).equals(plain.subarray(0, 2 * CHUNK)));
    assert.equal(
      codeOf(() => decryptor.push(sealed)),
      'ARCHIVE_CORRUPT',
    );
    assert.equal(
      codeOf(() => decryptor.finish()),
      'ARCHIVE_CORRUPT',
    );
  });

  test('another identity is IDENTITY_INVALID', async () => {
    const other = await typage.generateX25519Identity();
    const sealed = await encrypt(plain);
    assert.equal(
      codeOf(() => decrypt(sealed, [sealed.length], other)),
      'IDENTITY_INVALID',
    );
    assert.ok(decrypt(sealed, [sealed.length], `# one\n${other}\n\n# two\n${IDENTITY}\n`).equals(plain));
  });

  test('armored files, endless headers and other files are told apart', () => {
    const message = (bytes: Uint8Array): string => {
      try {
        openIdentity(IDENTITY).decryptor().push(bytes);
      } catch (error) {
        assert.ok(isAmberError(error) && error.code === 'ARCHIVE_CORRUPT');
        return error.message;
      }
      return '';
    };
    assert.match(message(Buffer.from('-----BEGIN AGE ENCRYPTED FILE-----\n')), /armored/u);
    assert.match(message(Buffer.from('PK\x03\x04')), /does not begin/u);
    assert.match(message(Buffer.from(`age-encryption.org/v1\n${'-> a\n\n'.repeat(20_000)}`)), /no end within/u);
    assert.match(message(Buffer.from('age-encryption.org/v2\n')), /does not begin/u);
  });
});
