/** `report` and `verify --all` count the captures of a case alike, and say the same of a log. */
import { deepEqual, doesNotMatch, equal, match } from 'node:assert/strict';
import { chmodSync, cpSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, test } from 'node:test';
import { CAPTURE_ID, freshFolder, makeCapture, type MadeCapture } from '../case/captures.ts';
import { asNobody, openToAll } from './as-nobody.ts';
import type { Ran } from './program.ts';

const OTHER = '0197c0de-0000-7000-8000-0000000000bb';

let base: string;
let log: string;
let made: MadeCapture;
let other: MadeCapture;
beforeEach(async () => {
  base = freshFolder();
  log = join(freshFolder(), 'function.log');
  [made, other] = [await makeCapture({ apart: true }), await makeCapture({ apart: true, captureId: OTHER })];
  renameSync(made.folder, join(base, `capture=${CAPTURE_ID}`));
  renameSync(other.folder, join(base, `capture=${OTHER}`));
  save(made.log + other.log);
  openToAll(base);
});

function save(text: string): void {
  writeFileSync(log, text);
  chmodSync(join(log, '..'), 0o755);
}

interface Both {
  readonly verify: Ran;
  readonly report: Ran;
  readonly count: string;
}

/** The exit codes and the counts are the same, in words, in JSON and in the page. */
async function both(): Promise<Both> {
  const folder = freshFolder();
  chmodSync(folder, 0o777);
  const [page, again] = [join(folder, 'a.html'), join(folder, 'b.html')];
  const verify = await asNobody(['verify', base, '--all', '--log', log]);
  const report = await asNobody(['report', base, '--log', log, '--to', page]);
  equal(report.code, verify.code, report.out + report.err);
  const [, count = ''] = /^(\d+ of \d+ verified.*)$/mu.exec(verify.out) ?? [];
  const [, verified, all] = /^(\d+) of (\d+)/u.exec(count) ?? [];
  equal(report.out, `${page}: ${all} captures, ${count.replace(/ of \d+/u, '')}\n`);
  equal(readFileSync(page, 'utf8').includes(`>${count}</p>`), true, count);
  const numbers = { verified: Number(verified), all: Number(all) };
  const told = JSON.parse((await asNobody(['verify', base, '--all', '--log', log, '--json'])).out) as typeof numbers;
  deepEqual({ verified: told.verified, all: told.all }, numbers);
  const { out } = await asNobody(['report', base, '--log', log, '--to', again, '--json']);
  const { captures, verified: good } = JSON.parse(out) as { captures: number; verified: number };
  deepEqual({ verified: good, all: captures }, numbers);
  return { verify, report, count };
}

describe('report and verify --all', () => {
  test('of a log that has no line at all', async () => {
    save('');
    const { verify, count } = await both();
    deepEqual([verify.code, count], [3, '0 of 2 verified']);
  });

  test('of a log that could not be read, which is not a part of it', async () => {
    writeFileSync(log, Buffer.alloc(3000, 0xfe));
    const { verify, count } = await both();
    const why = 'the log was not read, so captures that it names may be missing';
    deepEqual([verify.code, count], [3, `0 of 2 verified; ${why}`]);
  });

  test('of a log that has lines of another capture alone', async () => {
    save(other.log);
    const { verify, count } = await both();
    deepEqual([verify.code, count], [3, '1 of 2 verified']);
    doesNotMatch(verify.out, /FAILED/u);
    match(verify.out, new RegExp(`there is no line of this capture in it, only of ${OTHER}; is it the log of`, 'u'));
    const { code, out } = await asNobody(['verify', base, CAPTURE_ID, '--log', log]);
    equal(code, 3, out);
    match(out, /^not verified against the log, which has no line of this capture; else verified: /mu);
    const one = await asNobody(['verify', base, CAPTURE_ID, '--log', log, '--json']);
    const told = JSON.parse(one.out) as { summary: string; log: string };
    deepEqual([told.log, told.summary.startsWith('not verified against the log, ')], ['no-line', true], one.out);
  });

  test('of copies with the same bytes, which are one capture', async () => {
    cpSync(join(base, `capture=${OTHER}`), join(base, 'again', `capture=${OTHER}`), { recursive: true });
    openToAll(base);
    const { verify, count } = await both();
    deepEqual([verify.code, count], [0, '2 of 2 verified']);
  });

  test('of many that only the log names', async () => {
    const line = other.log.split('\n').find((one) => one.includes('"amber":"segment"')) ?? '';
    const more = Array.from({ length: 130 }, (_, at) => line.replaceAll(OTHER, `absent-${at}`));
    save([made.log, other.log, ...more, ''].join('\n'));
    const { verify, count } = await both();
    deepEqual([verify.code, count], [1, '2 of 132 verified; 130 are named in the log, not stored']);
  });

  test('of a folder that may not be read, with a capture that only the log names', async () => {
    mkdirSync(join(base, 'closed'));
    renameSync(join(base, `capture=${OTHER}`), join(base, 'closed', `capture=${OTHER}`));
    chmodSync(join(base, 'closed'), 0);
    const { verify, count } = await both();
    deepEqual([verify.code, count], [3, '1 of 2 verified; 1 is named in the log, not found in what could be read']);
  });

  test('of a link to a capture: it is not followed, and nobody says that it was removed', async () => {
    const elsewhere = join(freshFolder(), 'elsewhere');
    renameSync(join(base, `capture=${OTHER}`), elsewhere);
    symlinkSync(elsewhere, join(base, `capture=${OTHER}`));
    const { verify, count } = await both();
    deepEqual([verify.code, count], [3, '1 of 2 verified; 1 is named in the log, not found in what could be read']);
    match(verify.err, /^NOT FOLLOWED: /mu);
    match(verify.out, /^NOT FOUND: capture .* named in the log, not found in what could be read/mu);
    doesNotMatch(verify.out, /FAILED|never there/u);
  });
});
