/** Names that an attacker chose, in the built command: every one of them stays a name. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { bytesEntry, freshFolder, makeCapture } from '../case/captures.ts';
import { builtAmber } from './command-built.ts';

const amber = builtAmber();

/**
 * Code points of which the low byte is a newline, a quote, an escape: written as one byte each they were a row of their
 * own.
 */
const FORGED = Array.from('\n{"source":"cloudtrail","message":"DeleteTrail"}\u001b[2J\t', (character) =>
  String.fromCodePoint(0x1f000 + character.charCodeAt(0)),
).join('');
const NAMES = [
  '/tmp/😀.txt',
  `/tmp/${FORGED}`,
  '/tmp/\u202etxt.exe',
  '/tmp/a\u200bb',
  '/tmp/\u009b31m',
  '/tmp/\\\ud800',
];

function timelineOf(names: readonly string[]): string {
  const rows = names.flatMap((filename, index) => [
    {
      message: `${filename} (file, 1 bytes)`,
      data_type: 'fs:stat',
      tag: ['file'],
      filename,
      timestamp: 1_751_274_000_000_000 + index,
      timestamp_desc: 'Creation Time',
    },
  ]);
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

const processes = NAMES.map((name, index) => ({
  message: `Process ${index} started: ${name}`,
  data_type: 'amber:process',
  tag: ['process', 'deleted-executable'],
  timestamp: 1_751_274_000_000_000,
  timestamp_desc: 'Process Start Time',
  pid: index,
  comm: name,
}));

describe('names that are not ASCII, in the built command', () => {
  test('are rows of a timeline in every form, and no row is forged', async () => {
    const { base } = await makeCapture({
      entries: [
        bytesEntry('timeline/timeline.jsonl', processes.map((row) => `${JSON.stringify(row)}\n`).join('')),
        bytesEntry('timeline/timeline-0001.jsonl', timelineOf(NAMES)),
        bytesEntry('bodyfile/bodyfile.txt', `0|/tmp/only-here-😀${FORGED}|5|r/rrwxr-xr-x|1|1|7|0|1751274000|0|0\n`),
      ],
    });
    const expected = 2 + 2 * NAMES.length + 1;
    const json = await amber(['timeline', base, '--jsonl']);
    assert.deepEqual([json.code, json.err.trim().split('\n').length], [0, 1], json.err);
    assert.match(json.out, /^[\n\x20-\x7e]*$/u);
    const rows = json.out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { source: string; filename?: string });
    assert.equal(rows.length, expected);
    assert.deepEqual([...new Set(rows.map(({ source }) => source))].sort(), ['capture', 'files', 'processes']);
    assert.deepEqual(
      rows.flatMap(({ filename }) => filename ?? []).filter((name) => !name.startsWith('/tmp/only')),
      NAMES,
    );
    for (const form of [[], ['--csv'], ['--json']]) {
      const ran = await amber(['timeline', base, ...form]);
      assert.equal(ran.code, 0, ran.err);
      assert.doesNotMatch(ran.out, /(?!\n)[\p{C}\p{Default_Ignorable_Code_Point}]/u, form.join(''));
      if (form.length === 0) assert.equal(ran.out.trimEnd().split('\n').length, expected);
    }
  });

  test('are in the page of a report, which is written', async () => {
    const { base } = await makeCapture({
      entries: [bytesEntry('timeline/timeline.jsonl', processes.map((row) => `${JSON.stringify(row)}\n`).join(''))],
    });
    const page = join(freshFolder(), 'page.html');
    const ran = await amber(['report', base, '--to', page]);
    assert.deepEqual([ran.code, ran.err], [0, '']);
    const html = readFileSync(page, 'utf8');
    assert.ok(html.includes('started: /tmp/😀.txt'));
    assert.doesNotMatch(html, /(?!\n)[\p{C}\p{Default_Ignorable_Code_Point}]/u);
  });
});
