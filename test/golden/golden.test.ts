/**
 * Captures as earlier versions left them are read for ever: every command that reads, as it is built, reads each of
 * them. `made.txt` says which commit made them. A further one is made by `test/golden/make.sh COMMIT FOLDER`; none is
 * made anew.
 */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import {
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { after, suite, test } from 'node:test';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { parseManifest } from '../../src/case/store/manifest-file.ts';
import { readLog } from '../../src/case/log/source.ts';
import { newerSchema, SCHEMAS } from '../../src/version.ts';
import { program } from '../cli/program.ts';
import { missing } from '../peers.ts';

const HERE = import.meta.dirname;
const IDENTITY = join(HERE, 'identity.txt');
const foldersIn = (place: string): readonly string[] =>
  readdirSync(place, { withFileTypes: true }).flatMap((one) => (one.isDirectory() ? one.name : []));
const GENERATIONS = foldersIn(HERE).filter((name) => name !== 'collections');
const COLLECTIONS = join(HERE, 'collections');
const PAYLOAD = '#!/bin/sh\necho golden\n';
const scratch = mkdtempSync(join(tmpdir(), 'amber-golden-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

interface Golden {
  readonly generation: string;
  readonly name: string;
  readonly folder: string;
  readonly log: string;
  readonly keys: readonly string[];
}

const all: readonly Golden[] = GENERATIONS.flatMap((generation) =>
  ['plain', 'gzip', 'age', 'partial', 'cut'].flatMap((name) => {
    const [segment] = globSync(`${HERE}/${generation}/${name}/account=*/**/capture*.tar.*`);
    if (segment === undefined) return [];
    const keys = name === 'age' ? ['-i', IDENTITY] : [];
    return { generation, name, folder: dirname(segment), log: `${HERE}/${generation}/${name}/log.txt`, keys };
  }),
);
const cutOf = ({ name }: Golden): boolean => name === 'cut';

test('each generation says which commit made it, and has all five', () => {
  assert.ok(GENERATIONS.length >= 3);
  for (const generation of GENERATIONS) {
    const made = readFileSync(join(HERE, generation, 'made.txt'), 'utf8');
    assert.ok(made.startsWith(`commit ${generation} of 20`), made);
    assert.equal(all.filter((one) => one.generation === generation).length, 5, generation);
  }
});

for (const golden of all)
  test(`${golden.name} of ${golden.generation} is read by every command`, { timeout: 120_000 }, async () => {
    const { folder, log, keys } = golden;
    const out = join(scratch, `${golden.generation}-${golden.name}`);
    const run = async (...argv: readonly string[]): Promise<string> => {
      const { code, out: said, err } = await program(argv);
      // 1: the verdict is that not everything is there, which is true of a capture that was cut.
      assert.ok(code === 0 || (cutOf(golden) && code === 1), `amber ${argv.join(' ')}: ${String(code)}\n${said}${err}`);
      return said;
    };
    const verified = await run('verify', folder, '--log', log, ...keys);
    assert.ok(cutOf(golden) || verified.includes('verified'), verified);
    assert.match(await run('captures', join(HERE, golden.generation, golden.name)), /checkout/u);
    assert.match(await run('show', folder, ...keys), /payload\.sh|noise\.bin/u);
    await run('timeline', folder, ...keys);
    await run('report', folder, '--to', `${out}.html`, ...keys);
    assert.match(readFileSync(`${out}.html`, 'utf8'), /checkout/u);
    if (cutOf(golden)) {
      await run('salvage', folder, '--to', out);
      return;
    }
    await run('pull', folder, '--extract', '--to', out, ...keys);
    const [payload = ''] = globSync(`${out}/**/payload.sh`);
    assert.equal(readFileSync(payload, 'utf8'), PAYLOAD);
    if (keys.length === 0) return;
    await run('decrypt', folder, '--to', `${out}.tar.zst`, ...keys);
    const listed = await promisify(execFile)('tar', ['--zstd', '-tf', `${out}.tar.zst`]);
    assert.match(listed.stdout, /payload\.sh/u);
  });

for (const commit of foldersIn(COLLECTIONS))
  test(`the collection of ${commit} is read by every command`, { timeout: 120_000 }, async () => {
    const place = join(COLLECTIONS, commit);
    assert.ok(readFileSync(join(place, 'made.txt'), 'utf8').startsWith(`commit ${commit} of 20`));
    const [segment = ''] = globSync(`${place}/collection/account=*/**/capture*.tar.*`);
    const folder = dirname(segment);
    const run = async (...argv: readonly string[]): Promise<string> => {
      const { code, out: said, err } = await program(argv);
      assert.equal(code, 0, `amber ${argv.join(' ')}\n${said}${err}`);
      return said;
    };
    assert.match(await run('verify', folder), /verified/u);
    assert.match(await run('captures', place), /checkout/u);
    assert.match(await run('show', folder), /CreateFunction|UpdateFunctionCode|versions?/u);
    assert.match(await run('timeline', place), /RequestId: .* handled/u);
    await run('report', place, '--to', join(scratch, `${commit}.html`));
    const hunted = await program(['hunt', '--offline', place]);
    // 1: a hunt has hits.
    assert.ok(hunted.code === 0 || hunted.code === 1, hunted.out + hunted.err);
    assert.match(hunted.out, /in [1-9]\d* log events/u);
    await run('pull', folder, '--extract', '--to', join(scratch, commit));
    const [log = ''] = globSync(`${join(scratch, commit)}/**/logs/**/*-0000.jsonl`);
    assert.ok(readFileSync(log).length > 0);
  });

suite('an older command', () => {
  const [newest] = all.filter(({ name, generation }) => name === 'plain' && hasSchema(generation));
  for (const commit of GENERATIONS.filter((one) => !hasSchema(one)))
    test(`of ${commit} reads what a newer layer wrote`, async (t) => {
      const archive = spawnSync('git', ['archive', commit, 'src', 'package.json'], { maxBuffer: 64 * 1024 * 1024 });
      if (archive.status !== 0) {
        missing(t, `the commit ${commit} in the history of this checkout`);
        return;
      }
      const old = join(scratch, commit);
      mkdirSync(old);
      spawnSync('tar', ['-x', '-C', old], { input: archive.stdout });
      symlinkSync(resolve('node_modules'), join(old, 'node_modules'));
      assert.ok(newest !== undefined);
      for (const argv of [
        ['verify', newest.folder, '--log', newest.log],
        ['show', newest.folder],
      ]) {
        const { stdout } = await promisify(execFile)(process.execPath, [
          '--disable-warning=ExperimentalWarning',
          join(old, 'src/cli/amber.ts'),
          ...argv,
        ]);
        assert.match(stdout, argv[0] === 'verify' ? /verified/u : /payload\.sh/u);
      }
    });
});

function hasSchema(generation: string): boolean {
  const [file = ''] = globSync(`${HERE}/${generation}/plain/account=*/**/manifest.json`);
  return file !== '' && readFileSync(file, 'utf8').includes('"schema"');
}

suite('a newer layer', () => {
  const [present] = all.filter(({ name, generation }) => name === 'plain' && hasSchema(generation));

  test('is read, and what is newer is named in one line', async () => {
    assert.ok(present !== undefined);
    const manifest = readFileSync(join(present.folder, 'manifest.json'), 'utf8');
    const newer = manifest.replace(
      /"schema": \d+/u,
      `"schema": ${SCHEMAS.manifest + 1}, "added": {"by": "a newer one"}`,
    );
    const folder = join(scratch, 'newer');
    mkdirSync(folder);
    writeFileSync(join(folder, 'manifest.json'), newer);
    for (const name of readdirSync(present.folder))
      if (name.endsWith('.zst')) symlinkSync(join(present.folder, name), join(folder, name));
    const line = newerSchema('manifest', SCHEMAS.manifest + 1) ?? '';
    assert.match(line, /newer/u);
    for (const command of ['verify', 'show']) {
      const { out } = await program([command, folder]);
      assert.equal(out.split(line).length, 2, out);
    }
  });

  test('another format is told of as newer, and a log of a newer schema is read as far as it is known', async () => {
    assert.match(problemOf('amber-capture/2'), /a newer amber reads it/u);
    assert.doesNotMatch(problemOf('other/2'), /newer amber/u);
    const line = (schema: unknown): string => `${JSON.stringify({ amber: 'segment', schema, capture: 'c' })}\n`;
    for (const [schema, notes] of [
      [undefined, 0],
      [1, 0],
      [2, 1],
      ['2', 0],
    ] as const) {
      const files = [{ name: 'the log', bytes: Readable.from([Buffer.from(line(schema).repeat(3))]) }];
      const read = await readLog(asyncOf(files), ['segment'], () => true);
      assert.deepEqual([read.records, read.notRead.length], [3, notes], JSON.stringify(read));
    }
  });
});

async function* asyncOf<T>(values: readonly T[]): AsyncGenerator<T> {
  for (const value of values) yield await Promise.resolve(value);
}

function problemOf(format: string): string {
  const parsed = parseManifest(Buffer.from(JSON.stringify({ format })));
  assert.ok(typeof parsed === 'string');
  return parsed;
}
