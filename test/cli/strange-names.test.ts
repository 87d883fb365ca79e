/** Names that are no UTF-8 lie beside the captures: extracted evidence holds what an attacker wrote. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { freshFolder, makeCapture } from '../case/captures.ts';
import { program } from './program.ts';

test('a name that is no UTF-8 keeps nobody from the captures beside and above it', async () => {
  const base = freshFolder();
  const { folder } = await makeCapture({ into: base });
  for (const place of [base, folder])
    execFileSync('bash', [
      '-c',
      String.raw`mkdir "$1"/$'dir-\xff' && touch "$1"/$'dir-\xff'/x "$1"/$'file-\xfe'`,
      '-',
      place,
    ]);
  for (const command of ['captures', 'verify', 'timeline']) {
    const { code, out, err } = await program([command, base, ...(command === 'verify' ? ['--all'] : [])]);
    assert.equal(code, 3, `${command}: ${err}`);
    assert.equal(err.match(/^NOT READ: .*dir-.*: CASE_UNREADABLE: the name of the folder is no UTF-8$/gmu)?.length, 2);
    assert.match(out, command === 'timeline' ? /\d{4}-\d\d-\d\d/u : /0197c0de/u);
  }
});
