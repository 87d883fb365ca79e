import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { decodeLogEvidence } from '../../src/case/log/evidence.ts';
import { writeLogEvidence } from '../../src/ship/log.ts';

const captureId = '0198f2f0-7a53-7000-8000-00000000abcd';

async function linesOf(summary: unknown, limits?: { totalBytes?: number; lineBytes?: number }): Promise<string[]> {
  const lines: string[] = [];
  const receipt = await writeLogEvidence({ captureId, summary }, (line) => lines.push(line), limits);
  assert.equal(receipt.lines, lines.length);
  assert.equal(
    receipt.bytes,
    lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0),
  );
  return lines;
}

test('a summary comes back from its lines as it was', async () => {
  const summary = {
    processes: [{ pid: 7, argv: ['sh', '-c', 'id; \n'] }],
    text: 'ä€😀',
    none: null,
    deep: { a: [1, [2, [3]]] },
  };
  const lines = await linesOf(summary);
  assert.equal(lines.length, 1);
  const line = JSON.parse(lines[0]!) as Record<string, unknown>;
  assert.deepEqual(Object.keys(line), [
    'amber',
    'level',
    'timestamp',
    'schema',
    'capture',
    'part',
    'of',
    'encoding',
    'sha256',
    'data',
  ]);
  assert.equal(line['amber'], 'evidence');
  assert.equal(line['encoding'], 'zstd+base64');
  assert.deepEqual(
    decodeLogEvidence(lines).map(({ captureId, summary, missing }) => ({ captureId, summary, missing })),
    [{ captureId, summary, missing: [] }],
  );
});

test('what does not compress is cut into lines, in any order, within the bounds', async () => {
  const summary = { blob: Array.from({ length: 60 }, () => randomBytes(1500).toString('base64')) };
  const lines = await linesOf(summary);
  assert.ok(lines.length > 1);
  for (const line of lines) assert.ok(Buffer.byteLength(line) < 32 * 1024);
  assert.deepEqual(decodeLogEvidence([...lines].reverse())[0]?.summary, summary);
});

test('what is too long loses members, says where, and stays under 256 KiB', async () => {
  const processes = Array.from({ length: 5000 }, (_, pid) => ({ pid, argv: [randomBytes(200).toString('hex')] }));
  const lines = await linesOf({ first: 'kept', processes });
  const bytes = lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0);
  assert.ok(bytes <= 256 * 1024 && bytes > 32 * 1024, String(bytes));
  const summary = decodeLogEvidence(lines)[0]?.summary as { first: string; processes: unknown[] };
  assert.equal(summary.first, 'kept');
  const dropped = 5000 - (summary.processes.length - 1);
  assert.equal(summary.processes.at(-1), `[${String(dropped)} more]`);
  assert.deepEqual(summary.processes[0], processes[0]);
});

test('a cycle, a bigint, a date and an endless text do not break it', async () => {
  const odd: Record<string, unknown> = { big: 10n, when: new Date(0), text: 'x'.repeat(10_000_000) };
  odd['self'] = odd;
  const lines = await linesOf(odd);
  const summary = decodeLogEvidence(lines)[0]?.summary as Record<string, unknown>;
  assert.equal(summary['big'], '10');
  assert.equal(summary['when'], '1970-01-01T00:00:00.000Z');
  assert.match(String(summary['text']), /^x{100,} \[\d+ more characters\]$/u);
});

test('nothing is written when not even the smallest form fits', async () => {
  assert.deepEqual(await linesOf({ a: randomBytes(4000).toString('base64') }, { totalBytes: 200 }), []);
  assert.deepEqual(await linesOf({ a: 1 }, { lineBytes: 10 }), []);
});

test('a writer that throws does not throw at the caller', async () => {
  const receipt = await writeLogEvidence({ captureId, summary: {} }, () => {
    throw new TypeError('closed');
  });
  assert.equal(receipt.lines, 0);
});

test('by default the lines go to standard output, past a console that somebody replaced', () => {
  const script = `
    process.stdout.write = () => true;
    const { writeLogEvidence } = await import(${JSON.stringify(new URL('../../src/ship/log.ts', import.meta.url).href)});
    await writeLogEvidence({ captureId: 'c', summary: { ok: true } });`;
  const out = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  assert.deepEqual(decodeLogEvidence(out.split('\n'))[0]?.summary, { ok: true });
});
