/** Which recipients and identities are taken, and what a refusal tells. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { bech32 } from '@scure/base';
import { isAmberError } from '../../src/errors.ts';
import { openAge } from '../../src/seal/age.ts';
import { openIdentity } from '../../src/seal/age-open.ts';
import { codeOf, IDENTITY, RECIPIENT } from './age-identity.ts';

describe('keys', () => {
  const bad = async (recipient: string): Promise<string | undefined> =>
    openAge(recipient).then(
      () => undefined,
      (error: unknown) => (isAmberError(error) ? error.code : String(error)),
    );

  test('recipients: checksum, kind, length, points of low order', async () => {
    const lowOrder = [
      '00'.repeat(32),
      `01${'00'.repeat(31)}`,
      'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
      '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
      `ec${'ff'.repeat(30)}7f`,
    ];
    for (const hex of lowOrder)
      assert.equal(await bad(bech32.encodeFromBytes('age', Buffer.from(hex, 'hex'))), 'RECIPIENT_INVALID', hex);
    const wrong = [
      '',
      'age1',
      `${RECIPIENT.slice(0, -1)}${RECIPIENT.endsWith('q') ? 'p' : 'q'}`,
      RECIPIENT.replace('age1', 'age2'),
      RECIPIENT.toUpperCase(),
      IDENTITY,
      bech32.encodeFromBytes('bc', randomBytes(32)),
      bech32.encodeFromBytes('age', randomBytes(31)),
      bech32.encodeFromBytes('age', randomBytes(33)),
    ];
    for (const text of wrong) assert.equal(await bad(text), 'RECIPIENT_INVALID', text);
    assert.equal(await bad(` ${RECIPIENT}\n`), undefined);
  });

  test('identities: every refusal names the line and never shows the key', () => {
    const wrong = [
      '',
      '# only a comment',
      `${IDENTITY.slice(0, -1)}${IDENTITY.endsWith('Q') ? 'P' : 'Q'}`,
      IDENTITY.toLowerCase(),
      RECIPIENT,
      'AGE-PLUGIN-YUBIKEY-1QQQ',
      'AGE-SECRET-KEY-PQ-1QQQ',
      bech32.encodeFromBytes('age-secret-key-', randomBytes(31)).toUpperCase(),
      `${IDENTITY}\nAGE-SECRET-KEY-1BROKEN`,
    ];
    for (const text of wrong) {
      try {
        openIdentity(text);
        assert.fail(`accepted ${text}`);
      } catch (error) {
        assert.ok(isAmberError(error) && error.code === 'IDENTITY_INVALID', String(error));
        for (const part of [error.message, String(error.cause)])
          assert.ok(!part.includes(IDENTITY.slice(16, 40)) && !part.includes('BROKEN'));
      }
    }
    assert.deepEqual(openIdentity(`\r\n# made today\r\n  ${IDENTITY}  \r\n`).recipients, [RECIPIENT]);
  });

  test('a finished encryptor refuses more', async () => {
    const encryptor = (await openAge(RECIPIENT)).encryptor();
    encryptor.finish();
    assert.equal(
      codeOf(() => encryptor.push(new Uint8Array(1))),
      'BUG',
    );
    assert.equal(
      codeOf(() => encryptor.finish()),
      'BUG',
    );
  });
});
