import assert from 'node:assert/strict';
import { readFileSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { roundUp } from '../../../src/archive/header.ts';
import type { Entry } from '../../../src/contracts/evidence.ts';
import { DEFAULT_LIMITS } from '../../../src/case/tar/extract.ts';
import { openLocal } from '../../../src/case/store/open.ts';
import { salvageInto } from '../../../src/case/salvage/folder.ts';
import type { SalvageRecord } from '../../../src/case/salvage/contents.ts';
import { openIdentity } from '../../../src/seal/age-open.ts';
import { bytesEntry, freshFolder, makeCapture, noise, standardEntries } from '../captures.ts';
import { IDENTITY } from '../checking.ts';
import { piece } from '../forge.ts';
import { run, without } from './salvaged.ts';

const INVENTORY = [
  '/tmp',
  '/tmp/work',
  '/tmp/large',
  '/tmp/gone',
  '/tmp/never|seen',
  '/tmp/caf\u00e9',
  '/tmp/link',
  ...Array.from({ length: 20 }, (_, index) => `/tmp/work/file-${index}`),
];

/** A standard capture with an inventory in its first segment, as the collector writes it. */
function withInventory(): readonly (Entry | 'files' | 'code')[] {
  const lines = INVENTORY.map(
    (path) =>
      `0|${path.replace('|', '%7C')}${path.endsWith('link') ? ' -> /etc/passwd' : ''}|1|r/rrw-------|0|0|1|0|0|0|0\n`,
  ).join('');
  const [header, ...rest] = standardEntries() as readonly (Entry | 'files' | 'code')[];
  return [
    header!,
    bytesEntry('bodyfile/bodyfile.txt', lines),
    {
      kind: 'absent',
      path: '[root]/tmp/gone',
      source: '/tmp/gone',
      method: 'openat',
      outcome: 'missing',
      reason: 'ENOENT',
    },
    ...rest,
  ];
}

describe('salvage', () => {
  test('of a whole capture finds all of it whole', async () => {
    for (const compression of ['zstd', 'gzip', 'none'] as const) {
      for (const apart of [true, false]) {
        const { result, by } = await run((await makeCapture({ compression, apart })).folder);
        assert.equal(by('whole').length, 27);
        assert.deepEqual(result.states, { whole: 27 });
        assert.deepEqual([result.missing, result.holes, result.fragmentBytes], [[], [], 0]);
      }
    }
  });

  for (const marker of [true, false]) {
    test(`goes on behind a missing segment, ${marker ? 'with' : 'without'} manifest.json`, async () => {
      const made = await makeCapture({ apart: true, entries: withInventory() });
      without(made, 1, ...(marker ? [] : ['manifest.json']));
      const { result, by } = await run(made.folder);
      assert.deepEqual(result.missing, [1]);
      assert.deepEqual(by('differs'), []);
      assert.deepEqual(by('unlisted'), []);
      assert.ok(
        by('whole').includes('capture.json') &&
          by('whole').includes('[root]/tmp/large') &&
          by('whole').includes('[root]/tmp/behind'),
      );
      const there = new Set(by('whole').map((path) => path.replace('[root]', '').replace(/\/$/u, '')));
      assert.ok([...result.notThere()].every((path) => !there.has(path)));
      assert.ok(
        [...result.notThere()].includes('/tmp/never%7Cseen') && [...result.notThere()].includes('/tmp/link'),
        'the target of a link is no part of its name',
      );
      assert.ok(![...result.notThere()].includes('/tmp/gone'), 'it has a line that says what became of it');
      assert.equal(result.inventory.listed, INVENTORY.length);
      assert.equal(there.size + result.inventory.unseen >= INVENTORY.length - 2, true);
    });
  }

  for (const marker of [true, false]) {
    test(`knows bytes of a file whose beginning is missing, ${marker ? 'with' : 'without'} manifest.json`, async () => {
      const made = await makeCapture({ apart: true });
      const large = made.segments.findIndex(({ continues }) => continues) - 1;
      assert.ok(
        large > 0 && made.segments.filter(({ continues }) => continues).length >= 2,
        'the large one spans three segments',
      );
      without(made, large, ...(marker ? [] : ['manifest.json']));
      const { result, by } = await run(made.folder);
      assert.deepEqual(by('lost'), ['[root]/tmp/large']);
      assert.ok(result.fragmentBytes > 300_000);
      assert.ok(by('whole').includes('[root]/tmp/behind'));
      assert.deepEqual([by('unlisted'), by('differs')], [[], []]);
    });
  }

  test('tells a file of which the middle is missing partial, once', async () => {
    const made = await makeCapture({ apart: true });
    without(
      made,
      made.segments.findIndex(({ continues }) => continues),
    );
    const { records, by } = await run(made.folder);
    assert.deepEqual(by('partial'), ['[root]/tmp/large']);
    const partial = records.find(({ state }) => state === 'partial');
    assert.ok(partial !== undefined && partial.have > 100_000 && partial.have < partial.size);
    assert.deepEqual(by('lost'), []);
  });

  test('without its end has what came before the cut', async () => {
    const made = await makeCapture({ apart: true });
    const last = made.segments.length - 1;
    without(made, 'manifest.json', last);
    const { by } = await run(made.folder);
    assert.ok(by('whole').length >= 20);
    assert.deepEqual([by('unlisted'), by('differs')], [[], []]);
  });

  for (const compression of ['zstd', 'gzip', 'none'] as const) {
    test(`reads a truncated last segment up to the cut: ${compression}`, async () => {
      const made = await makeCapture({ apart: true, compression, entries: standardEntries().slice(0, -3) });
      without(made, 'manifest.json');
      const path = join(made.folder, made.segments.at(-1)!.name);
      truncateSync(path, made.segments.at(-1)!.bytes - 2000);
      const { by, result } = await run(made.folder);
      assert.ok(by('whole').length + by('unconfirmed').length >= 20, JSON.stringify(result.states));
      assert.deepEqual([by('unlisted'), by('differs')], [[], []]);
      if (compression !== 'none') assert.equal(result.holes.length, 1);
    });
  }

  for (const marker of [true, false]) {
    test(`tells entries unconfirmed whose manifest part was lost, ${marker ? 'with' : 'without'} manifest.json`, async () => {
      for (const compression of ['zstd', 'gzip', 'none'] as const) {
        const made = await makeCapture({ apart: true, compression });
        const clean = (await run(made.folder)).by('whole');
        if (!marker) without(made, 'manifest.json');
        const { name, bytes } = made.segments[1]!;
        assert.equal(made.segments[2]!.continues, false, 'the next segment is read from its first byte on');
        truncateSync(join(made.folder, name), compression === 'none' ? bytes - 8192 : bytes - 100);
        const { by, result } = await run(made.folder);
        assert.deepEqual([by('unlisted'), by('differs')], [[], []], compression);
        assert.ok(by('unconfirmed').length > 3, JSON.stringify([compression, result.states]));
        const told = new Set([...by('whole'), ...by('unconfirmed'), ...by('partial')]);
        assert.ok([...told].every((path) => clean.includes(path) || path === 'manifest/0001.jsonl'));
      }
    });

    test(`tells them so in a joined tarball, ${marker ? 'with' : 'without'} manifest.json`, async () => {
      const made = await makeCapture({ compression: 'none' });
      if (!marker) without(made, 'manifest.json');
      const path = join(made.folder, 'capture.tar');
      const body = readFileSync(path);
      const end = made.segments[0]!.bytes + made.segments[1]!.bytes;
      const part = body.lastIndexOf('manifest/0001.jsonl', end);
      body.fill(0xff, part, end);
      writeFileSync(path, body);
      const { by, result } = await run(made.folder);
      assert.deepEqual([by('unlisted'), by('differs')], [[], []]);
      assert.ok(by('unconfirmed').length > 3, JSON.stringify(result.states));
    });
  }

  test('tells an entry unlisted that a part which was read whole does not have', async () => {
    const made = await makeCapture({ apart: true, compression: 'none' });
    const path = join(made.folder, made.segments[1]!.name);
    const body = readFileSync(path);
    const added = piece('[root]/tmp/added', 'by somebody').bytes;
    writeFileSync(path, Buffer.concat([added, body]));
    const { by } = await run(made.folder);
    assert.deepEqual([by('unlisted'), by('unconfirmed')], [['[root]/tmp/added'], []]);
  });

  test('reads a joined tarball that is cut, without manifest.json', async () => {
    const made = await makeCapture();
    without(made, 'manifest.json', 'SHA256SUMS');
    truncateSync(join(made.folder, 'capture.tar.zst'), made.manifest.tarball.bytes - 100_000);
    const { by } = await run(made.folder);
    assert.ok(by('whole').length >= 20);
    assert.deepEqual(by('partial'), ['[root]/tmp/large']);
  });

  test('goes on behind a damaged frame', async () => {
    const made = await makeCapture({ apart: true });
    const segment = made.segments[1]!;
    const path = join(made.folder, segment.name);
    const body = readFileSync(path);
    body.fill(0xff, 70_000, 70_050);
    writeFileSync(path, body);
    const { by, result } = await run(made.folder);
    assert.deepEqual(result.states.unlisted, undefined);
    assert.ok(by('whole').length >= 20, JSON.stringify(result.states));
    assert.ok(result.holes.length + by('differs').length >= 1);
  });

  test('goes on behind a frame whose end is not where it says', async () => {
    const made = await makeCapture({ apart: true });
    const path = join(made.folder, made.segments[1]!.name);
    const body = readFileSync(path);
    const second = body.indexOf(Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), 4);
    body.writeUIntLE(body.readUIntLE(second + 6, 3) ^ 0x0ff8, second + 6, 3);
    writeFileSync(path, body);
    const { by, result } = await run(made.folder);
    assert.ok(result.holes.length >= 1);
    assert.ok(by('whole').includes('[root]/tmp/large') && by('whole').length >= 15, JSON.stringify(result.states));
  });

  test('opens age files', async () => {
    const identity = openIdentity(IDENTITY);
    const made = await makeCapture({ apart: true, recipient: identity.recipients[0]! });
    without(made, 1, 'manifest.json');
    await assert.rejects(run(made.folder), { code: 'IDENTITY_INVALID' });
    const { by } = await run(made.folder, IDENTITY);
    assert.ok(by('whole').includes('[root]/tmp/large'));
    truncateSync(join(made.folder, made.segments.at(-1)!.name), 40_000);
    assert.equal((await run(made.folder, IDENTITY)).result.holes.length, 1);
  });
});

describe('salvage into a folder', () => {
  test('writes entries, fragments, a line for each entry, and what is not there', async () => {
    const made = await makeCapture({ apart: true, entries: withInventory() });
    const large = made.segments.findIndex(({ continues }) => continues) - 1;
    without(made, large, 'manifest.json');
    const target = join(freshFolder(), 'salvaged');
    const result = await salvageInto(await openLocal(made.folder), target, {
      limits: DEFAULT_LIMITS,
      onRecord: () => undefined,
    });
    assert.equal(readFileSync(join(target, 'files/live_response/note.txt'), 'utf8'), 'volatile');
    assert.deepEqual(readFileSync(join(target, 'files/[root]/tmp/work/file-3')), noise(5000 + 3 * 997, 3));
    const fragments = readdirSync(join(target, 'fragments'))
      .sort()
      .map((name) => readFileSync(join(target, 'fragments', name)));
    const body = noise(700_000, 99);
    const tail = Buffer.concat(fragments);
    assert.equal(tail.length, result.fragmentBytes);
    const padding = roundUp(700_000) - 700_000;
    assert.ok(body.includes(tail.subarray(0, tail.length - padding)), 'they are bytes of the file');
    const lines = readFileSync(join(target, 'salvage.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as SalvageRecord);
    assert.equal(
      lines.length,
      Object.values(result.states).reduce((sum, count) => sum + count, 0),
    );
    assert.match(readFileSync(join(target, 'not-there.txt'), 'utf8'), /^\/tmp\/never\|seen$/mu);
    await assert.rejects(
      salvageInto(await openLocal(made.folder), target, { limits: DEFAULT_LIMITS, onRecord: () => undefined }),
      { code: 'CASE_EXISTS' },
    );
  });
});
