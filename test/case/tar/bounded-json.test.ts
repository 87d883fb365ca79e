/** JSON of anybody, in bounded memory, and what a reader is told of it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parseJson } from '../../../src/case/tar/bounded-json.ts';
import { JsonLines } from '../../../src/case/tar/json-lines.ts';
import { JsonRows, type DocumentReader, type Reading } from '../../../src/case/tar/json-rows.ts';
import { openLocal } from '../../../src/case/store/open.ts';
import { bodySections, headRows } from '../../../src/case/view/sections.ts';
import { viewCapture } from '../../../src/case/view/view.ts';
import { parseManifest } from '../../../src/case/store/manifest-file.ts';
import { bytesEntry, makeCapture } from '../captures.ts';
import { times } from '../../effort.ts';

function read(reader: DocumentReader, body: Buffer, size = 1 << 18): Reading {
  for (let at = 0; at < body.length; at += size) reader.push(body.subarray(at, at + size));
  return reader.finish();
}

describe('a text of JSON', () => {
  test('is what JSON.parse gives, unless it is too deep or has too many values', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), (json) => assert.deepEqual(parseJson(json), JSON.parse(json))),
      { numRuns: times(100) },
    );
    const long = JSON.stringify({ text: `${'x'.repeat(10_000)}[[[[{{{{"\\`.repeat(20) });
    assert.deepEqual(parseJson(long, { depth: 2, values: 2 }), JSON.parse(long), 'what stands in a string is no depth');
    assert.equal(parseJson('['.repeat(3000) + ']'.repeat(3000)), undefined);
    assert.equal(parseJson(`[${'0,'.repeat(500_000)}0]`), undefined);
    for (const broken of ['', '{', '"', '"\\', `{"a":"${'x'.repeat(3000)}`]) assert.equal(parseJson(broken), undefined);
  });
});

describe('a document of JSON that is read row by row', () => {
  test('is what JSON.parse gives, in pieces of any size, whatever it is', () => {
    fc.assert(
      fc.property(
        fc.json({ maxDepth: 6 }),
        fc.integer({ min: 1, max: 50 }),
        fc.constantFrom(0, 1, '\t'),
        (json, size, indent) => {
          const value = JSON.parse(json) as unknown;
          const { value: got, problem } = read(
            new JsonRows(),
            Buffer.from(JSON.stringify(value, undefined, indent)),
            size,
          );
          assert.deepEqual([got, problem], [value, undefined]);
        },
      ),
      { numRuns: times(1000) },
    );
  });

  test('that is none is said to be none', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ maxLength: 40 }),
          fc
            .array(fc.constantFrom('[', ']', '{', '}', ',', ':', '"a"', '1', ' '), { maxLength: 20 })
            .map((tokens) => tokens.join('')),
        ),
        (text) => {
          let value: unknown;
          try {
            value = JSON.parse(text);
          } catch {
            assert.deepEqual(
              read(new JsonRows(), Buffer.from(text), 3),
              { value: undefined, problem: 'it is no JSON' },
              text,
            );
            return;
          }
          assert.deepEqual(read(new JsonRows(), Buffer.from(text), 3).value, value);
        },
      ),
      { numRuns: times(2000) },
    );
    for (const text of ['["a",]', '[1,,]', '[,1]', '{"a":[1,]}', '{"a":[[1],]}', '[[1,],2]'])
      assert.equal(read(new JsonRows(), Buffer.from(text), 3).problem, 'it is no JSON', text);
  });

  test('keeps every row that fits, behind rows that are too large, too deep or too many, and counts the others', () => {
    const row = (pid: number): object => ({ pid, argv: ['a', { b: [1, 2, '],}'] }] });
    const huge = `{"pid":1,"argv":["${'x'.repeat(5000)}"]}`;
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    const body = `{"self":7,"processes":[${[JSON.stringify(row(2)), huge, deep, JSON.stringify(row(3)), deep].join(', ')}], "empty": [], "rest":[${huge}]}`;
    const { value, problem } = read(new JsonRows({ row: 1000 }), Buffer.from(body), 777);
    assert.deepEqual(value, { self: 7, processes: [row(2), row(3)], empty: [], rest: [] });
    assert.equal(problem, '4 rows are too large or too many to be shown');
    const many = read(
      new JsonRows({ bytes: 2000 }),
      Buffer.from(JSON.stringify(Array.from({ length: 500 }, (_, pid) => row(pid)))),
    );
    const kept = many.value as { pid: number }[];
    assert.deepEqual(
      kept.map(({ pid }) => pid),
      kept.map((_, index) => index),
    );
    assert.equal(many.problem, `${500 - kept.length} rows are too large or too many to be shown`);
    assert.equal(
      read(new JsonRows(), Buffer.from(`{"a":${deep}}`)).problem,
      '1 row is too large or too many to be shown',
    );
    assert.equal(
      read(new JsonRows(), Buffer.from(`${'{"a":'.repeat(1000)}1${'}'.repeat(1000)}`)).problem,
      'it is too large or too deep to be shown',
    );
  });
});

describe('JSON lines', () => {
  test('of which one is broken or too deep keep the others', () => {
    const { value, problem } = read(
      new JsonLines(),
      Buffer.from(`{"a":1}\nno json\n${'['.repeat(5000)}\n{"b":2}\n\n{"c":3}`),
      5,
    );
    assert.deepEqual(
      [value, problem],
      [[{ a: 1 }, { b: 2 }, { c: 3 }], '2 lines of it cannot be shown: no JSON, too large, or one too many'],
    );
  });
});

/** Members that break whoever calls String or Number on what they stand in. */
const nasty = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom<unknown>(
    { toString: 1, valueOf: 1 },
    { toJSON: 1 },
    { __proto__: 1 },
    [[[]]],
    null,
    1e308,
    -0,
    '\u001b',
    [{ toString: null }],
  ),
);

describe('documents of a hostile capture', () => {
  const members = [
    'pid',
    'ppid',
    'comm',
    'argv',
    'exe',
    'start',
    'uid',
    'owners',
    'local',
    'remote',
    'state',
    'severity',
    'evidence',
    'title',
    'technique',
    'subject',
    'key',
    'look',
    'happened',
    'findings',
  ];
  const row = fc.dictionary(fc.constantFrom(...members), nasty, { maxKeys: 12 });
  const body = (value: unknown): string => JSON.stringify(value);

  test('are shown, whatever their members are', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(row, nasty), { maxLength: 6 }),
        nasty,
        fc.constantFrom('processes', 'inet', 'findings'),
        async (rows, other, name) => {
          const documents = {
            self: other,
            identity: other,
            invocation: other,
            findings: { findings: rows, left: rows },
            [name]: rows,
          };
          const paths = [
            'live_response/processes.json',
            'live_response/sockets.json',
            'live_response/invocation.json',
            'live_response/function-process.json',
            'control_plane/aliases.json',
            'control_plane/urls.json',
            'control_plane/policies/x.json',
            'control_plane/function/1/configuration.json',
          ];
          const made = await makeCapture({
            entries: [
              bytesEntry('capture.json', body(other)),
              ...paths.map((path, index) => bytesEntry(path, body(index % 2 === 0 ? documents : rows))),
              bytesEntry('live_response/findings.jsonl', rows.map((one) => `${body(one)}\n`).join('')),
            ],
          });
          const capture = await openLocal(made.folder);
          const view = await viewCapture(capture, undefined);
          assert.deepEqual(view.leftOut, []);
          for (const cell of [
            ...headRows(capture, view).flat(),
            ...bodySections(view).flatMap(({ rows: all, notes = [] }) => [...all.flat(), ...notes]),
          ])
            assert.doesNotMatch(cell, /\p{C}/u);
        },
      ),
      { numRuns: times(60) },
    );
  });

  test('are no manifest.json, whatever their members are', async () => {
    const { manifest } = await makeCapture();
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(manifest)), nasty, (name, value) => {
        const parsed = parseManifest(Buffer.from(body({ ...manifest, [name]: value })));
        assert.ok(typeof parsed === 'string' || parsed.captureId !== '');
        const [first, ...others] = manifest.segments;
        for (const member of Object.keys(first!))
          parseManifest(Buffer.from(body({ ...manifest, segments: [{ ...first, [member]: value }, ...others] })));
      }),
      { numRuns: times(300) },
    );
  });
});
