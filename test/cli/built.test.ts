/** The command as it is published: one file, that needs nothing beside it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { makeCapture } from '../case/captures.ts';
import { builtAmber } from './command-built.ts';
import { COMMAND, NODE_22, program } from './program.ts';

describe('the built command, alone in a folder', () => {
  test('verifies, merges, and says nothing else', async () => {
    const amber = builtAmber();
    const { base } = await makeCapture();
    const verified = await amber(['verify', base]);
    assert.deepEqual([verified.code, verified.err], [0, '']);
    const merged = await amber(['timeline', base, '--jsonl']);
    assert.deepEqual([merged.code, merged.out.split('\n').length], [0, 3]);
    assert.match((await amber(['--help'])).out, /^ +amber collect +/mu);
  });

  test('runs on both runtimes of Lambda', async () => {
    const { base } = await makeCapture();
    for (const node of [process.execPath, NODE_22]) assert.equal((await program(['verify', base], { node })).code, 0);
  });

  test('brings the licences of what is in it', () => {
    assert.match(
      readFileSync(join(dirname(COMMAND), 'THIRD-PARTY.txt'), 'utf8'),
      /^@aws-sdk\/client-guardduty \d+\.\d+\.\d+$[\s\S]*Apache License/mu,
    );
  });
});
