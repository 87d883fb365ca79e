/**
 * Objects with names of a capture beside the capture, by whoever may write there: manifest.json says by names, sizes and
 * digests which are evidence. The others are told, and change nothing of what is read.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { openIdentity } from '../../src/seal/age-open.ts';
import { freshFolder, makeCapture, noise, type MadeCapture, type MakeOptions } from '../case/captures.ts';
import { IDENTITY } from '../case/checking.ts';
import { sha256 } from '../case/forge.ts';
import { program, type Ran } from './program.ts';

const SUFFIX = { zstd: '.zst', gzip: '.gz', none: '' } as const;
const RECIPIENT = openIdentity(IDENTITY).recipients[0]!;

let key = '';
before(() => {
  key = join(freshFolder(), 'key.txt');
  writeFileSync(key, IDENTITY);
});

type Foreign = (made: MadeCapture, tarball: Buffer) => Readonly<Record<string, Uint8Array>>;

interface Scene {
  readonly what: string;
  readonly options: MakeOptions;
  readonly foreign: Foreign;
}

function changed(body: Buffer): Buffer {
  const other = Buffer.from(body);
  other[other.length >> 1]! ^= 1;
  return other;
}

function scenes(compression: 'zstd' | 'gzip' | 'none'): readonly Scene[] {
  const suffix = SUFFIX[compression];
  const apart = { apart: true, compression } as const;
  const joined = { compression } as const;
  return [
    {
      what: 'a changed joined file beside segments',
      options: apart,
      foreign: (_, tarball) => ({ [`capture.tar${suffix}`]: changed(tarball) }),
    },
    {
      what: 'a copy of all segments, joined',
      options: apart,
      foreign: (_, tarball) => ({ [`capture.tar${suffix}`]: tarball }),
    },
    {
      what: 'a joined age file beside segments',
      options: apart,
      foreign: () => ({ [`capture.tar${suffix}.age`]: noise(3000, 1) }),
    },
    {
      what: 'a segment of 4 bytes beside the joined file',
      options: joined,
      foreign: () => ({ [`capture-0000.tar${suffix}`]: Buffer.from('junk') }),
    },
    {
      what: 'every segment, of the right size, with other bytes',
      options: joined,
      foreign: ({ segments }) =>
        Object.fromEntries(segments.map(({ name, bytes, number }) => [name, noise(bytes, number)])),
    },
    {
      what: 'one segment, copied out of the joined file',
      options: joined,
      foreign: ({ segments }) => ({ [segments[0]!.name]: Buffer.concat(segments[0]!.body) }),
    },
    {
      what: 'a joined file of another form',
      options: joined,
      foreign: () => ({ [compression === 'none' ? 'capture.tar.zst' : 'capture.tar']: noise(5000, 1) }),
    },
  ];
}

/** Members of the documents of several commands. */
interface Said {
  readonly items: number;
  readonly tarball: string;
  readonly states: Readonly<Record<string, number>>;
  readonly verdict: string;
  readonly sha256: string;
  readonly entries: number;
  readonly checks: readonly { readonly name: string; readonly state: string; readonly findings: readonly string[] }[];
}

function json({ out, err }: Ran): Said {
  assert.notEqual(out, '', err);
  return JSON.parse(out) as Said;
}

/** Every command where zstd packs; what depends on the names of the other forms for these. */
async function holds(made: MadeCapture, foreign: Readonly<Record<string, Uint8Array>>): Promise<void> {
  const { folder } = made;
  const clean = json(await program(['show', folder, '--json']));
  for (const [name, body] of Object.entries(foreign)) writeFileSync(join(folder, name), body, { flag: 'wx' });
  const names = Object.keys(foreign);

  const verified = await program(['verify', folder, '--json']);
  const told = json(verified);
  const failed = told.checks.filter(({ state }) => state === 'failed');
  assert.deepEqual([verified.code, failed.map(({ name }) => name)], [1, ['objects']], verified.out);
  assert.deepEqual([told.sha256, told.entries], [made.manifest.tarball.sha256, 27]);
  for (const name of names)
    assert.ok(
      failed[0]!.findings.some((text) => text.startsWith(`"${name}" does not belong: `)),
      failed[0]!.findings.join(),
    );

  const target = join(freshFolder(), 'pulled');
  const pulled = await program(['pull', folder, '--to', target, '--json']);
  const { tarball } = json(pulled);
  assert.equal(pulled.code, 1, pulled.err);
  assert.equal(sha256(readFileSync(join(target, tarball))), made.manifest.tarball.sha256);
  const copies = readdirSync(target).map((name) => sha256(readFileSync(join(target, name))));
  for (const [name, body] of Object.entries(foreign)) {
    assert.match(pulled.err + pulled.out, new RegExp(`${name.replaceAll('.', '\\.')} does not belong`, 'u'));
    assert.ok(copies.includes(sha256(body)), `${name} is copied as well`);
  }

  if (made.manifest.compression !== 'zstd') return;
  const salvaged = await program(['salvage', folder, '--json']);
  const { states } = json(salvaged);
  assert.deepEqual(
    [salvaged.code, states['whole'], { ...states, whole: 0, unlisted: 0 }],
    [1, 27, { whole: 0, unlisted: 0 }],
  );

  for (const command of ['show', 'timeline']) {
    const { code, err } = await program([command, folder]);
    assert.equal(code, 1, err);
    assert.match(err, /PROBLEM: .*does not belong/u, command);
  }
  assert.equal(json(await program(['show', folder, '--json'])).items, clean.items);
  const page = join(freshFolder(), 'x.html');
  assert.equal((await program(['report', folder, '--to', page])).code, 1);
  assert.match(readFileSync(page, 'utf8'), /does not belong/u);
}

for (const compression of ['zstd', 'gzip', 'none'] as const)
  describe(`objects that do not belong: ${compression}`, () => {
    const all = scenes(compression);
    for (const { what, options, foreign } of compression === 'zstd' ? all : [all[0]!, all[3]!, all[6]!])
      test(`${what}: told by every command, and nothing else changes`, async () => {
        const made = await makeCapture(options);
        await holds(made, foreign(made, Buffer.concat(made.segments.flatMap(({ body }) => body))));
      });
  });

describe('objects that do not belong beside age files', () => {
  test('a tarball that is not what they hold, a plain segment, and a joined age file', async () => {
    const made = await makeCapture({ apart: true, recipient: RECIPIENT });
    const opened = join(freshFolder(), 'opened');
    assert.equal((await program(['decrypt', made.folder, '-i', key, '--to', opened])).code, 0);
    const { folder } = made;
    writeFileSync(join(folder, 'capture.tar.zst'), readFileSync(opened));
    assert.equal((await program(['verify', folder, '-i', key])).code, 0);
    const other = await makeCapture({ entries: [] });
    writeFileSync(join(folder, 'capture.tar.zst'), Buffer.concat(other.segments.flatMap(({ body }) => body)));
    const replaced = await program(['verify', folder, '-i', key]);
    assert.equal(replaced.code, 1, replaced.out);
    assert.match(replaced.out, /- "capture\.tar\.zst" does not belong: it is [0-9a-f]{64}, the age files hold/u);
    assert.equal((await program(['verify', folder])).code, 1, 'the chain tells without the identity');
    writeFileSync(join(folder, 'capture.tar.zst.age'), noise(100, 1));
    writeFileSync(join(folder, 'capture-0000.tar.zst'), noise(100, 2));
    const to = join(freshFolder(), 'again');
    const { code, err } = await program(['decrypt', folder, '-i', key, '--to', to]);
    assert.equal(code, 1);
    for (const name of ['capture.tar.zst.age', 'capture-0000.tar.zst'])
      assert.match(err, new RegExp(`PROBLEM: .*${name.replaceAll('.', '\\.')} does not belong`, 'u'));
    assert.deepEqual(readFileSync(to), readFileSync(opened));
  });
});

describe('without manifest.json', () => {
  const scene = async (options: MakeOptions, foreign: Readonly<Record<string, Uint8Array>>): Promise<string> => {
    const { folder } = await makeCapture(options);
    for (const name of ['manifest.json', 'SHA256SUMS']) rmSync(join(folder, name), { force: true });
    for (const [name, body] of Object.entries(foreign)) writeFileSync(join(folder, name), body);
    return folder;
  };
  const junk = Buffer.from('junk');
  const cases: Readonly<Record<string, readonly [MakeOptions, Readonly<Record<string, Uint8Array>>]>> = {
    'junk segments beside the joined file': [{}, { 'capture-0000.tar.zst': junk, 'capture-0001.tar.zst': junk }],
    'junk joined files beside segments': [{ apart: true }, { 'capture.tar': junk, 'capture.tar.zst': junk }],
    'a longer run of another form': [
      { apart: true },
      Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`capture-000${String(index)}.tar.gz`, junk])),
    ],
    'a second object of a number': [{ apart: true }, { 'capture-0001-0123abcd.tar.zst': junk }],
  };
  for (const [what, [options, foreign]] of Object.entries(cases))
    test(`${what}: the evidence is read, and the others are told`, async () => {
      const folder = await scene(options, foreign);
      const { code, out } = await program(['verify', folder, '--json']);
      const told = json({ code, out, err: '' });
      assert.deepEqual([code, told.entries], [1, 27], out);
      const findings = told.checks.find(({ name }) => name === 'objects')!.findings.join('\n');
      for (const name of Object.keys(foreign)) assert.ok(findings.includes(`"${name}" does not belong`), findings);
      const salvaged = await program(['salvage', folder, '--json']);
      assert.equal(json(salvaged).states['whole'], 27, salvaged.out.slice(0, 2000));
      const shown = await program(['show', folder, '--json']);
      assert.equal(json(shown).items, 28);
    });
});
