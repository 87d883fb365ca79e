import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { readLogIndex } from '../../../src/case/log/lines.ts';
import { RecordScanner, recordsIn } from '../../../src/case/log/scan.ts';
import { readLog } from '../../../src/case/log/source.ts';
import type { LogFile } from '../../../src/case/log/walk.ts';
import { makeCapture } from '../captures.ts';
import { generator } from '../../servers/generator.ts';
import { logForms } from './forms.ts';

/** Pieces of 1 to 70,000 bytes, drawn from a seed. */
async function* inPieces(bytes: Uint8Array, seed: number): AsyncGenerator<Uint8Array> {
  const draw = generator(seed);
  for (let at = 0; at < bytes.length; ) {
    const size = draw() < 0.5 ? 1 + Math.floor(draw() * 50) : 1 + Math.floor(draw() * 70_000);
    yield await Promise.resolve(bytes.subarray(at, at + size));
    at += size;
  }
}

async function* files(named: Readonly<Record<string, Uint8Array>>, seed: number): AsyncGenerator<LogFile> {
  for (const [name, bytes] of Object.entries(named))
    yield await Promise.resolve({ name, bytes: inPieces(bytes, seed) });
}

const SEED = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));

describe(`a log is read in every form (SEED=${SEED})`, async () => {
  const { log, manifest, segments } = await makeCapture({ apart: true });
  for (const [place, { name, files: named }] of logForms(log).entries()) {
    test(name, async () => {
      const index = await readLogIndex(files(named, SEED + place));
      const told = index.of(manifest.captureId);
      assert.deepEqual([index.notRead, told?.lines, told?.segments.size], [[], segments.length + 1, segments.length]);
      for (const { number, sha256 } of segments)
        assert.deepEqual([...(told?.segments.get(number)?.sha256 ?? [])], [sha256]);
      assert.deepEqual([told?.manifest.size, [...(told?.whole ?? [])]], [1, [manifest.tarball.sha256]]);
    });
  }
});

describe('what is no log', () => {
  const kinds: Readonly<Record<string, readonly [Uint8Array, RegExp]>> = {
    'a ZIP archive': [Buffer.from('504b0304140000000800', 'hex'), /a ZIP archive: unpack it first/u],
    bzip2: [Buffer.from('BZh91AY&SY'), /bzip2/u],
    xz: [Buffer.from('fd377a585a000004', 'hex'), /xz/u],
    Parquet: [Buffer.from('PAR1\u0015\u0000'), /Parquet/u],
    'random bytes': [
      Buffer.from(Array.from({ length: 5000 }, (_, index) => (index * 7919 + (index >> 3)) % 256)),
      /neither text \(UTF-8 or UTF-16\) nor packed/u,
    ],
    'gzip that is cut': [gzipSync('START\n'.repeat(1000)).subarray(0, 30), /damaged/u],
    'gzip with a changed byte': [damagedGzip(), /damaged/u],
  };
  for (const [name, [bytes, reason]] of Object.entries(kinds)) {
    test(`is said to be not read: ${name}`, async () => {
      const index = await readLogIndex(files({ 'x.log': bytes }, 1));
      assert.deepEqual([index.records, index.notRead.length], [0, 1]);
      assert.match(index.notRead[0] ?? '', reason);
    });
  }

  test('hides nothing: a log into which NULs and binary were written is read', async () => {
    const { log, manifest } = await makeCapture();
    const noise = Buffer.alloc(20_000, 0xfe);
    const index = await readLogIndex(
      files({ 'x.log': Buffer.concat([noise, Buffer.alloc(9000), Buffer.from(log), noise]) }, 2),
    );
    assert.deepEqual(index.notRead, []);
    assert.ok((index.of(manifest.captureId)?.lines ?? 0) > 3);
  });

  function damagedGzip(): Buffer {
    const bytes = gzipSync(Array.from({ length: 20_000 }, (_, index) => String((index * 7919) % 10_007)).join(' '));
    return bytes.fill(0xff, 4000, 4010);
  }
});

describe('packed data behind text', () => {
  const line = (capture: string): string =>
    `${JSON.stringify({ amber: 'segment', capture, segment: 0, sha256: 'a'.repeat(64) })}\n`;
  const packings: Readonly<Record<string, Buffer>> = {
    gzip: gzipSync(line('packed')),
    zstd: zstdCompressSync(line('packed')),
    xz: Buffer.from('fd377a585a000004e6d6b446', 'hex'),
    bzip2: Buffer.from('425a6839314159265359f1d2c3b4', 'hex'),
    ZIP: Buffer.from('504b03041400000008008e5d7d5bf1d2c3b4', 'hex'),
  };
  for (const [name, packed] of Object.entries(packings)) {
    for (const [where, file] of Object.entries({
      'in one file': Buffer.concat([Buffer.from(line('plain')), packed]),
      'in a packed file': gzipSync(Buffer.concat([Buffer.from(line('plain')), packed])),
    })) {
      test(`is told, wherever a piece ends, and what stands before counts: ${name} ${where}`, async () => {
        const index = await readLogIndex(files({ 'mix.log': file }, SEED));
        assert.deepEqual([[...index.ids()], index.notRead.length], [['plain'], 1], `SEED=${SEED}`);
        const at = line('plain').length + (name === 'bzip2' ? 4 : 0);
        assert.ok(
          index.notRead[0]?.startsWith(`mix.log in part: packed data (${name}) begins at byte ${at}:`),
          index.notRead[0],
        );
      });
    }
  }

  test('is none where the function wrote the marks as text', async () => {
    const marks = Object.values(packings).map((packed) => packed.toString('utf8'));
    const text = Buffer.from(`${line('plain')}${marks.join('\n')}1AY&SY PK\u0003\u0004 \u0004"M\u0018\n`);
    assert.deepEqual((await readLogIndex(files({ 'x.log': text }, SEED))).notRead, []);
  });
});

describe('gzip members', () => {
  const digest = 'a'.repeat(64);
  const member = (capture: string, more = ''): Buffer =>
    gzipSync(`${JSON.stringify({ amber: 'segment', capture, segment: 0, sha256: digest })}\n${more}`);

  test('of any size, with and without a delimiter, are all read, wherever a piece ends', async () => {
    const noise = Array.from({ length: 700_000 }, (_, index) => (index * 7919) % 10_007).join(' ');
    const named = Buffer.concat([
      member('named').subarray(0, 3),
      Buffer.from([0x1e]),
      member('named').subarray(4, 10),
      Buffer.from([3, 0, 1, 2, 3]),
      Buffer.from('records.json\0a comment\0'),
      Buffer.from([9, 9]),
      member('named').subarray(10),
    ]);
    const bytes = Buffer.concat([
      member('first'),
      Buffer.from('\n'),
      member('large', noise),
      Buffer.from('\n\n'),
      named,
      gzipSync(''),
      member('second'),
      member('large', noise),
      member('last'),
      Buffer.from('\n'),
    ]);
    const index = await readLogIndex(files({ 'x.gz': bytes }, SEED));
    assert.deepEqual(
      [index.notRead, [...index.ids()], index.records],
      [[], ['first', 'large', 'named', 'second', 'last'], 6],
      `SEED=${SEED}`,
    );
  });

  const behind: Readonly<Record<string, Buffer>> = {
    text: Buffer.from(`${JSON.stringify({ amber: 'segment', capture: 'c', segment: 0, sha256: 'f'.repeat(64) })}\n`),
    'one byte': Buffer.from('x'),
    'the beginning of a member': Buffer.from([0x1f, 0x8b, 8]),
    'a member with another sum': Buffer.from(
      member('c').map((byte, place, all) => (place === all.length - 6 ? byte ^ 1 : byte)),
    ),
    'another method': Buffer.from([0x1f, 0x8b, 7, 0, 0, 0]),
  };
  for (const [name, junk] of Object.entries(behind)) {
    test(`with ${name} behind them: what stands before counts, the rest is not read`, async () => {
      const index = await readLogIndex(
        files(
          {
            'x.gz': Buffer.concat([
              member('c'),
              Buffer.from('\n'),
              member('c'),
              Buffer.from('\n'),
              junk,
              gzipSync('{"amber":"segment","capture":"later"}'),
            ]),
          },
          SEED,
        ),
      );
      assert.deepEqual([...(index.of('c')?.segments.get(0)?.sha256 ?? [])], [digest]);
      assert.deepEqual([index.of('later'), index.notRead.length], [undefined, 1]);
      assert.match(
        index.notRead[0] ?? '',
        /^x\.gz: (?:Behind 2 gzip members, at byte \d+, follow bytes|The compressed data is damaged)/u,
      );
    });
  }

  test('by the ten thousand are read in one pass, each once', { timeout: 120_000 }, async () => {
    const [one, blank] = [Buffer.concat([member('c'), Buffer.from('\n')]), gzipSync('')];
    const bytes = Buffer.concat([one, ...Array.from({ length: 20_000 }, () => blank), one]);
    const index = await readLogIndex(files({ 'x.gz': bytes }, SEED));
    assert.deepEqual([index.notRead, index.of('c')?.lines], [[], 2]);
  });

  test('that unpack to more than a log can hold are read to the bound', { timeout: 120_000 }, async () => {
    const bomb = gzipSync(Buffer.alloc(32 * 1024 * 1024, 0x20));
    const index = await readLogIndex(
      files({ 'x.gz': gzipSync(Buffer.concat([member('c'), ...Array.from({ length: 200 }, () => bomb)])) }, SEED),
    );
    assert.deepEqual(index.of('c')?.lines, 1);
    assert.match(index.notRead[0] ?? '', /unpacks to more than \d+ times its size/u);
  });
});

describe('an intruder who writes the log', () => {
  const record = JSON.stringify({ amber: 'segment', capture: 'c', segment: 0, sha256: 'a'.repeat(64) });
  const cases: Readonly<Record<string, string>> = {
    'runs of backslashes': '\\'.repeat(8 * 1024 * 1024),
    'marks without an end': '{"amber":"segment",'.repeat(300_000),
    'braces without an end': '{'.repeat(4 * 1024 * 1024),
    'the name alone': '"amber"'.repeat(1_000_000),
    'a line without an end': 'x'.repeat(64 * 1024 * 1024),
    'quotes at every depth': Array.from(
      { length: 60_000 },
      (_, index) => `{${'\\'.repeat(2 ** (index % 7) - 1)}"amber${'\\'.repeat(2 ** (index % 7) - 1)}":`,
    ).join(''),
  };
  for (const [name, flood] of Object.entries(cases)) {
    test(`hides no record of ours, and takes no time: ${name}`, { timeout: 60_000 }, async () => {
      const index = await readLogIndex(files({ 'x.log': Buffer.from(`${record}\n${flood}\n${record}\n`) }, 3));
      assert.equal(index.of('c')?.lines, 2);
    });
  }

  test('of half a record in front of ours: ours is read, wherever a piece ends', () => {
    const text = `{"amber":"segment","capture":"\u001b[2K${record} trailing`;
    for (let at = 0; at <= text.length; at += 1) {
      const scanner = new RecordScanner('segment');
      const found = [...scanner.push('y'.repeat(70_000)), ...scanner.push(text.slice(0, at)), ...scanner.push('')];
      assert.equal(
        [...found, ...scanner.push(`${text.slice(at)}${' '.repeat(66_000)}`), ...scanner.end()].length,
        1,
        String(at),
      );
    }
    assert.equal(recordsIn(text, 'segment').length, 1);
  });

  test('of a bomb: it is read to a bound, and that is said', { timeout: 120_000 }, async () => {
    const inner = zstdCompressSync(Buffer.alloc(64 * 1024 * 1024, 0x20));
    const bomb = zstdCompressSync(Buffer.concat(Array.from({ length: 4000 }, () => inner)));
    let read = 0;
    const source = (async function* () {
      read += bomb.length;
      yield await Promise.resolve({ name: 'bomb.zst', bytes: inPieces(bomb, 4) });
    })();
    const { notRead } = await readLog(source, ['segment'], () => true);
    assert.ok(read < 1024 * 1024, `${String(read)} bytes hold 250 GiB`);
    assert.match(notRead[0] ?? '', /unpacks to more than \d+ times its size/u);
  });

  test('of captures that never were: they are bounded and counted, and no asked one is lost', async () => {
    const forged = Array.from({ length: 101_000 }, (_, index) =>
      JSON.stringify({
        amber: 'segment',
        capture: `0197c0df-0000-7000-8000-${String(index).padStart(12, '0')}`,
        segment: 0,
        sha256: 'f'.repeat(64),
      }),
    ).join('\n');
    const many = Array.from({ length: 30_000 }, (_, index) =>
      JSON.stringify({ amber: 'segment', capture: 'c', segment: index + 1, sha256: 'f'.repeat(64) }),
    ).join('\n');
    const index = await readLogIndex(files({ 'x.log': Buffer.from(`${forged}\n${many}\n${record}\n`) }, 5), ['c']);
    assert.deepEqual([index.captures, index.leftOut], [100_001, 1000]);
    const told = index.of('c');
    assert.deepEqual([told?.lines, told?.segments.size, told?.beyond], [30_001, 20_000, 10_001]);
    assert.deepEqual([...(told?.segments.get(0)?.sha256 ?? [])], ['a'.repeat(64)]);
  });
});
