/** Ordinary faults of the file system and of what was typed: a plain line and the exit code, nothing half done. */
import { equal, match, doesNotMatch, deepEqual } from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { CAPTURE_ID, freshFolder, makeCapture } from '../case/captures.ts';
import { program } from './program.ts';

describe('amber trigger --new-key', () => {
  test('below a file, or an empty name: a plain line', async () => {
    const file = join(freshFolder(), 'file');
    writeFileSync(file, '');
    for (const [folder, expected] of [
      [file, 3],
      [join(file, 'keys'), 3],
      ['', 2],
    ] as const) {
      const { code, err } = await program(['trigger', '--new-key', folder]);
      equal(code, expected, err);
      doesNotMatch(err, /BUG/u);
    }
  });

  test('one name of the pair is taken: no half of a pair is left', async () => {
    const folder = freshFolder();
    mkdirSync(join(folder, 'amber-control.pub'));
    const { code } = await program(['trigger', '--new-key', folder]);
    equal(code, 2);
    deepEqual(readdirSync(folder), ['amber-control.pub']);
    equal(existsSync(join(folder, 'amber-control.key')), false);
  });
});

test('an empty location is a usage error, and an unknown command ends its sentence', async () => {
  equal((await program(['verify', ''])).code, 2);
  match(
    (await program(['bogus'])).err,
    /There is no command "bogus"; expected one of trigger, .*, for example amber captures --help\./u,
  );
});

test('an empty log on standard input: the last line does not say verified', async () => {
  const { folder } = await makeCapture();
  const { code, out } = await program(['verify', folder, '--log', '-'], { input: '' });
  equal(code, 3);
  match(out, /not verified against the log/u);
  doesNotMatch(out, /^verified/mu);
});

describe('a capture whose folder was renamed or copied', () => {
  const OTHER = '0197c0de-1111-7000-8000-0000000000bb';

  test('verify tells it, and show finds it by both ids', async () => {
    const { folder, base } = await makeCapture();
    const renamed = join(dirname(folder), `capture=${OTHER}`);
    renameSync(folder, renamed);
    const { code, out } = await program(['verify', renamed]);
    equal(code, 1);
    match(out, new RegExp(`folder is that of capture ${OTHER}, manifest\\.json is of ${CAPTURE_ID}`, 'u'));
    for (const id of [OTHER, CAPTURE_ID]) {
      const shown = await program(['show', base, id.slice(0, 13)]);
      equal(shown.code, 1, id);
      match(shown.err, new RegExp(`PROBLEM: the folder is that of capture ${OTHER}`, 'u'));
    }
  });

  test('verify tells another function', async () => {
    const { folder, base } = await makeCapture();
    const found = /^(.*)\/function=checkout(\/.*)$/u.exec(folder);
    renameSync(`${found![1]!}/function=checkout`, `${found![1]!}/function=other`);
    const { code, out } = await program(['verify', base]);
    equal(code, 1);
    match(out, /folder is that of function other, manifest\.json is of checkout/u);
  });

  test('captures tells copies', async () => {
    const { folder, base } = await makeCapture();
    cpSync(folder, join(base, 'copy'), { recursive: true });
    match((await program(['captures', base])).err, new RegExp(`Capture ${CAPTURE_ID} is there 2 times`, 'u'));
  });
});
