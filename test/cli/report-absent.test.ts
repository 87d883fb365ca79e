/** What only the log names, and a log that is read in part, in `report` and `verify --all`. */
import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { freshFolder, makeCapture } from '../case/captures.ts';
import { program } from './program.ts';

const [KEPT, GONE] = ['0197c0de-0000-7000-8000-000000000001', '0197c0de-0000-7000-8000-000000000002'];

async function twoOfWhichOneIsGone(): Promise<{ base: string; logs: readonly [string, string] }> {
  const base = freshFolder();
  const kept = await makeCapture({ captureId: KEPT, into: base });
  const gone = await makeCapture({ captureId: GONE, into: base });
  rmSync(gone.folder, { recursive: true });
  return { base, logs: [kept.log, gone.log] };
}

test('a capture that was removed is named in the page', async () => {
  const { base, logs } = await twoOfWhichOneIsGone();
  const log = join(freshFolder(), 'function.log');
  writeFileSync(log, logs.join(''));
  const page = join(freshFolder(), 'case.html');
  const { code, out } = await program(['report', base, '--log', log, '--to', page]);
  assert.deepEqual([code, out.includes('2 captures, 1 verified')], [1, true], out);
  assert.match(readFileSync(page, 'utf8'), new RegExp(`${GONE}[^]*named in the log, not stored`, 'u'));
});

test('a log of which a part is damaged does not count as read', async () => {
  const { base, logs } = await twoOfWhichOneIsGone();
  const log = join(freshFolder(), 'function.log.gz');
  writeFileSync(log, Buffer.concat([gzipSync(logs[0]), gzipSync(logs[1]).subarray(0, 40)]));
  const told = await program(['verify', base, '--all', '--log', log]);
  assert.deepEqual(
    [told.code, told.out.includes('1 of 1 verified; a part of the log was not read')],
    [3, true],
    told.out,
  );
  const { out } = await program(['verify', base, '--all', '--log', log, '--json']);
  assert.equal((JSON.parse(out) as { logNotRead: readonly string[] }).logNotRead.length, 1);
  const page = await program(['report', base, '--log', log, '--to', join(freshFolder(), 'case.html')]);
  assert.equal(page.code, 3);
});
