import assert from 'node:assert/strict';
import { isUtf8 } from 'node:buffer';
import { describe, it } from 'node:test';
import { displayName } from '../../src/fs/names.ts';
import { HOSTILE_NAMES } from '../adversary/hostile/trees.ts';

describe('displayName', () => {
  // As plaso reads `\xNN`, a code point, and mactime `%NN`, a byte.
  const decode = (shown: string): string =>
    Buffer.from(
      shown.replaceAll(/\\x([0-9a-f]{2})/gu, (_, hex: string) => String.fromCodePoint(Number.parseInt(hex, 16))),
      'utf8',
    )
      .toString('latin1')
      .replaceAll(/%([0-9A-F]{2})/gu, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

  it('is lossless: both decodings give the bytes back', () => {
    const every = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).join('');
    for (const name of [...HOSTILE_NAMES, every, '\\x0a', '%5Cx0a', '\\%0A'])
      assert.equal(decode(displayName(name)), name);
  });

  it('is one line without separators, escapes or control characters, and valid UTF-8', () => {
    for (const name of HOSTILE_NAMES) {
      const shown = displayName(name);
      assert.doesNotMatch(shown, /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}|]/u, JSON.stringify(name));
      assert.ok(!shown.includes('->'));
      assert.ok(isUtf8(Buffer.from(shown)));
    }
  });

  it('leaves ordinary names and readable UTF-8 alone', () => {
    assert.equal(displayName('/tmp/a b+c_d.tar.gz'), '/tmp/a b+c_d.tar.gz');
    assert.equal(displayName(Buffer.from('/tmp/naïve-日本').toString('latin1')), '/tmp/naïve-日本');
    assert.equal(displayName('a\n|%\\'), 'a\\x0a%7C%25%5C');
    assert.equal(displayName('\xe9'), '%E9');
  });
});
