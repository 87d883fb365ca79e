import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateSync, zstdCompressSync } from 'node:zlib';
import { createHash } from 'node:crypto';
import { decodeLogEvidence } from '../../../src/case/log/evidence.ts';
import { writeLogEvidence } from '../../../src/ship/log.ts';

async function linesOf(captureId: string, summary: unknown): Promise<string[]> {
  const lines: string[] = [];
  await writeLogEvidence({ captureId, summary }, (line) => lines.push(line), { lineBytes: 400 });
  return lines;
}

const line = (fields: Readonly<Record<string, unknown>>): string =>
  JSON.stringify({ amber: 'evidence', capture: 'c', part: 1, of: 1, encoding: 'zstd+base64', ...fields });
const packed = (bytes: Buffer): { sha256: string; data: string } => ({
  sha256: createHash('sha256').update(bytes).digest('hex'),
  data: bytes.toString('base64'),
});

test('lines are found behind the prefix of a runtime, inside a JSON log record, and among other lines', async () => {
  const [first, ...others] = await linesOf('one', {
    text: 'a'.repeat(10),
    more: Array.from({ length: 200 }, (_, index) => index * 7919),
  });
  assert.ok(first !== undefined && others.length > 0);
  const wrapped = [
    'START RequestId: 1',
    `2026-11-24T05:00:00.000Z\t1b5e\tINFO\t${first}`,
    ...others.map((other) => JSON.stringify({ timestamp: '2026-11-24T05:00:00Z', level: 'INFO', message: other })),
    '{"amber":"segment","number":0}',
    '{ broken',
  ];
  const decoded = decodeLogEvidence(wrapped);
  assert.equal(decoded.length, 1);
  assert.equal(decoded[0]?.problem, undefined);
  assert.equal((decoded[0]?.summary as { text: string }).text, 'aaaaaaaaaa');
});

test('two captures are two results; a missing line is named', async () => {
  const one = await linesOf('one', { n: Array.from({ length: 300 }, (_, index) => index * index) });
  const two = await linesOf('two', { n: 2 });
  assert.ok(one.length >= 3);
  const decoded = decodeLogEvidence([...two, ...one.filter((_, index) => index !== 1)]);
  assert.deepEqual(
    decoded.map(({ captureId, missing }) => [captureId, missing]),
    [
      ['two', []],
      ['one', [2]],
    ],
  );
  assert.equal(decoded[1]?.summary, undefined);
  assert.match(decoded[1]?.problem ?? '', /^1 of \d+ lines is missing$/u);
});

test('a line that somebody made up later does not replace ours', async () => {
  const ours = await linesOf('one', { real: true });
  const { sha256, of } = JSON.parse(ours[0]!) as { sha256: string; of: number };
  const forged = [
    line({ capture: 'one', of, sha256, data: 'AAAA' }),
    line({ capture: 'one', ...packed(zstdCompressSync(Buffer.from('{"real":false}'))) }),
  ];
  const decoded = decodeLogEvidence([...ours, ...forged]);
  assert.deepEqual(
    decoded.map(({ summary }) => summary),
    [{ real: true }, { real: false }],
  );
});

test('damage, bombs and nonsense are problems, not exceptions', () => {
  const bomb = packed(zstdCompressSync(Buffer.alloc(100 * 1024 * 1024)));
  const problems = decodeLogEvidence([
    line({ sha256: 'aa', data: 'AAAA' }),
    line({ capture: 'bomb', ...bomb }),
    line({ capture: 'text', ...packed(zstdCompressSync(Buffer.from('not json'))) }),
    line({ of: 1e9, sha256: 'x', data: '' }),
    line({ part: 2 }),
    line({ part: 0.5, sha256: '', data: '' }),
    '{}',
    '[]',
    '{"amber":"evidence"}',
    'null',
  ]).map(({ captureId, problem }) => [captureId, problem?.slice(0, 20)]);
  assert.deepEqual(
    problems.map(([captureId]) => captureId),
    ['c', 'bomb', 'text'],
  );
  for (const [, problem] of problems) assert.ok(problem !== undefined && problem !== '');
});

test('deflate is read as well', () => {
  const decoded = decodeLogEvidence([
    line({ encoding: 'deflate+base64', ...packed(deflateSync(Buffer.from('{"a":1}'))) }),
  ]);
  assert.deepEqual(decoded[0]?.summary, { a: 1 });
});

test('many summaries that are small only while they are packed are held to one bound together', () => {
  const bombs = Array.from({ length: 6 }, (_, index) =>
    line({
      capture: `bomb-${String(index)}`,
      ...packed(zstdCompressSync(Buffer.from(JSON.stringify(String(index).repeat(15 * 1024 * 1024))))),
    }),
  );
  const decoded = decodeLogEvidence(bombs);
  assert.deepEqual(
    decoded.map(({ problem }) => problem === undefined),
    [true, true, true, true, false, false],
  );
});
