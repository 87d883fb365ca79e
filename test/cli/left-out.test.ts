/** What cannot be read keeps nothing else from being read: it is one line, and the exit code is 3. */
import { deepEqual, doesNotMatch, equal, match } from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, test } from 'node:test';
import { freshFolder, makeCapture } from '../case/captures.ts';
import { asNobody } from './as-nobody.ts';
import { program } from './program.ts';

const OTHER = '0197c0de-0000-7000-8000-0000000000bb';

/** Each reads all captures of a case. */
const COMMANDS = {
  verify: ['--all'],
  captures: [],
  timeline: [],
  report: ['--to', 'page.html'],
} as const;
type Name = keyof typeof COMMANDS;
const NAMES = Object.keys(COMMANDS) as readonly Name[];
/** What each says of the one capture that is read. */
const READ: Readonly<Record<Name, RegExp>> = {
  verify: /^verified: .*\n[^]*^1 of [12] verified$/mu,
  captures: / whole +checkout /u,
  timeline: /Capture 0197c0de-0000-7000-8000-0000000000aa started/u,
  report: / 1 verified$/mu,
};

let base: string;
let bad: string;
let good: string;
beforeEach(async () => {
  base = freshFolder();
  bad = join(base, `capture=${OTHER}`);
  good = join(base, 'good');
  renameSync((await makeCapture({ captureId: OTHER })).folder, bad);
  renameSync((await makeCapture({ apart: true })).folder, good);
  chmodSync(base, 0o755);
  for (const folder of [bad, good]) {
    chmodSync(folder, 0o755);
    for (const name of readdirSync(folder)) chmodSync(join(folder, name), 0o644);
  }
});

async function each(path: string, why: RegExp): Promise<void> {
  for (const name of NAMES) {
    const { code, out, err } = await asNobody([name, base, ...COMMANDS[name]]);
    equal(code, 3, `${name}: ${out}${err}`);
    match(out, READ[name]);
    const lines = err.split('\n').filter((line) => line.startsWith('NOT READ: '));
    equal(lines.length, 1, `${name}: ${err}`);
    match(lines[0]!, why);
    equal(lines[0]!.includes(path), true, lines[0]);
  }
}

describe('what cannot be read', () => {
  test('a folder', async () => {
    chmodSync(bad, 0);
    await each(bad, /CASE_DENIED: /u);
  });

  test('a folder that may be listed and not entered', async () => {
    chmodSync(bad, 0o444);
    await each(bad, /CASE_DENIED: /u);
  });

  test('manifest.json', async () => {
    chmodSync(join(bad, 'manifest.json'), 0);
    await each(bad, /CASE_DENIED: .*manifest\.json/u);
  });

  test('a folder whose name is no UTF-8', async () => {
    rmSync(bad, { recursive: true });
    mkdirSync(Buffer.concat([Buffer.from(`${base}/`), Buffer.from([0x63, 0xff])]));
    await each(base, /CASE_UNREADABLE: the name of the folder is no UTF-8/u);
  });

  test('the tarball: verify, timeline and report say so; captures lists by names alone', async () => {
    chmodSync(join(bad, 'capture.tar.zst'), 0);
    for (const name of NAMES) {
      const { code, out, err } = await asNobody([name, base, ...COMMANDS[name]]);
      equal(code, name === 'captures' ? 0 : 3, `${name}: ${out}${err}`);
      equal(err.match(/^NOT READ: /gmu)?.length ?? 0, name === 'captures' ? 0 : 1, err);
      match(out, READ[name]);
    }
  });

  test('JSON names it as well', async () => {
    chmodSync(bad, 0);
    for (const name of ['verify', 'captures', 'report'] as const) {
      const { out } = await asNobody([name, base, ...COMMANDS[name], '--json']);
      const { unread } = JSON.parse(out) as { unread: string[] };
      deepEqual([unread.length, unread[0]?.startsWith(`${bad}/: CASE_DENIED: `)], [1, true], out);
    }
  });

  test('is not taken for one that was removed, where a log names it', async () => {
    const log = join(base, 'function.log');
    const [one, other] = [await makeCapture({ apart: true }), await makeCapture({ captureId: OTHER })];
    rmSync(good, { recursive: true });
    renameSync(one.folder, good);
    chmodSync(good, 0o755);
    writeFileSync(log, one.log + other.log);
    chmodSync(bad, 0);
    const { code, out } = await asNobody(['verify', base, '--all', '--log', log]);
    equal(code, 3, out);
    doesNotMatch(out, /not stored/u);
  });

  test('does not hide a capture that is asked for by its id', async () => {
    chmodSync(bad, 0);
    const { code, out, err } = await asNobody(['verify', base, '0197c0de000070008000-0000000000aa']);
    equal(code, 0, err);
    match(out, /^verified: /mu);
  });

  test('a manifest.json that is too large to be one fails its capture alone', async () => {
    writeFileSync(join(bad, 'manifest.json'), Buffer.alloc(64 * 1024 * 1024 + 1, 0x20));
    const { code, out } = await program(['verify', base, '--all']);
    equal(code, 1, out);
    match(out, /^ +- manifest\.json is not usable: .* is larger than 67108864 bytes/mu);
    match(out, /^1 of 2 verified$/mu);
  });
});

describe('a symbolic link', () => {
  test('to a capture is named, not followed, and changes no exit code', async () => {
    rmSync(bad, { recursive: true });
    const elsewhere = (await makeCapture({ captureId: OTHER })).folder;
    symlinkSync(elsewhere, join(base, 'b'));
    for (const name of NAMES) {
      const { code, out, err } = await program([name, base, ...COMMANDS[name]], { cwd: freshFolder() });
      equal(code, 0, `${name}: ${out}${err}`);
      match(out, READ[name]);
      const told = `NOT FOLLOWED: ${base}/b: it is a symbolic link, and links are not followed`;
      deepEqual(
        err.split('\n').filter((line) => line.startsWith('NOT ')),
        [told],
      );
    }
  });

  test('to a file of another name is none', async () => {
    rmSync(bad, { recursive: true });
    symlinkSync(join(good, 'manifest.json'), join(base, 'notes.txt'));
    const { code, err } = await program(['captures', base]);
    deepEqual([code, err], [0, '']);
  });

  test('in the place of manifest.json is what verify and captures call it', async () => {
    renameSync(join(bad, 'manifest.json'), join(base, 'elsewhere.json'));
    symlinkSync(join(base, 'elsewhere.json'), join(bad, 'manifest.json'));
    const verified = await program(['verify', bad]);
    equal(verified.code, 1);
    match(verified.out, /manifest\.json is not usable: it is a symbolic link/u);
    doesNotMatch(verified.out, /manifest\.json"? is not there|there is no manifest\.json/u);
    const listed = await program(['captures', bad]);
    equal(listed.code, 1);
    match(listed.out, / not as committed /u);
    match(listed.err, /PROBLEM: .*: manifest\.json is not usable: it is a symbolic link/u);
  });
});
