import assert from 'node:assert/strict';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { encodeHeader, roundUp, type HeaderFields } from '../../../src/archive/header.ts';
import { Extractor, type ExtractLimits, type NotExtracted } from '../../../src/case/tar/extract.ts';
import { TarReader } from '../../../src/case/tar/read-tar.ts';
import { renderMessage, renderPath, renderText, safeParts, staysInside } from '../../../src/case/view/safe-names.ts';
import { freshFolder, noise } from '../captures.ts';

function entry(path: string, body: Buffer | string = '', over: Partial<HeaderFields> = {}): Buffer {
  const bytes = Buffer.from(body);
  const padded = Buffer.alloc(roundUp(bytes.length));
  bytes.copy(padded);
  return Buffer.concat([
    encodeHeader({ path, type: '0', mode: 0o4777, size: bytes.length, mtimeSeconds: 1_000_000_000, ...over }),
    padded,
  ]);
}

const link = (path: string, target: string): Buffer => entry(path, '', { type: '2', target });

interface Extracted {
  readonly target: string;
  readonly outside: string;
  readonly told: readonly NotExtracted[];
  readonly extractor: Extractor;
}

function extract(pieces: readonly Buffer[], limits?: ExtractLimits): Extracted {
  const outside = freshFolder();
  const target = join(outside, 'deep', 'target');
  mkdirSync(target, { recursive: true });
  const told: NotExtracted[] = [];
  const extractor = new Extractor(target, (one) => told.push(one), limits);
  try {
    new TarReader(extractor).push(Buffer.concat([...pieces, Buffer.alloc(1024)]));
  } finally {
    extractor.finish();
  }
  return { target, outside, told, extractor };
}

/** All paths below a folder, links not followed. */
function tree(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'latin1' }).sort();
}

describe('unpacking', () => {
  test('makes files, folders and inner links, with times and without rights', () => {
    const { target, told, extractor } = extract([
      entry('[root]/tmp/', '', { type: '5' }),
      entry('[root]/tmp/a', 'hello'),
      link('[root]/tmp/b', 'a'),
      link('[root]/etc/c', '../tmp/a'),
      entry('./x//y', 'z'),
    ]);
    assert.deepEqual(told, []);
    assert.equal(extractor.files, 2);
    assert.equal(readFileSync(join(target, '[root]/tmp/a'), 'utf8'), 'hello');
    assert.equal(lstatSync(join(target, '[root]/tmp/a')).mode & 0o7777, 0o600, 'neither set-uid nor executable');
    assert.equal(statSync(join(target, '[root]/tmp/a')).mtimeMs, 1_000_000_000_000);
    assert.equal(readlinkSync(join(target, '[root]/etc/c')), '../tmp/a');
    assert.equal(readFileSync(join(target, '[root]/etc/c'), 'utf8'), 'hello');
    assert.equal(readFileSync(join(target, 'x/y'), 'utf8'), 'z');
  });

  test('writes nothing outside of its folder', () => {
    const hostile = [
      '../evil',
      '../../evil',
      '/evil',
      '/tmp/amber-evil',
      'a/../../../evil',
      '..',
      '/',
      'x/..',
      '',
      '.',
      `${'n'.repeat(120)}\0b`,
    ];
    const { target, outside, told } = extract(hostile.map((path) => entry(path, 'evil')));
    assert.equal(told.length, hostile.length);
    assert.ok(told.every(({ unsafe }) => unsafe));
    assert.deepEqual(tree(target), []);
    assert.deepEqual(tree(outside), ['deep', 'deep/target']);
    assert.equal(existsSync('/tmp/amber-evil'), false);
  });

  test('does not write through a link, and makes none that leads out', () => {
    const { target, outside, told } = extract([
      link('out', '../..'),
      entry('out/evil', 'evil'),
      link('abs', '/etc'),
      entry('abs/passwd', 'evil'),
      link('up/a', '../../x'),
      link('chain', 'inner/../..'),
      entry('inner/', '', { type: '5' }),
      link('ok', 'inner'),
      entry('ok/file', 'evil'),
    ]);
    assert.deepEqual(
      tree(outside).filter((path) => !path.startsWith('deep')),
      [],
    );
    assert.equal(readFileSync(join(target, 'out/evil'), 'utf8'), 'evil', 'out is a plain folder');
    assert.ok(!lstatSync(join(target, 'out')).isSymbolicLink() && !lstatSync(join(target, 'abs')).isSymbolicLink());
    assert.deepEqual(
      told.map(({ path, unsafe }) => [path, unsafe]),
      [
        ['out', false],
        ['abs', false],
        ['up/a', false],
        ['chain', false],
        ['ok', true],
      ],
    );
    assert.ok(lstatSync(join(target, 'ok')).isDirectory(), 'a file made it a folder before the link could be made');
  });

  test('overwrites nothing: the first of a name stays', () => {
    const { target, told } = extract([
      entry('a', 'first'),
      entry('a', 'second'),
      entry('a/b', 'below a file'),
      link('a', 'x'),
      entry('d/', '', { type: '5' }),
      entry('d', 'file'),
    ]);
    assert.equal(readFileSync(join(target, 'a'), 'utf8'), 'first');
    assert.deepEqual(
      told.map(({ path }) => path),
      ['a', 'a/b', 'd', 'a'],
    );
    assert.ok(told.every(({ unsafe }) => unsafe));
  });

  test('makes no devices, FIFOs and hard links', () => {
    const { target, told } = extract([
      entry('fifo', '', { type: '6' }),
      entry('null', '', { type: '3' }),
      entry('sda', '', { type: '4' }),
      entry('hard', '', { type: '1' as '2', target: '/etc/passwd' }),
    ]);
    assert.deepEqual(tree(target), []);
    assert.deepEqual(
      told.map(({ path, unsafe }) => [path, unsafe]),
      [
        ['fifo', false],
        ['null', false],
        ['sda', false],
        ['hard', true],
      ],
    );
  });

  test('keeps hostile names byte for byte', () => {
    const names = ['new\nline', '\u001b[31mred', '\xff\xfe', 'x'.repeat(255), '-rf', 'a|b', '%2e%2e', ' ', '\xc3\xa9'];
    const { target, told } = extract(names.map((name) => entry(`d/${name}`, name)));
    assert.deepEqual(told, []);
    assert.deepEqual(tree(join(target, 'd')), [...names].sort());
  });

  test('tells of a name that this file system does not take, and goes on', () => {
    const { target, told } = extract([
      entry(`d/${'x'.repeat(256)}`, 'long'),
      entry(Array.from({ length: 30 }, () => 'y'.repeat(200)).join('/'), 'deep'),
      entry('after', 'ok'),
    ]);
    assert.deepEqual(
      told.map(({ reason }) => reason),
      ['its name is too long for this file system', 'its name is too long for this file system'],
    );
    assert.equal(readFileSync(join(target, 'after'), 'utf8'), 'ok');
  });

  test('stops at a bomb, by bytes and by entries', () => {
    const big = encodeHeader({ path: 'bomb', type: '0', mode: 0o644, size: 30 * 1024 ** 3, mtimeSeconds: 1 });
    assert.throws(() => extract([big]), { code: 'CASE_UNSAFE' });
    assert.throws(
      () =>
        extract(
          Array.from({ length: 11 }, (_, index) => entry(`f${index}`)),
          { maxBytes: 1e9, maxEntries: 10 },
        ),
      { code: 'CASE_UNSAFE' },
    );
  });

  test('takes no space for zeros', () => {
    const body = Buffer.concat([
      Buffer.from('head'),
      Buffer.alloc(50_000_000),
      Buffer.from('tail'),
      Buffer.alloc(200_000),
    ]);
    const { target } = extract([entry('sparse', body)]);
    assert.deepEqual(readFileSync(join(target, 'sparse')), body);
    assert.ok(statSync(join(target, 'sparse')).blocks * 512 < 1_000_000);
  });

  test('writes bodies that come in pieces', () => {
    const folder = freshFolder();
    const extractor = new Extractor(folder, () => undefined);
    const reader = new TarReader(extractor);
    const body = noise(300_000, 8);
    const tar = entry('file', body);
    for (let at = 0; at < tar.length; at += 777) reader.push(tar.subarray(at, at + 777));
    extractor.finish();
    assert.deepEqual(readFileSync(join(folder, 'file')), body);
  });
});

describe('names', () => {
  test('reach a terminal without anything that it would obey', () => {
    const hostile =
      '\u001b]0;owned\u0007\u001b[2J\r\nfake line\t\u009b31m\u202eexe.txt\u200b\u2066\u{e0041}\u00a0\\x1b\u2028\ufeff';
    for (const shown of [renderText(hostile), renderPath(Buffer.from(hostile).toString('latin1'))]) {
      assert.doesNotMatch(shown, /[\p{C}\p{Zl}\p{Zp}\u00a0]/u);
      assert.equal(
        shown,
        '\\x1b]0;owned\\x07\\x1b[2J\\r\\nfake line\\t\\x9b31m\\u{202e}exe.txt\\u{200b}\\u{2066}\\u{e0041}\\xa0\\\\x1b\\u{2028}\\u{feff}',
      );
    }
    assert.equal(
      renderPath('caf\xc3\xa9 \xff\x1b'),
      'caf\\xc3\\xa9 \\xff\\x1b',
      'bytes that are not UTF-8 are shown as bytes',
    );
    assert.equal(renderPath('caf\xc3\xa9'), 'café');
    assert.equal(renderText('a\udcffb'), 'a\\xffb');
    assert.equal(renderText('x'.repeat(5000)).length, 4097);
    assert.equal(renderMessage('"\\u001b" \u001b'), '"\\u001b" \\x1b');
  });

  test('are taken apart for writing only where they stay below', () => {
    assert.deepEqual(safeParts('a/./b//c/'), ['a', 'b', 'c']);
    for (const bad of ['', '/', '.', './', '/a', '..', 'a/..', '../a', 'a\0'])
      assert.equal(typeof safeParts(bad), 'string', bad);
    assert.deepEqual(safeParts('..a/...'), ['..a', '...']);
  });

  test('of links are followed in the mind', () => {
    for (const [path, target, inside] of [
      ['a', 'b', true],
      ['a/b', '../c', true],
      ['a', '..', false],
      ['a/b', '..', true],
      ['a/b', '../..', false],
      ['a', '/x', false],
      ['a', '', false],
      ['a/b/c', '../../x/y', true],
      ['a/b/c', 'x/../y', false],
      ['a/b', './../c', true],
      ['a', './.', true],
    ] as const)
      assert.equal(staysInside(path.split('/'), target), inside, `${path} -> ${target}`);
  });
});
