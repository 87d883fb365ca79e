/** Evidence that is small where it lies and without end where it is read: the built command stays small, and ends. */
import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import { encodeHeader, roundUp } from '../../src/archive/header.ts';
import { bytesEntry, freshFolder, makeCapture, standardEntries } from '../case/captures.ts';
import { builtAmber } from './command-built.ts';

const MIB = 1024 * 1024;
/** Node itself has 90 MiB with the bundle. */
const MAX = 256 * MIB;

const amber = builtAmber();

/** A folder with one segment of these entries, small as a bomb is. */
function bomb(entries: readonly (readonly [path: string, body: Buffer, pax?: string])[]): string {
  const pieces = entries.flatMap(([path, body, pax = '']) => [
    ...(pax === ''
      ? []
      : [paxHeader(pax.length), Buffer.from(pax, 'latin1'), Buffer.alloc(roundUp(pax.length) - pax.length)]),
    encodeHeader({ path, type: '0', mode: 0o444, size: body.length, mtimeSeconds: 1 }),
    body,
    Buffer.alloc(roundUp(body.length) - body.length),
  ]);
  const folder = freshFolder();
  writeFileSync(join(folder, 'capture-0000.tar.zst'), zstdCompressSync(Buffer.concat([...pieces, Buffer.alloc(1024)])));
  return folder;
}

/** The header block of a pax header: POSIX.1-2001, type `x`. */
function paxHeader(size: number): Buffer {
  const block = Buffer.from(encodeHeader({ path: 'pax', type: '0', mode: 0o444, size, mtimeSeconds: 1 }));
  block.fill(' ', 148, 156);
  block.write('x', 156, 'latin1');
  block.write(
    `${block
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
    'latin1',
  );
  return block;
}

async function small(...argv: readonly string[]): Promise<{ out: string; err: string }> {
  const { code, signal, out, err, bytes } = await amber(argv, { withinMs: 240_000 });
  assert.deepEqual([signal, code === 0 || code === 1], [null, true], `${argv.join(' ')}: ${code} ${err}`);
  assert.doesNotMatch(err, /BUG/u);
  assert.ok(bytes < MAX, `${argv[0] ?? ''} took ${Math.round(bytes / MIB)} MiB`);
  return { out, err };
}

describe('hostile evidence, in the built command', () => {
  test('64 MiB of [ in processes.json is 2 KB where it lies, and is said not to be shown', async () => {
    const folder = bomb([
      ['capture.json', Buffer.from('{}')],
      ['live_response/processes.json', Buffer.alloc(64 * MIB, '[')],
      ['live_response/sockets.json', Buffer.from(`{"inet":[${'[],'.repeat(20 * MIB)}[]]}`)],
    ]);
    assert.ok(statSync(join(folder, 'capture-0000.tar.zst')).size < 16 * 1024);
    const { out } = await small('show', folder);
    assert.match(out, /live_response\/processes\.json: it is no JSON/u);
    assert.match(out, /live_response\/sockets\.json: \d+ rows are too large or too many to be shown/u);
    for (const command of ['verify', 'salvage', 'timeline']) await small(command, folder);
  });

  test('lines of nothing but brackets, in everything that is read by lines', async () => {
    const line = Buffer.alloc(4 * MIB, '[');
    line[line.length - 1] = 0x0a;
    const lines = Buffer.concat([line, line]);
    const folder = bomb([
      ['capture.json', Buffer.from('{}')],
      ...[
        'manifest/0000.jsonl',
        'timeline/timeline.jsonl',
        'live_response/findings.jsonl',
        'live_response/findings-ocsf.jsonl',
        'cloudtrail/x-0000.jsonl',
      ].map((path) => [path, lines] as const),
    ]);
    for (const command of ['show', 'timeline', 'verify', 'salvage']) await small(command, folder);
    const large = freshFolder();
    writeFileSync(join(large, 'manifest.json'), Buffer.alloc(60 * MIB, '['));
    writeFileSync(join(large, 'capture-0000.tar.zst'), zstdCompressSync(Buffer.alloc(1024)));
    for (const command of ['show', 'verify', 'captures']) await small(command, large);
  });

  test('a bodyfile of arrows, and names that are cut out of long lines', async () => {
    const arrows = `0|${' -> '.repeat(2 * MIB)}\r|1|r/rrwxrwxrwx|0|0|0|1|1|1|1\n`;
    const long = Array.from({ length: 3000 }, (_, index) => `0|/tmp/a-name-${index}|${'x'.repeat(60_000)}\n`).join('');
    const folder = bomb([
      ['capture.json', Buffer.from('{}')],
      ['bodyfile/bodyfile.txt', Buffer.from(arrows)],
      ['bodyfile/bodyfile-0001.txt', Buffer.from(long)],
    ]);
    for (const command of ['timeline', 'salvage']) await small(command, folder);
  });

  test('thousands of entries of which each has a pax header of 60 KB', async () => {
    const key = (index: number): string => `${String(index).padStart(5, '0')}=x`;
    const records = (count: number): string =>
      Array.from({ length: count }, (_, index) => `11 ${key(index)}\n`).join('');
    const pax = records(5000);
    const folder = bomb(
      Array.from({ length: 2000 }, (_, index) => [`[root]/tmp/${index}`, Buffer.alloc(0), pax] as const),
    );
    for (const command of ['verify', 'salvage']) await small(command, folder);
  });

  test('34 MB of empty frames are read to their end', async () => {
    const folder = freshFolder();
    const frame = zstdCompressSync(Buffer.alloc(0));
    const body = Buffer.alloc(Math.floor(34_000_000 / frame.length) * frame.length, frame);
    writeFileSync(join(folder, 'capture-0000.tar.zst'), Buffer.concat([body, zstdCompressSync(Buffer.alloc(1024))]));
    for (const command of ['verify', 'salvage']) await small(command, folder);
  });
});

describe('a report, built', () => {
  test('of ten times the captures takes the memory of one, and says of each what it leaves out', async () => {
    const files = Array.from({ length: 400 }, (_, index) => bytesEntry(`[root]/tmp/file-${index}`, 'x'));
    const base = freshFolder();
    const entries = [
      ...standardEntries().slice(0, 2),
      ...files.map((entry) => ({ ...entry, path: `recovered/${entry.path}` })),
    ];
    const make = async (from: number, to: number): Promise<void> => {
      for (let number = from; number < to; number += 1) {
        await makeCapture({
          entries,
          captureId: `0197c0de-0000-7000-8000-${String(number).padStart(12, '0')}`,
          into: base,
        });
      }
    };
    await make(0, 30);
    const [page, larger] = [join(freshFolder(), 'a.html'), join(freshFolder(), 'b.html')];
    const few = await amber(['report', base, '--to', page]);
    await make(30, 300);
    const many = await amber(['report', base, '--to', larger]);
    assert.deepEqual([few.code, many.code], [0, 0], many.err);
    // 270 captures more had been 390 MiB; what there is now is the collector's, which takes its time.
    assert.ok(
      many.bytes < few.bytes + 96 * MIB,
      `${Math.round(few.bytes / MIB)} MiB, then ${Math.round(many.bytes / MIB)} MiB`,
    );
    const html = readFileSync(larger, 'utf8');
    assert.match(html, /300 of 300 verified/u);
    assert.equal(html.match(/<h2>/gu)?.length, 300);
    assert.match(html, /and 366 more: `amber show` lists them/u);
    assert.ok(html.length < 30 * 1024 * 300, `${html.length} characters`);
    assert.ok(html.endsWith('</body></html>\n'));
  });
});
