/** What `show`, `timeline` and `captures` say of a capture that is not as it should be, and their exit codes. */
import { deepEqual, doesNotMatch, equal, match } from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { CAPTURE_ID, freshFolder, makeCapture } from '../case/captures.ts';
import { readManifest } from '../case/forge.ts';
import { program } from './program.ts';

const SECOND = 'capture-0001.tar.zst';
const MARKER = 'manifest.json';

const apart = async (): Promise<string> => (await makeCapture({ apart: true })).folder;

function edit(folder: string, change: Readonly<Record<string, unknown>>): void {
  writeFileSync(join(folder, MARKER), JSON.stringify({ ...readManifest(folder), ...change }));
}

/** What is done to a capture, and what of it is told. */
const SPOILT: Readonly<Record<string, readonly [(folder: string) => void, RegExp]>> = {
  'an empty segment beside': [(at) => writeFileSync(join(at, 'capture-0099.tar.zst'), ''), /capture-0099\S+ is empty/u],
  'a FIFO beside': [
    (at) => void execFileSync('mkfifo', [join(at, 'capture-0099.tar.zst')]),
    /capture-0099\S+ is not a file: it is a FIFO/u,
  ],
  'a link beside': [
    (at) => symlinkSync('/etc/passwd', join(at, 'SHA256SUMS')),
    /SHA256SUMS is not a file: it is a symbolic link/u,
  ],
  'a FIFO in the place of manifest.json': [
    (at) => {
      rmSync(join(at, MARKER));
      execFileSync('mkfifo', [join(at, MARKER)]);
    },
    /manifest\.json is not usable: it is a FIFO/u,
  ],
};

describe('objects that are no bytes of a capture', () => {
  for (const [what, [spoil, told]] of Object.entries(SPOILT))
    test(`${what}: captures, show and timeline tell it, with exit code 1`, async () => {
      const folder = await apart();
      spoil(folder);
      for (const command of ['captures', 'show', 'timeline']) {
        const { code, err } = await program([command, folder]);
        deepEqual([command, code], [command, 1], err);
        match(err, told, command);
      }
    });
});

describe('a capture that is not whole', () => {
  test('manifest.json was removed: show and timeline exit with 1, as captures and verify do', async () => {
    for (const folder of [await apart(), (await makeCapture()).folder]) {
      rmSync(join(folder, MARKER));
      for (const command of ['captures', 'verify', 'show', 'timeline']) {
        const { code, out, err } = await program([command, folder]);
        deepEqual([command, code], [command, 1], err);
        match(out + err, command === 'captures' ? / cut /u : /there is no manifest\.json/u);
      }
    }
  });

  test('a segment is not there: the evidence was not checked', async () => {
    const folder = await apart();
    rmSync(join(folder, SECOND));
    const shown = await program(['show', folder]);
    equal(shown.code, 1);
    match(shown.out, /^evidence +not checked \(manifest\.json says partial: 1 denied/mu);
    match((await program(['captures', folder])).out, / not all there .* not checked /u);
  });

  test('it is sealed, and there is no identity: the evidence was not checked', async () => {
    const recipient = await identityToRecipient(await generateX25519Identity());
    const { out } = await program(['show', (await makeCapture({ recipient })).folder]);
    match(out, /^evidence +not checked \(manifest\.json says /mu);
  });

  test('a segment alone is called so, and is no whole capture', async () => {
    const { code, out, err } = await program(['show', join(await apart(), 'capture-0000.tar.zst')]);
    equal(code, 1, out);
    match(out, /^state +one segment alone, /mu);
    match(out, /^evidence +not checked /mu);
    doesNotMatch(out, /whole/u);
    match(err, /PROBLEM: one segment alone was given: give the folder/u);
  });
});

describe('a manifest.json that says what is not so', () => {
  test('its state is cut, and all is there', async () => {
    const folder = await apart();
    edit(folder, { state: 'cut' });
    const { code, err } = await program(['show', folder]);
    equal(code, 1, err);
    match(err, /PROBLEM: manifest\.json says that segments were lost/u);
  });

  test('its completeness is another one than that of the items', async () => {
    const folder = await apart();
    edit(folder, { completeness: { state: 'complete', outcomes: {}, reasons: [] }, outcomes: { collected: 28 } });
    const { code, out } = await program(['show', folder]);
    match(out, /^evidence +.*; FALSE: manifest\.json says complete/mu);
    equal(code, 1, out);
  });

  test('it took less than no time', async () => {
    const folder = await apart();
    edit(folder, { clocks: { ...readManifest(folder).clocks, elapsedMs: -5 } });
    doesNotMatch((await program(['show', folder])).out, /took/u);
  });

  test('it is of another capture: the timeline tells it too', async () => {
    const folder = await apart();
    edit(folder, { captureId: CAPTURE_ID.replace(/aa$/u, 'bb') });
    for (const command of ['show', 'timeline']) {
      const { code, err } = await program([command, folder]);
      equal(code, 1, command);
      match(err, /capture\.json is of capture 0197c0de\S+aa, manifest\.json of 0197c0de\S+bb/u);
    }
  });
});

test('a capture that is as it should be has exit code 0 in all of them', async () => {
  for (const folder of [await apart(), (await makeCapture()).folder])
    for (const command of ['captures', 'show', 'timeline', 'verify'])
      deepEqual([command, (await program([command, folder])).code], [command, 0]);
});

test('an advice is not redacted for the name of the file that was given', async () => {
  const { err } = await program(['salvage', '--log', '/etc/passwd']);
  match(err, /no line .* in \/etc\/passwd\. Captures write them only where no destination takes/u);
});

test('an identity that is a folder is called one', async () => {
  const { code, err } = await program(['show', await apart(), '--identity', freshFolder()]);
  equal(code, 3);
  match(err, /it is a folder, not a file/u);
});
