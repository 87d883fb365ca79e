/** The log is the list of what must exist. */
import assert from 'node:assert/strict';
import { appendFileSync, cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { openIdentity } from '../../../src/seal/age-open.ts';
import { builtAmber, type BuiltAmber } from '../../cli/command-built.ts';
import { freshFolder, makeCapture, standardEntries, type MadeCapture } from '../captures.ts';
import { IDENTITY } from '../checking.ts';
import { sha256 } from '../forge.ts';
import { logForms } from './forms.ts';

let amber: BuiltAmber;
before(() => {
  amber = builtAmber();
});

interface Told {
  readonly verdict: string;
  readonly summary: string;
  readonly captureId: string;
  readonly log: string;
  readonly checks: readonly {
    readonly name: string;
    readonly state: string;
    readonly detail: string;
    readonly findings: readonly string[];
  }[];
  readonly results: readonly Told[];
  readonly missing: readonly {
    readonly captureId: string;
    readonly segments: number;
    readonly manifest: readonly string[];
  }[];
  readonly missingInAll: number;
  readonly leftOut: number;
}

async function verify(...argv: readonly string[]): Promise<Told & { readonly code: number; readonly err: string }> {
  const { code, out, err } = await amber(['verify', ...argv, '--json']);
  return { ...(JSON.parse(out === '' ? '{}' : out) as Told), code, err };
}

const logCheck = ({ checks }: Told): Told['checks'][number] | undefined => checks.find(({ name }) => name === 'log');

const ABSENT = 'is named in the log, not stored: removed, or never there';
const ID = (last: string): string => `0197c0de-0000-7000-8000-0000000000${last}`;

function saved(text: string | Uint8Array): string {
  const path = join(freshFolder(), 'function.log');
  writeFileSync(path, text);
  return path;
}

/** A capture in segments, in a folder with its id. */
async function stored(
  id: string,
  into = freshFolder(),
  more: Parameters<typeof makeCapture>[0] = {},
): Promise<MadeCapture & { readonly at: string }> {
  const made = await makeCapture({ apart: true, captureId: id, ...more });
  const at = join(into, `capture=${id}`);
  mkdirSync(dirname(at), { recursive: true });
  renameSync(made.folder, at);
  return { ...made, at };
}

describe('what the log names and is not stored', () => {
  test('manifest.json: FAILED, with the object and the digest of the log', async () => {
    const { at, log } = await stored(ID('a1'));
    const digest = sha256(readFileSync(join(at, 'manifest.json')));
    rmSync(join(at, 'manifest.json'));
    const told = await verify(at, '--log', saved(log));
    assert.deepEqual([told.code, told.verdict], [1, 'failed']);
    assert.deepEqual(logCheck(told)?.findings, [`manifest.json (SHA-256 ${digest}) ${ABSENT}`]);
    assert.match(told.summary, new RegExp(`^FAILED: .*manifest\\.json \\(SHA-256 ${digest}\\)`, 'u'));
    assert.doesNotMatch(told.summary, /deleted|never committed/u);
  });

  for (const recipient of [undefined, openIdentity(IDENTITY).recipients[0]]) {
    test(`manifest.json and segment 0: judged by the id in the folder's name, ${recipient === undefined ? 'plain' : 'sealed'}`, async () => {
      const { at, log, segments } = await stored(ID('a2'), undefined, recipient === undefined ? {} : { recipient });
      for (const name of ['manifest.json', segments[0]!.name]) rmSync(join(at, name));
      const told = await verify(at, '--log', saved(log));
      assert.deepEqual([told.code, told.captureId, told.log], [1, ID('a2'), 'read']);
      assert.equal(logCheck(told)?.findings.length, 2);
      assert.ok(
        logCheck(told)?.findings.includes(`segment 0 (${segments[0]!.name}, SHA-256 ${segments[0]!.sha256}) ${ABSENT}`),
        told.summary,
      );
      // The folder has another name: the digests of what is left tell whose it is.
      const renamed = join(freshFolder(), 'case-17');
      cpSync(at, renamed, { recursive: true });
      assert.deepEqual((await verify(renamed, '--log', saved(log))).captureId, ID('a2'));
    });
  }

  test('one of two captures: --all names it, and fails', async () => {
    const base = freshFolder();
    const [one, two] = [await stored(ID('b1'), base), await stored(ID('b2'), base)];
    const log = saved(one.log + two.log);
    assert.deepEqual([(await verify(base, '--all', '--log', log)).code], [0]);
    const manifest = sha256(readFileSync(join(two.at, 'manifest.json')));
    rmSync(two.at, { recursive: true });
    const told = await verify(base, '--all', '--log', log);
    assert.deepEqual([told.code, told.results.map(({ verdict }) => verdict)], [1, ['verified']]);
    assert.deepEqual(told.missing, [
      { captureId: ID('b2'), state: 'not-stored', segments: two.segments.length, manifest: [manifest], locations: [] },
    ]);
    const { out, code } = await amber(['verify', base, '--all', '--log', log]);
    assert.equal(code, 1);
    assert.match(out, new RegExp(`FAILED: capture ${ID('b2')} ${ABSENT}`, 'u'));
    assert.match(out, /^1 of 2 verified; 1 is named in the log, not stored$/mu);
    // Asked for by its folder, it is the same.
    const alone = await amber(['verify', two.at, '--log', log]);
    assert.deepEqual([alone.code, alone.out.includes(ABSENT)], [1, true], alone.err);
    assert.equal((await amber(['verify', join(base, `capture=${ID('b3')}`), '--log', log])).code, 3);
    // Of one capture alone, the others are mentioned.
    const single = await verify(one.at, '--log', log);
    assert.match(single.err, /The log names 1 other capture:/u);
  });

  test('a capture that stored nothing, as the log says, is not missed', async () => {
    const base = freshFolder();
    const { log } = await stored(ID('c1'), base);
    const failed = [
      { amber: 'segment', capture: ID('c2'), segment: 0, state: 'lost', sha256: 'f'.repeat(64) },
      { amber: 'capture', capture: ID('c2'), state: 'failed', segments: 0, bytes: 0 },
    ]
      .map((line) => `${JSON.stringify(line)}\n`)
      .join('');
    assert.equal((await verify(base, '--all', '--log', saved(log + failed))).code, 0);
  });

  test('a flood of captures that never were hides no real one', async () => {
    const base = freshFolder();
    const [here, gone] = [await stored(ID('d1'), base), await stored(ID('d2'), base)];
    rmSync(gone.at, { recursive: true });
    const forged = (from: number): string =>
      Array.from({ length: 60_000 }, (_, index) =>
        JSON.stringify({
          amber: 'segment',
          capture: `0197c0df-0000-7000-8000-${String(from + index).padStart(12, '0')}`,
          segment: 0,
          state: 'stored',
          sha256: 'f'.repeat(64),
        }),
      ).join('\n');
    const log = saved([forged(0), gone.log, forged(60_000), here.log].join('\n'));
    const { out, err, code, bytes } = await amber(['verify', base, '--all', '--log', log]);
    assert.equal(code, 1);
    assert.match(out, new RegExp(`^FAILED: capture ${ID('d2')} ${ABSENT}`, 'mu'));
    assert.match(out, /more captures are named in the log, not stored/u);
    assert.match(err, /too many to keep: an intruder may have flooded it/u);
    assert.ok(bytes < 600 * 1024 * 1024, `${String(bytes)} bytes`);
    const told = await verify(base, '--all', '--log', log);
    assert.deepEqual([told.results[0]?.verdict, logCheck(told.results[0]!)?.state], ['verified', 'ok']);
    assert.deepEqual(
      [told.missing[0]?.captureId, told.missing.length, told.missingInAll, told.leftOut],
      [ID('d2'), 10_000, 100_000, 20_001],
    );
  });

  test('a capture that calls itself a collection is held against a log that names it', async () => {
    const { at, log, manifest } = await stored(ID('e1'));
    writeFileSync(
      join(at, 'manifest.json'),
      JSON.stringify({ ...manifest, cause: { trigger: 'collect', reason: 'forged' } }),
    );
    assert.equal((await verify(dirname(at), '--all', '--log', saved(log))).code, 1);
  });
});

describe('a log through the built command', () => {
  test('is read in every form', async () => {
    const { at, log, segments } = await stored(ID('f1'));
    for (const { name, files } of logForms(log)) {
      const folder = freshFolder();
      for (const [path, bytes] of Object.entries(files)) {
        mkdirSync(dirname(join(folder, path)), { recursive: true });
        writeFileSync(join(folder, path), bytes);
      }
      const only = Object.keys(files);
      const told = await verify(at, '--log', only.length === 1 ? join(folder, only[0]!) : folder);
      assert.deepEqual([told.code, told.verdict, told.log], [0, 'verified', 'read'], `${name}: ${told.summary}`);
      assert.match(
        logCheck(told)?.detail ?? '',
        new RegExp(`^${segments.length} segments .* and so has manifest\\.json$`, 'u'),
        name,
      );
    }
  });

  test('that cannot be read is said to be not read, never to be tampered with', async () => {
    const { at, log } = await stored(ID('f2'));
    const gzip = gzipSync(log);
    const cases = [
      Buffer.from('504b0304140000000800', 'hex'),
      Buffer.from('PAR1'),
      gzip.subarray(0, 20),
      Buffer.alloc(3000, 0xfe),
    ];
    for (const bytes of cases) {
      const told = await verify(at, '--log', saved(bytes));
      assert.deepEqual(
        [told.code, told.verdict, told.log, logCheck(told)?.state],
        [3, 'verified', 'not-read', 'not-checked'],
      );
      assert.match(logCheck(told)?.detail ?? '', /^not read: /u);
      assert.doesNotMatch(JSON.stringify(told), /tampered|FAILED/u);
    }
  });

  for (const [name, text] of Object.entries({
    'an empty file': '',
    'plain text': 'hello\n',
    'another line of Amber': '{"amber":"ready","schema":1}\n',
  })) {
    test(`that holds no line of a capture was read, and that is said: ${name}`, async () => {
      const { at } = await stored(ID('f4'));
      const log = saved(Buffer.from(text));
      for (const argv of [
        ['verify', at, '--log', log],
        ['verify', at, '--all', '--log', log],
      ]) {
        const { code, out, err } = await amber(argv);
        assert.equal(code, 3, out);
        assert.match(
          out,
          /^not checked +digests in the log: there is no line of this capture in it; is it the log of/mu,
        );
        assert.match(out, /^not verified against the log, which has no line of this capture; else verified: /mu);
        assert.match(err, /^NO LINE: the log says nothing of .*: it was read, and there is no line of this capture/mu);
        assert.doesNotMatch(`${out}${err}`, /not be read|NOT READ/u);
      }
      assert.equal((await verify(at, '--log', log)).log, 'no-line');
    });
  }

  test('of which the end is damaged still proves what it says', async () => {
    const { at, log } = await stored(ID('f3'));
    const packed = gzipSync(
      `${log}${Array.from({ length: 60_000 }, (_, index) => `line ${String(index * 7919)}`).join('\n')}`,
    );
    const cut = saved(packed.subarray(0, packed.length - 1000));
    const told = await verify(at, '--log', cut);
    assert.deepEqual([told.code, told.verdict, told.log], [3, 'verified', 'read']);
    assert.match(logCheck(told)?.detail ?? '', /not read: .*damaged/u);
    appendFileSync(join(at, 'capture-0001.tar.zst'), 'x');
    assert.equal((await verify(at, '--log', cut)).code, 1);
  });
});

test('whole is not complete: verify says what was not collected', async () => {
  const { folder } = await makeCapture();
  const told = await amber(['verify', folder]);
  assert.match(told.out, /^The evidence is not complete: 1 denied \(`amber show` tells of them\)\nverified: /mu);
  assert.deepEqual(((await verify(folder)) as unknown as { notCollected: unknown }).notCollected, { denied: 1 });
});

test('what is left out by design, or was gone, is told apart from what is short, in one count', async () => {
  const gone = { kind: 'absent', source: '/tmp', method: 'openat' } as const;
  const { folder } = await makeCapture({
    entries: [
      ...standardEntries(),
      { ...gone, path: '[root]/tmp/a', outcome: 'skipped', reason: 'the budget was used up' },
      { ...gone, path: '[root]/tmp/b', outcome: 'skipped', reason: 'hard link to a', byDesign: 'stored-elsewhere' },
      { ...gone, path: '[root]/tmp/c', outcome: 'missing', reason: 'it is gone' },
    ],
  });
  const { out } = await amber(['verify', folder]);
  const short = /^The evidence is not complete: (.*) \(`amber show`/mu.exec(out)?.[1];
  assert.equal(short?.split(', ').sort().join(', '), '1 denied, 1 skipped');
  assert.match(out, new RegExp(`; evidence partial: ${short} \\(`, 'u'));
  assert.match(out, /^Not collected, and no shortfall: 1 skipped by design, 1 missing$/mu);
  const listed = await amber(['captures', folder]);
  assert.match(listed.out, /partial: 1 (?:skipped, 1 denied|denied, 1 skipped).* 1 skipped by design, 1 missing /u);
});

test('SHA256SUMS that does not cover manifest.json says nothing of it', async () => {
  const { folder } = await makeCapture();
  const path = join(folder, 'SHA256SUMS');
  writeFileSync(
    path,
    readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => !line.endsWith('manifest.json'))
      .join('\n'),
  );
  writeFileSync(
    join(folder, 'manifest.json'),
    readFileSync(join(folder, 'manifest.json'), 'utf8').replace('"cpuMs": 100', '"cpuMs": 101'),
  );
  const told = await verify(folder);
  assert.deepEqual(
    [told.code, told.checks.find(({ name }) => name === 'sums')?.findings],
    [1, ['SHA256SUMS does not cover manifest.json: it has no line of it']],
  );
});
