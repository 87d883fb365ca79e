/** The program as a process: links, exit codes, pipes. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { EXIT } from '../../src/cli/amber.ts';
import { openIdentity } from '../../src/seal/age-open.ts';
import { bytesEntry, CAPTURE_ID, freshFolder, makeCapture, standardEntries } from '../case/captures.ts';
import { IDENTITY } from '../case/checking.ts';
import { COMMAND } from './program.ts';

describe('the program', () => {
  test('runs through a link, exits with the code, survives a closed pipe', async () => {
    const made = await makeCapture({
      entries: [
        ...standardEntries(),
        ...Array.from({ length: 3000 }, (_, index) => bytesEntry(`many/${'x'.repeat(50)}${index}`, '')),
      ],
    });
    const bin = join(freshFolder(), 'bin');
    mkdirSync(bin);
    symlinkSync(COMMAND, join(bin, 'amber'));
    const ran = spawnSync(process.execPath, [join(bin, 'amber'), 'verify', made.base], { encoding: 'utf8' });
    assert.equal(ran.status, 0, ran.stderr);
    assert.equal(ran.stderr, '');
    assert.equal(spawnSync(process.execPath, [COMMAND, 'verify', made.base, '--bad']).status, EXIT.usage);
    assert.equal(spawnSync(process.execPath, [COMMAND, 'verify', '/nowhere']).status, EXIT.unreachable);
    const child = spawn(process.execPath, [COMMAND, 'salvage', made.base], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.once('data', () => child.stdout.destroy());
    let err = '';
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    const code = await new Promise((resolve) => child.once('close', resolve));
    assert.deepEqual([code, err], [0, '']);
  });

  test('takes the log and the identity from standard input', async () => {
    const made = await makeCapture({ apart: true, recipient: openIdentity(IDENTITY).recipients[0]! });
    const log = spawnSync(process.execPath, [COMMAND, 'verify', made.folder, '--log', '-'], {
      input: made.log,
      encoding: 'utf8',
    });
    assert.equal(log.status, 0, log.stderr);
    assert.match(log.stdout, /ok +digests in the log/u);
    const key = spawnSync(process.execPath, [COMMAND, 'verify', made.folder, '-i', '-'], {
      input: `${IDENTITY}\n`,
      encoding: 'utf8',
    });
    assert.equal(key.status, 0, key.stderr);
    assert.match(key.stdout, new RegExp(`capture ${CAPTURE_ID}`, 'u'));
  });
});
