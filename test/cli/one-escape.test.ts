/** A name is shown in one form by every command, whatever the form in which the capture wrote it. */
import { equal, match, ok } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { renderPath } from '../../src/case/view/safe-names.ts';
import type { BytePath, Entry } from '../../src/contracts/evidence.ts';
import { displayName, nameBehind } from '../../src/fs/names.ts';
import { bytesEntry, freshFolder, makeCapture, standardEntries } from '../case/captures.ts';
import { times } from '../effort.ts';
import { generator } from '../servers/generator.ts';
import { program } from './program.ts';
import { rows, T } from './timeline-scene.ts';

/** What a name can hold: controls, escapes of ours, separators, bytes that are no UTF-8, marks that nobody sees. */
const NAMES = [
  'plain',
  'esc\u001b[31m',
  'new\nline',
  'back\\slash',
  'like \\x1b an escape',
  '100%',
  '%1B',
  'a|b',
  'a->b',
  'a -> b',
  'c1\u0085',
  'bidi\u202eexe',
  'gr\u00fc\u00df',
  '\u{1f600}',
].map((name) => Buffer.from(name).toString('latin1'));
const BYTES = [...NAMES, 'no\xfftext', '\x80\x81|%'];

test('the name behind what a bodyfile shows is the name', () => {
  for (const name of BYTES) equal(nameBehind(displayName(name)), name);
  const draw = generator(Number(process.env['SEED'] ?? 7));
  for (let turn = 0; turn < times(2000); turn += 1) {
    const name = Buffer.from(
      Array.from({ length: 1 + Math.floor(draw() * 12) }, () => {
        const byte = Math.floor(draw() * 256);
        return draw() < 0.4 ? (['%', '\\', 'x', '1', 'b', '|', '-', '>'][byte % 8] ?? '').charCodeAt(0) : byte || 1;
      }),
    ).toString('latin1');
    equal(nameBehind(displayName(name)), name);
  }
});

function denied(path: BytePath): Entry {
  return { kind: 'absent', path, source: 'test', method: 'openat', outcome: 'denied', reason: 'EACCES' };
}

describe('every command', () => {
  let base: string;
  before(async () => {
    const path = (name: string): string => `/tmp/${name}`;
    ({ base } = await makeCapture({
      entries: [
        ...standardEntries().slice(0, 1),
        bytesEntry(
          'bodyfile/bodyfile.txt',
          BYTES.map(
            (name, at) => `0|${displayName(path(name))}|${at}|r/rrw-r--r--|1|1|7|${T / 1000}|${T / 1000}|0|0\n`,
          ).join(''),
        ),
        rows(
          'timeline/timeline-0001.jsonl',
          BYTES.slice(0, 5).map((name) => ({
            message: `${displayName(path(name))} (file, 7 bytes)`,
            data_type: 'fs:stat',
            tag: ['file'],
            filename: displayName(path(name)),
            timestamp: T * 1000,
            timestamp_desc: 'Content Modification Time',
          })),
        ),
        ...BYTES.map((name) => denied(`[root]/tmp/${name}`)),
      ],
    }));
  });

  test('shows a name as `show` does', async () => {
    const shown = await program(['show', base, '--lines', '100']);
    const timeline = await program(['timeline', base]);
    const csv = await program(['timeline', base, '--csv']);
    const jsonl = (await program(['timeline', base, '--jsonl'])).out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { filename?: string });
    const page = join(freshFolder(), 'case.html');
    await program(['report', base, '--to', page]);
    for (const name of BYTES) {
      const told = renderPath(`/tmp/${name}`);
      for (const [what, text] of [
        ['show', shown.out],
        ['timeline', timeline.out],
      ] as const)
        ok(text.includes(told), `${what}: ${told}`);
      ok(csv.out.includes(told.replaceAll('"', '""')), `csv: ${told}`);
      equal(jsonl.filter(({ filename = '' }) => nameBehind(filename) === `/tmp/${name}`).length, 1, `jsonl: ${told}`);
    }
    match(readFileSync(page, 'utf8'), /esc\\x1b\[31m/u);
  });

  test('tells of what is not there in the same form', async () => {
    const { base: bare } = await makeCapture({
      entries: [
        ...standardEntries().slice(0, 1),
        bytesEntry(
          'bodyfile/bodyfile.txt',
          BYTES.map((name) => `0|${displayName(`/tmp/${name}`)}|1|r/rrw-r--r--|1|1|7|1|1|1|0\n`).join(''),
        ),
      ],
    });
    const { out } = await program(['salvage', bare]);
    for (const name of BYTES) ok(out.includes(`not there   ${renderPath(`/tmp/${name}`)}\n`), name);
    const { notThere } = JSON.parse((await program(['salvage', bare, '--json'])).out) as { notThere: string[] };
    for (const name of NAMES) ok(notThere.includes(`/tmp/${Buffer.from(name, 'latin1').toString('utf8')}`), name);
  });
});

test('a name that no capture of ours wrote so stands for itself', () => {
  equal(nameBehind('/tmp/a\\b%zz'), '/tmp/a\\b%zz');
});
