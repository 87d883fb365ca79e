/** The documents: tables, links, anchors, sentences, and that every command in them is known to what it calls. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { before, describe, test } from 'node:test';
import { parseArgs, type ParseArgsOptionsConfig } from 'node:util';
import { DOCUMENTS, TABLE_NAMES, withTables } from '../../layer/readme-tables.ts';
import { COMMANDS } from '../../src/cli/index.ts';
import { program } from '../cli/program.ts';
import { amberLines, words } from './amber-lines.ts';
import { LISTED, RUN_HERE } from './blocks.ts';
import {
  anchorsOf,
  blocksOf,
  codeOf,
  countWords,
  linksOf,
  MAX_WORDS,
  sentencesOf,
  UNCLEAR,
  wordsOf,
} from './markdown.ts';

/** A path of this repository, as documents write it in backticks. */
const OWN_PATH = /(?<![\w./-])(?:src|test|layer|examples|\.ci|\.github)\/[\w./*{},-]*/gu;
/** Files that a reader is told to write. */
const TO_BE_WRITTEN: ReadonlySet<string> = new Set([
  'src/acquire/NAME.ts',
  'src/cli/NAME.ts',
  'src/collect/NAME.ts',
  'src/detect/listener.ts',
  'src/trigger/NAME.ts',
  'test/cli/NAME.test.ts',
  'test/collect/NAME.test.ts',
]);

describe('the documents', () => {
  const all = DOCUMENTS.map((path) => readFileSync(path, 'utf8')).join('\n');

  test('README.md has at most 200 lines', () => assert.ok(readFileSync('README.md', 'utf8').split('\n').length <= 201));

  test('each table stands in one of them', () => {
    for (const name of TABLE_NAMES) assert.equal(all.split(`<!-- table: ${name} -->`).length, 2, name);
  });

  for (const path of DOCUMENTS) {
    test(`${path} has its tables from the registries (npm run docs)`, () => {
      const text = readFileSync(path, 'utf8');
      assert.equal(text, withTables(text));
    });

    test(`${path} has no unfinished part`, () => assert.doesNotMatch(readFileSync(path, 'utf8'), /@@|TODO|TBD/u));

    test(`${path} links to files and headings that exist`, () => {
      for (const link of linksOf(path)) {
        const [file = '', anchor] = link.split('#');
        const target = file === '' ? path : normalize(join(dirname(path), file));
        assert.ok(existsSync(target), `${path}: ${link}`);
        if (anchor !== undefined)
          assert.ok(anchorsOf(target).has(anchor), `${path}: ${link} names no heading of ${target}`);
      }
    });

    test(`${path} names files and folders that exist`, () => {
      const named = codeOf(path).flatMap((code) => [...code.matchAll(OWN_PATH)].map(([name]) => name));
      assert.deepEqual(
        named.filter((name) => !TO_BE_WRITTEN.has(name) && !existsSync(name)),
        [],
      );
    });

    test(`${path} has sentences of at most ${String(MAX_WORDS)} words, and plain ones`, () => {
      const long = sentencesOf(path)
        .filter(({ text }) => countWords(text) > MAX_WORDS)
        .map(({ line, text }) => `${path}:${String(line)}: ${text}`);
      assert.deepEqual(long, []);
      assert.deepEqual(
        wordsOf(path).filter(({ text }) => UNCLEAR.test(text)),
        [],
      );
    });
  }
});

test('what a reader is told to write stands in a document, and is not there yet', () => {
  const shown = new Set(DOCUMENTS.flatMap(codeOf));
  for (const name of TO_BE_WRITTEN) assert.ok(shown.has(name) && !existsSync(name), name);
});

describe('what a document tells a reader to type', () => {
  const shell = DOCUMENTS.flatMap(blocksOf).filter(({ language }) => language === 'sh');
  const options = new Map<string, ParseArgsOptionsConfig>();
  before(async () => {
    for (const name of Object.keys(COMMANDS)) {
      const { code, out } = await program([name, '--help', '--json']);
      assert.equal(code, 0);
      const told = (JSON.parse(out) as { options: Record<string, { type: 'string' | 'boolean'; short?: string }> })
        .options;
      options.set(
        name,
        Object.fromEntries(
          Object.entries(told).map(([option, { type, short }]) => [
            option,
            { type, ...(short === undefined ? {} : { short }) },
          ]),
        ),
      );
    }
  });

  test('every block is run, or listed with the reason; and no entry of the lists is dead', () => {
    const known = [...RUN_HERE, ...LISTED];
    for (const { document, line, text } of shell) {
      const entries = known.filter((one) => one.document === document && text.startsWith(one.begins));
      assert.equal(
        entries.length,
        1,
        `${document}:${String(line)} is in ${String(entries.length)} entries of test/docs/blocks.ts`,
      );
    }
    for (const one of known)
      assert.equal(
        shell.filter(({ document, text }) => document === one.document && text.startsWith(one.begins)).length,
        1,
        `${one.document}: ${one.begins}`,
      );
  });

  test('what another test runs stands in that test', () => {
    for (const { begins, shownBy } of LISTED) {
      if (shownBy !== undefined)
        assert.ok(readFileSync(shownBy[0], 'utf8').includes(shownBy[1]), `${begins}: ${shownBy[0]}`);
    }
  });

  for (const { document, line, text } of shell) {
    test(`${document}:${String(line)} is shell`, () => {
      const { status, stderr } = spawnSync('bash', ['-n'], { input: text, encoding: 'utf8' });
      assert.deepEqual([status, stderr], [0, '']);
    });

    test(`${document}:${String(line)} names scripts of npm and options of amber that exist`, () => {
      const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
      for (const [, name = ''] of text.matchAll(/\bnpm run ([\w:-]+)/gu)) assert.ok(Object.hasOwn(scripts, name), name);
      for (const [name = '', ...args] of amberLines(text)) parse(name, args);
    });
  }

  test('commands of amber in a sentence are known, and so are their options', () => {
    for (const path of DOCUMENTS) {
      for (const code of codeOf(path).filter((one) => /^amber [a-z]/u.test(one))) {
        const [, name = '', ...args] = words(code.replaceAll('…', ''));
        assert.ok(options.has(name), `${path}: ${code}`);
        for (const arg of args.filter((one) => one.startsWith('--')))
          assert.ok(Object.hasOwn(options.get(name) ?? {}, arg.slice(2).split('=')[0] ?? ''), `${path}: ${code}`);
      }
    }
  });

  test('scripts of npm in a sentence exist', () => {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
    for (const path of DOCUMENTS) {
      for (const code of codeOf(path))
        for (const [, name = ''] of code.matchAll(/^npm run ([\w:-]+)/gu))
          assert.ok(Object.hasOwn(scripts, name), `${path}: ${code}`);
    }
  });

  test('the guide of the responder has every command, in its table and in a block', () => {
    const guide = 'src/cli/README.md';
    const table = codeOf(guide);
    const typed = blocksOf(guide)
      .flatMap(({ text }) => amberLines(text))
      .map(([name]) => name);
    for (const name of Object.keys(COMMANDS)) assert.ok(table.includes(`amber ${name}`) && typed.includes(name), name);
  });

  function parse(name: string, args: readonly string[]): void {
    const known = options.get(name);
    assert.ok(known, `amber ${name}`);
    assert.doesNotThrow(
      () => parseArgs({ args: [...args], options: known, allowPositionals: true }),
      `amber ${name} ${args.join(' ')}`,
    );
  }
});
