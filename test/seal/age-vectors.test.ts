/** The test vectors of the age format (C2SP/CCTV), made by others to break implementations. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { inflateSync } from 'node:zlib';
import * as vectors from 'cctv-age';
import { isAmberError } from '../../src/errors.ts';
import { openIdentity } from '../../src/seal/age-open.ts';

const EXPECTED: Readonly<Record<string, string | undefined>> = {
  success: undefined,
  'no match': 'IDENTITY_INVALID',
  'HMAC failure': 'ARCHIVE_CORRUPT',
  'header failure': 'ARCHIVE_CORRUPT',
  'payload failure': 'ARCHIVE_CORRUPT',
};

interface Vector {
  readonly expected: string;
  readonly identities: readonly string[];
  readonly payload: string | undefined;
  readonly armored: boolean;
  readonly sealed: Uint8Array;
}

function parse(bytes: Buffer): Vector {
  const border = bytes.indexOf('\n\n');
  const lines = bytes
    .toString('utf8', 0, border)
    .split('\n')
    .map((line) => line.split(': '));
  const all = (wanted: string): string[] => lines.filter(([key]) => key === wanted).map(([, value]) => value ?? '');
  const body = bytes.subarray(border + 2);
  return {
    expected: all('expect')[0] ?? '',
    identities: all('identity').filter((identity) => !identity.startsWith('AGE-SECRET-KEY-PQ-')),
    payload: all('payload')[0],
    armored: all('armored').length > 0,
    sealed: all('compressed')[0] === 'zlib' ? inflateSync(body) : body,
  };
}

/** What decryption gave out, and the code it ended with; fed in pieces of `step` bytes. */
function attempt({ identities, sealed }: Vector, step: number): { code: string | undefined; released: Buffer } {
  const released: Uint8Array[] = [];
  try {
    const decryptor = openIdentity(identities.join('\n')).decryptor();
    for (let at = 0; at < sealed.length; at += step) released.push(...decryptor.push(sealed.subarray(at, at + step)));
    released.push(...decryptor.finish());
    return { code: undefined, released: Buffer.concat(released) };
  } catch (error) {
    assert.ok(isAmberError(error), String(error));
    return { code: error.code, released: Buffer.concat(released) };
  }
}

let ran = 0;
for (const [name, bytes] of Object.entries<Uint8Array>(vectors)) {
  const vector = parse(Buffer.from(bytes));
  // Armor, passphrases and post-quantum keys are not what captures are made of.
  if (vector.armored || vector.identities.length === 0) continue;
  ran++;
  test(`${name}: ${vector.expected}`, () => {
    assert.ok(vector.expected in EXPECTED, vector.expected);
    for (const step of [vector.sealed.length, 70_001, 997]) {
      const { code, released } = attempt(vector, Math.max(1, step));
      assert.equal(code, EXPECTED[vector.expected], `in steps of ${step}`);
      if (vector.payload !== undefined)
        assert.equal(createHash('sha256').update(released).digest('hex'), vector.payload, `in steps of ${step}`);
    }
  });
}
test('the vectors were there', () => assert.ok(ran > 60, `only ${ran}`));
