import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { executableRows, mapsRows, parseMaps, parseMapsText } from '../../src/proc/maps.ts';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

describe('maps', () => {
  it('reads addresses beyond 2^53 exactly', () => {
    const [vma] = parseMaps(
      bytes('ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n'),
    );
    assert.deepEqual(vma, {
      start: 0xffffffffff600000n,
      end: 0xffffffffff601000n,
      perms: '--xp',
      offset: 0n,
      dev: '00:00',
      inode: '0',
      path: '[vsyscall]',
    });
  });

  it('keeps spaces, carriage returns, non-UTF-8 bytes and the (deleted) suffix of a path', () => {
    const line = '7f0000000000-7f0000001000 r-xp 0001a000 fe:00 4242                       /tmp/a b\r\xff (deleted)\n';
    assert.equal(parseMaps(bytes(line))[0]?.path, '/tmp/a b\r\xff (deleted)');
    assert.equal(parseMaps(bytes(line))[0]?.offset, 0x1a000n);
  });

  it('leaves out a last line that was cut, and lines of another form', () => {
    const text = '1000-2000 rw-p 00000000 00:00 0 \nnonsense\n3000-4000 rw-p 00000000 00:00 0 /tmp/payl';
    assert.deepEqual(
      parseMapsText(bytes(text)).map((row) => row.range),
      ['1000-2000'],
    );
    assert.deepEqual(parseMaps(Buffer.alloc(0)), []);
  });

  it('finds the executable ones alone, whatever stands in a path', () => {
    const text =
      '1000-2000 r--p 00000000 00:25 7 /tmp/xp r-xp \n2000-3000 r-xp 00000000 00:25 7 /tmp/xp xp \n3000-4000 rwxs 00000000 00:00 0 \n4000-5000 r-xp 0';
    assert.deepEqual(
      [...executableRows(bytes(text))].map(({ range, path }) => [range, path]),
      [
        ['2000-3000', '/tmp/xp xp '],
        ['3000-4000', ''],
      ],
    );
    const own = readFileSync('/proc/self/maps');
    assert.deepEqual(
      [...executableRows(own)].map(({ range }) => range).sort(),
      parseMapsText(own)
        .filter(({ perms }) => perms[2] === 'x')
        .map(({ range }) => range)
        .sort(),
    );
  });

  it('goes on behind a line of another form, and keeps two readers apart', () => {
    const text = bytes('1000-2000 rw-p 00000000 00:00 0 \nnonsense\n3000-4000 rw-p 00000000 00:00 0 \n');
    const first = mapsRows(text);
    const second = mapsRows(text);
    const ranges = [first.next(), second.next(), first.next(), second.next()].map(
      ({ value }) => (value as { range: string }).range,
    );
    assert.deepEqual(ranges, ['1000-2000', '1000-2000', '3000-4000', '3000-4000']);
  });

  it('reads every line of our own maps, ascending and without overlap', () => {
    const body = readFileSync('/proc/self/maps');
    const vmas = parseMaps(body);
    assert.equal(vmas.length, body.toString('latin1').split('\n').length - 1);
    vmas.forEach((vma, index) => {
      assert.ok(vma.start < vma.end);
      assert.ok(index === 0 || vmas[index - 1]!.end <= vma.start);
    });
    assert.ok(vmas.some((vma) => vma.path === '[stack]'));
  });
});
