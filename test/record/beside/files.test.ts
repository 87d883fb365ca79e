/** Names that come in a writable tree, and programs that are deleted a moment later. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { watchFiles, type Files, type FilesOptions } from '../../../src/record/beside/files.ts';
import { holdFiles } from '../../../src/record/beside/held-files.ts';
import { openJournal, type Journal } from '../../../src/record/beside/journal.ts';
import { roomIn } from '../../../src/record/beside/space.ts';
import { until } from './shell.ts';

interface Scene {
  readonly tree: string;
  readonly journal: Journal;
  readonly files: Files;
  readonly subjects: () => readonly string[];
  readonly held: () => readonly Line[];
}
interface Line {
  readonly path: string;
  readonly what: string;
  readonly stored?: string;
}

function scene(t: TestContext, options: Partial<FilesOptions> = {}): Scene {
  const tree = mkdtempSync(join(tmpdir(), 'amber-names-'));
  t.after(() => rmSync(tree, { recursive: true, force: true }));
  const journal = openJournal();
  const files = watchFiles({ journal, roots: [tree], allows: () => true, ...options });
  t.after(() => files.close());
  files.open();
  return {
    ...{ tree, journal, files },
    subjects: () => journal.all().map(({ subject }) => subject),
    held: () => (files.facts()['held'] as { readonly files: readonly Line[] }).files,
  };
}

const ELF = Buffer.concat([Buffer.from('\x7fELF', 'latin1'), Buffer.alloc(5000, 7)]);

describe('a name in a writable tree', () => {
  test('is told as it is, whatever its bytes are, once', async (t) => {
    const { tree, subjects } = scene(t);
    writeFileSync(`${tree}/plain`, 'x');
    writeFileSync(Buffer.concat([Buffer.from(`${tree}/a\nb`), Buffer.from([0xff])]), 'x');
    writeFileSync(`${tree}/plain`, 'y');
    await until(() => subjects().length >= 2);
    await sleep(30);
    assert.deepEqual(subjects().toSorted(), [`${tree}/a\nb\udcff`, `${tree}/plain`]);
  });

  test('is told in folders that come later, with what is there before they are watched, to a depth', async (t) => {
    const { tree, subjects, files } = scene(t);
    const deep = `${tree}/${Array.from({ length: 10 }, (_, at) => `d${at}`).join('/')}`;
    mkdirSync(deep, { recursive: true });
    writeFileSync(`${tree}/d0/d1/d2/early`, 'x');
    await until(() => subjects().includes(`${tree}/d0/d1/d2/early`));
    writeFileSync(`${tree}/d0/d1/d2/late`, 'x');
    await until(() => subjects().includes(`${tree}/d0/d1/d2/late`));
    writeFileSync(`${deep}/too-deep`, 'x');
    await sleep(50);
    assert.ok(!subjects().includes(`${deep}/too-deep`));
    assert.equal(files.facts()['watches'], 9);
    assert.ok(Number(files.facts()['beyond']) >= 1);
  });

  test('what was there before is none', async (t) => {
    const tree = mkdtempSync(join(tmpdir(), 'amber-before-'));
    t.after(() => rmSync(tree, { recursive: true, force: true }));
    writeFileSync(`${tree}/before`, 'x');
    const { subjects, files } = scene(t, { roots: [tree, '/nowhere/at/all'] });
    files.open();
    writeFileSync(`${tree}/after`, 'x');
    await until(() => subjects().length > 0);
    assert.deepEqual(subjects(), [`${tree}/after`]);
  });
});

test('of many folders 128 are watched and the rest counted, and no descriptor stays', async (t) => {
  const before = readdirSync('/proc/self/fd').length;
  const { tree, files } = scene(t);
  for (let number = 0; number < 400; number += 1) mkdirSync(`${tree}/${number}`);
  await until(() => Number(files.facts()['beyond']) >= 200);
  assert.equal(files.facts()['watches'], 128);
  assert.ok(readdirSync('/proc/self/fd').length <= before + 130);
  for (let number = 0; number < 400; number += 1) rmSync(`${tree}/${number}`, { recursive: true });
  files.close();
  // The inotify instance is that of the event loop.
  assert.ok(readdirSync('/proc/self/fd').length <= before + 1);
});

for (const code of ['EMFILE', 'ENOSPC']) {
  test(`at ${code} every watch is let go, for good`, (t) => {
    const closed: string[] = [];
    let left = 3;
    const watch = (path: string): unknown => {
      if ((left -= 1) < 0) throw Object.assign(new RangeError(code), { code });
      return { on: () => undefined, close: () => void closed.push(path) };
    };
    const tree = mkdtempSync(join(tmpdir(), 'amber-full-'));
    t.after(() => rmSync(tree, { recursive: true, force: true }));
    for (const name of ['a', 'b', 'c', 'd']) mkdirSync(`${tree}/${name}`);
    const { files } = scene(t, { roots: [tree], watch: watch as unknown as NonNullable<FilesOptions['watch']> });
    files.open();
    assert.deepEqual([closed.length, files.facts()['watches'], files.facts()['refused']], [3, 0, code]);
  });
}

test('a flood ends the watch until it is opened again', async (t) => {
  let left = 5;
  const { tree, files, subjects } = scene(t, { allows: () => (left -= 1) >= 0 });
  for (let number = 0; number < 100; number += 1) writeFileSync(`${tree}/${number}`, 'x');
  await until(() => files.facts()['floods'] === 1);
  assert.equal(files.facts()['watches'], 0);
  left = 1000;
  files.open();
  writeFileSync(`${tree}/again`, 'x');
  await until(() => subjects().includes(`${tree}/again`));
});

describe('a program that is deleted', () => {
  for (const [what, name, body] of [
    ['elf', 'payload', ELF],
    ['script', 'run', '#!/bin/sh\nid\n'],
    ['code', 'module.py', 'import os\n'],
  ] as const) {
    test(`after 5 ms is held: ${what}`, async (t) => {
      const { tree, held } = scene(t);
      writeFileSync(`${tree}/${name}`, body);
      await sleep(5);
      rmSync(`${tree}/${name}`);
      await until(() => held().length > 0 && held()[0]?.stored !== undefined);
      const [one] = held();
      assert.deepEqual([one?.path, one?.what], [`${tree}/${name}`, what]);
      const fd = /fd-(\d+)$/u.exec(one?.stored ?? '')?.[1] ?? '';
      assert.deepEqual(readFileSync(`/proc/self/fd/${fd}`), Buffer.from(body));
    });
  }

  test('is let go when the room becomes less, the oldest first, and data is not held', async (t) => {
    let room = 20_000;
    const { tree, held, files } = scene(t, { held: holdFiles(() => room) });
    for (const name of ['one', 'two', 'three']) {
      writeFileSync(`${tree}/${name}`, ELF);
      await until(() => held().some(({ path }) => path === `${tree}/${name}`));
      rmSync(`${tree}/${name}`);
    }
    writeFileSync(`${tree}/data`, 'nothing that runs');
    room = 12_000;
    files.check();
    assert.deepEqual(
      held().map(({ path }) => path),
      [`${tree}/two`, `${tree}/three`],
    );
    room = 0;
    files.check();
    assert.deepEqual(held(), []);
  });

  test('a file that grows beyond the room is let go', async (t) => {
    const { tree, held, files } = scene(t, { held: holdFiles(() => 10_000) });
    writeFileSync(`${tree}/grows`, ELF);
    await until(() => held().length === 1);
    writeFileSync(`${tree}/grows`, Buffer.alloc(20_000, 1), { flag: 'a' });
    files.check();
    assert.deepEqual(held(), []);
  });
});

test('the room is a tenth of what is free, 64 MB at most, and none when a fifth or less is free', () => {
  const space = (bavail: number) => () => ({ bsize: 1024 * 1024, blocks: 10_000, bavail });
  assert.equal(roomIn(space(9000))('/tmp'), 64 * 1024 * 1024);
  assert.equal(roomIn(() => ({ bsize: 1024, blocks: 1000, bavail: 500 }))('/tmp'), 50 * 1024);
  assert.equal(roomIn(space(1999))('/tmp'), 0);
  assert.equal(roomIn()('/nowhere/at/all'), 0);
});

test('there is none in a tree that would be full in 150 ms at its pace', () => {
  let [ms, bavail] = [0, 500];
  const room = roomIn(
    () => ({ bsize: 1024 * 1024, blocks: 512, bavail }),
    () => ms,
  );
  assert.ok(room('/tmp') > 0);
  [ms, bavail] = [10, 490];
  assert.ok(room('/tmp') > 0);
  [ms, bavail] = [20, 440];
  assert.equal(room('/tmp'), 0);
  [ms, bavail] = [30, 439];
  assert.ok(room('/tmp') > 0);
});
