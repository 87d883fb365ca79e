/** What an outsider adds to a capture or changes in it, on its way to the responder's folder. */
import { deepEqual, doesNotMatch, equal, match } from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { bytesEntry, freshFolder, makeCapture, standardEntries } from '../case/captures.ts';
import { readManifest, sha256, writeManifest } from '../case/forge.ts';
import { program } from './program.ts';

const fresh = (): string => join(freshFolder(), 'made');

describe('bytes behind the segments of a joined file', () => {
  const more: Readonly<Record<string, () => Promise<Buffer>>> = {
    'a skippable frame': () =>
      Promise.resolve(Buffer.concat([Buffer.from('502a4d1804000000', 'hex'), Buffer.from('evil')])),
    'a frame with a tar': async () => {
      const other = await makeCapture({ entries: [bytesEntry('[root]/tmp/evil', 'evil')] });
      return readFileSync(join(other.folder, 'capture.tar.zst'));
    },
  };
  for (const [what, make] of Object.entries(more))
    test(`${what}: pull keeps it apart, and every command tells it with exit code 1`, async () => {
      const { folder, manifest } = await makeCapture();
      const behind = await make();
      writeFileSync(join(folder, 'capture.tar.zst'), behind, { flag: 'a' });
      const target = fresh();
      const pulled = await program(['pull', folder, '--to', target]);
      equal(pulled.code, 1, pulled.err);
      match(pulled.err, /PROBLEM: capture\.tar\.zst has \d+ bytes more than the segments of manifest\.json/u);
      equal(sha256(readFileSync(join(target, 'capture.tar.zst'))), manifest.tarball.sha256);
      deepEqual(readFileSync(join(target, 'surplus-capture.tar.zst')), behind);
      for (const command of ['show', 'timeline', 'salvage']) {
        const { code, out, err } = await program([command, folder]);
        equal(code, 1, `${command} ${err}`);
        match(out + err, /PROBLEM: .*bytes more than the segments of manifest\.json/u, command);
      }
    });
});

describe('pull compares the whole with manifest.json', () => {
  const changes = {
    'its SHA-256': [
      { sha256: 'ab'.repeat(32) },
      /PROBLEM: the joined segments are [0-9a-f]{64}, manifest\.json says abab/u,
    ],
    'its size': [{ bytes: 7 }, /PROBLEM: the joined segments have \d+ bytes, manifest\.json says 7/u],
  } as const;
  for (const [what, [change, told]] of Object.entries(changes))
    for (const apart of [false, true])
      test(`${what} is another one, ${apart ? 'segments apart' : 'one joined file'}`, async () => {
        const { folder } = await makeCapture({ apart });
        const manifest = readManifest(folder);
        const edited = { ...manifest, tarball: { ...manifest.tarball, ...change } };
        if (apart) writeFileSync(join(folder, 'manifest.json'), JSON.stringify(edited));
        else writeManifest(folder, edited);
        const { code, err } = await program(['pull', folder, '--to', fresh()]);
        equal(code, 1, err);
        match(err, told);
      });

  test('one that is as it was has no problem', async () => {
    const { folder } = await makeCapture({ apart: true });
    const { code, err } = await program(['pull', folder, '--to', fresh()]);
    deepEqual([code, err], [0, '']);
  });
});

describe('pull without manifest.json, of a joined file and segments', () => {
  test('says that nothing was joined, and calls no file the tarball', async () => {
    const { folder, segments } = await makeCapture({ apart: true });
    rmSync(join(folder, 'manifest.json'));
    const forged = await makeCapture({ entries: standardEntries().slice(0, 2) });
    const joined = readFileSync(join(forged.folder, 'capture.tar.zst'));
    writeFileSync(join(folder, 'capture.tar.zst'), joined);
    const target = fresh();
    const { code, out } = await program(['pull', folder, '--to', target]);
    equal(code, 1, out);
    match(out, /, not joined$/mu);
    doesNotMatch(out, /joined to/u);
    deepEqual(readFileSync(join(target, 'foreign-capture.tar.zst')), joined);
    equal(existsSync(join(target, 'capture.tar.zst')), false);
    for (const { name } of segments) equal(existsSync(join(target, name)), true, name);
  });

  test('nor where the joined file begins as a capture does, and the segments do not', async () => {
    const { folder } = await makeCapture();
    rmSync(join(folder, 'manifest.json'));
    writeFileSync(join(folder, 'capture-0000.tar.zst'), 'junk');
    const { code, out } = await program(['pull', folder, '--to', fresh()]);
    equal(code, 1, out);
    match(out, /, not joined$/mu);
  });
});

describe('salvage of an extra segment beside a whole capture', () => {
  for (const apart of [true, false])
    test(`calls its entries unlisted and unpacks none, ${apart ? 'segments apart' : 'one joined file'}`, async () => {
      const { folder, segments } = await makeCapture({ apart });
      const other = await makeCapture({ entries: [bytesEntry('[root]/tmp/evil', 'evil')], apart: true });
      const [first] = other.segments;
      const name = `capture-000${segments.length}.tar.zst`;
      writeFileSync(join(folder, name), readFileSync(join(other.folder, first!.name)));
      const target = fresh();
      const { code, out } = await program(['salvage', folder, '--to', target]);
      equal(code, 1, out);
      match(out, /^unlisted .*tmp\/evil .*does not belong/mu);
      const made = readdirSync(join(target, 'files'), { recursive: true, encoding: 'utf8' });
      deepEqual(
        made.filter((path) => path.endsWith('evil')),
        [],
      );
      equal(
        made.some((path) => path.endsWith('file-1')),
        true,
      );
    });
});
