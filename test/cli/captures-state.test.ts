/** What `amber captures` calls a capture by its listing alone, and with which exit code. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { openIdentity } from '../../src/seal/age-open.ts';
import type { CaptureManifest } from '../../src/seal/commit.ts';
import { freshFolder, makeCapture, type MadeCapture, type MakeOptions } from '../case/captures.ts';
import { IDENTITY } from '../case/checking.ts';
import { readManifest } from '../case/forge.ts';
import { program } from './program.ts';

interface Listed {
  readonly code: number;
  readonly err: string;
  readonly state: string;
  readonly problems: readonly string[];
  readonly completeness: string;
}

async function captures(folder: string): Promise<Listed> {
  const plain = await program(['captures', folder]);
  const { code, out } = await program(['captures', folder, '--json']);
  const [one] = (JSON.parse(out) as { captures: Listed[] }).captures;
  assert.ok(one !== undefined);
  assert.equal(plain.code, code);
  assert.match(plain.out, new RegExp(` ${one.state}`, 'u'));
  return { ...one, code, err: plain.err };
}

const FORMS: Readonly<Record<string, MakeOptions>> = {
  'segments apart': { apart: true },
  'segments apart, gzip': { apart: true, compression: 'gzip' },
  'age files': { apart: true, recipient: openIdentity(IDENTITY).recipients[0]! },
  'a joined file': {},
};
const SUFFIX = { zstd: '.zst', gzip: '.gz', none: '' } as const;

/** The object of segment 1. */
function objectOf({ folder, segments, manifest }: MadeCapture, joined: boolean): string {
  return join(folder, joined ? `capture.tar${SUFFIX[manifest.compression]}` : segments[1]!.name);
}

const DAMAGE: Readonly<Record<string, (path: string) => void>> = {
  truncated: (path) => truncateSync(path, 100),
  'with 100 bytes more': (path) => writeFileSync(path, Buffer.alloc(100), { flag: 'a' }),
  'beside another segment': (path) => writeFileSync(join(dirname(path), 'capture-0099.tar.zst'), 'x'),
  'beside a joined age file': (path) => writeFileSync(join(dirname(path), 'capture.tar.zst.age'), 'x'),
};

for (const [form, options] of Object.entries(FORMS))
  describe(`captures: ${form}`, () => {
    test('is whole as it was committed', async () => {
      const { code, state, problems } = await captures((await makeCapture(options)).folder);
      assert.deepEqual([code, state, problems], [0, 'whole', []]);
    });

    for (const [what, damage] of Object.entries(DAMAGE))
      test(`${what}: not as committed, exit code 1`, async () => {
        const made = await makeCapture(options);
        damage(objectOf(made, form === 'a joined file'));
        const { code, state, problems, err } = await captures(made.folder);
        assert.deepEqual([code, state, problems.length], [1, 'not as committed', 1], problems.join());
        assert.match(err, /PROBLEM: .*(?:has \d+ bytes, manifest\.json says \d+|does not belong)/u);
      });
  });

describe('captures', () => {
  test('junk beside a joined file, and a junk file beside segments, take no place', async () => {
    const joined = await makeCapture();
    writeFileSync(join(joined.folder, 'capture-0000.tar.zst'), 'junk');
    assert.deepEqual((await captures(joined.folder)).problems, ['capture-0000.tar.zst does not belong']);
    const apart = await makeCapture({ apart: true });
    writeFileSync(join(apart.folder, 'capture.tar.zst'), 'junk');
    assert.deepEqual((await captures(apart.folder)).problems, ['capture.tar.zst does not belong']);
  });

  test('a segment that is gone: not all there; without manifest.json: cut; both exit with 1', async () => {
    const made = await makeCapture({ apart: true });
    rmSync(join(made.folder, made.segments[1]!.name));
    const gone = await captures(made.folder);
    assert.deepEqual([gone.code, gone.state], [1, 'not all there']);
    rmSync(join(made.folder, 'manifest.json'));
    const cut = await captures(made.folder);
    assert.deepEqual([cut.code, cut.state], [1, 'cut']);
  });

  test('one that calls itself cut exits with 1', async () => {
    const made = await makeCapture({ apart: true });
    const manifest = readManifest(made.folder);
    rmSync(join(made.folder, made.segments[1]!.name));
    const segments = manifest.segments.map((one) => (one.number === 1 ? { ...one, state: 'lost' } : one));
    writeFileSync(join(made.folder, 'manifest.json'), JSON.stringify({ ...manifest, state: 'cut', segments }));
    const { code, state, problems } = await captures(made.folder);
    assert.deepEqual([code, state, problems], [1, 'cut', []]);
  });

  test('a folder that carries the id of another capture is told', async () => {
    const made = await makeCapture({ apart: true });
    const other = join(freshFolder(), 'capture=0198ffff-0000-7000-8000-0000000000cc');
    mkdirSync(dirname(other), { recursive: true });
    renameSync(made.folder, other);
    const { code, state, err } = await captures(other);
    assert.deepEqual([code, state], [1, 'not as committed']);
    assert.match(err, /the folder is that of capture 0198ffff.*, manifest\.json is of 0197c0de/u);
  });

  test('a completeness that the outcomes contradict is not repeated', async () => {
    const made = await makeCapture({ apart: true });
    const path = join(made.folder, 'manifest.json');
    const manifest = JSON.parse(readFileSync(path, 'utf8')) as CaptureManifest;
    assert.equal(manifest.completeness?.state, 'partial');
    writeFileSync(
      path,
      JSON.stringify({ ...manifest, completeness: { state: 'complete', outcomes: {}, reasons: [] } }),
    );
    assert.match((await captures(made.folder)).completeness, /^partial: 1 denied/u);
  });
});
