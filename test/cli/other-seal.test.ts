/** manifest.json calls plain segments age files, or the reverse: the bytes and the names decide, and it is told. */
import { doesNotMatch, equal, match } from 'node:assert/strict';
import { readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { freshFolder, makeCapture } from '../case/captures.ts';
import { readManifest } from '../case/forge.ts';
import { program } from './program.ts';

const RECIPIENT = 'age1x20pnhamx9jmkz0q4d52x05qgpl6j6c5v422ltxnglypqy5swqhs0es57w';
const ASKS = /give the identity|are age files|is an age file/u;

describe('a recipient that was written into manifest.json', () => {
  for (const apart of [true, false])
    test(`of ${apart ? 'segments' : 'a joined file'}: no command asks for an identity, and each tells`, async () => {
      const { folder } = await makeCapture({ apart });
      writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ ...readManifest(folder), recipient: RECIPIENT }));
      for (const command of ['verify', 'show', 'captures', 'timeline']) {
        const { code, out, err } = await program([command, folder]);
        equal(code, 1, `${command}: ${out}${err}`);
        doesNotMatch(out + err, ASKS, command);
      }
      const { out } = await program(['verify', folder]);
      match(out, /its segment capture-0000\.tar\.zst has not the name of an age file/u);
      match((await program(['salvage', folder])).out, /^\s*(?:whole|unconfirmed) /mu);
    });

  test('and age names for plain segments: verified by nobody', async () => {
    const { folder } = await makeCapture({ apart: true });
    const manifest = readManifest(folder);
    for (const name of readdirSync(folder).filter((one) => one.endsWith('.tar.zst')))
      renameSync(join(folder, name), join(folder, `${name}.age`));
    const segments = manifest.segments.map((segment) => ({ ...segment, name: `${segment.name}.age` }));
    writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ ...manifest, recipient: RECIPIENT, segments }));
    const { code, out } = await program(['verify', folder]);
    equal(code, 1, out);
    match(out, /FAILED.*capture-0000\.tar\.zst\.age has the name of an age file, and is none/u);
  });
});

test('a recipient that was taken out of manifest.json is told', async () => {
  const { folder } = await makeCapture({ apart: true, recipient: RECIPIENT });
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ ...readManifest(folder), recipient: null }));
  const { code, out } = await program(['verify', folder]);
  equal(code, 1, out);
  match(out, /its segment capture-0000\.tar\.zst\.age has the name of an age file/u);
});

test('pull says why segments are not joined', async () => {
  const { folder } = await makeCapture({ apart: true });
  const cases: readonly (readonly [change: object | undefined, told: RegExp])[] = [
    [{ recipient: RECIPIENT }, /Not joined, manifest\.json is not usable: it has a recipient/u],
    [{ clocks: null }, /Not joined, manifest\.json is not usable: its field clocks/u],
    [undefined, /Not joined, there is no manifest\.json: segments were copied as they are/u],
  ];
  const manifest = readManifest(folder);
  for (const [change, told] of cases) {
    if (change === undefined) rmSync(join(folder, 'manifest.json'));
    else writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ ...manifest, ...change }));
    const { code, err } = await program(['pull', folder, '--to', join(freshFolder(), 'pulled')]);
    equal(code, 1, err);
    match(err, told);
    doesNotMatch(err, /capture is cut/u);
  }
});
