import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { costOfSnapshot, heap, inParts, PART_BYTES } from '../../src/collect/heap.ts';
import { drain, makeContext } from './context.ts';

async function* of(...chunks: readonly Buffer[]): AsyncGenerator<Buffer> {
  for (const chunk of chunks) yield await Promise.resolve(chunk);
}

test('the pieces join to a snapshot that holds the objects of this process', async () => {
  const kept = { note: randomBytes(16).toString('hex') };
  const entries = (await drain(heap, makeContext({}))).map(({ entry }) => entry);
  const bodies = entries.map((entry) => {
    assert.ok(entry.kind === 'bytes', entry.kind === 'absent' ? entry.reason : '');
    assert.ok(entry.body.length <= PART_BYTES);
    assert.equal(entry.redaction, 'content');
    return entry.body;
  });
  assert.deepEqual(
    entries.map(({ path }) => path),
    entries.map((_, n) => `memory/${process.pid}/heapsnapshot/part-${String(n).padStart(4, '0')}`),
  );
  const snapshot = JSON.parse(Buffer.concat(bodies).toString('utf8')) as {
    snapshot: { node_count: number };
    nodes: number[];
    strings: string[];
  };
  assert.ok(snapshot.snapshot.node_count > 1000);
  assert.ok(snapshot.nodes.length > snapshot.snapshot.node_count);
  assert.ok(snapshot.strings.includes(kept.note));
});

test('it is refused where it would end the function, before any work', async () => {
  const context = makeContext({});
  const small = await drain(heap, { ...context, env: { AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128' } });
  assert.deepEqual(
    small.map(({ entry }) => [entry.kind, entry.outcome]),
    [['absent', 'skipped']],
  );
  assert.match(small[0]?.entry.reason ?? '', /would end the function/u);
  const late = await drain(heap, makeContext({ budget: { remainingMs: () => 1 } }));
  assert.match(late[0]?.entry.reason ?? '', /1 ms are left/u);
});

test('the cost counts small objects 14 times and long strings twice', () => {
  const space = (space_name: string, mib: number): { space_name: string; space_used_size: number } => ({
    space_name,
    space_used_size: mib * 2 ** 20,
  });
  const cost = costOfSnapshot([
    space('new_space', 1),
    space('old_space', 9),
    space('large_object_space', 50),
    space('code_space', 2),
  ]);
  assert.equal(cost.bytes, (14 * 10 + 2 * 52) * 2 ** 20);
  assert.equal(cost.cpuMs, 50 * 10 + 5 * 52);
});

test('at the byte limit the pieces end with a line that says so', async () => {
  let left = 2 * PART_BYTES;
  const context = makeContext({ budget: { remainingBytes: () => (left -= PART_BYTES) } });
  const entries = (await drain(heap, context)).map(({ entry }) => entry);
  assert.equal(entries.at(-1)?.kind, 'absent');
  assert.match(entries.at(-1)?.reason ?? '', /limit on the bytes/u);
});

test('chunks of any size become pieces of one size', async () => {
  const body = randomBytes(1000);
  for (const cuts of [[1000], [1, 999], [100, 100, 100, 700], [99, 1, 101, 799], [0, 1000]]) {
    let at = 0;
    const chunks = cuts.map((size) => body.subarray(at, (at += size)));
    const parts = [];
    for await (const part of inParts(of(...chunks), 100)) parts.push(part);
    assert.deepEqual(
      parts.map(({ length }) => length),
      Array.from({ length: 10 }, () => 100),
    );
    assert.deepEqual(Buffer.concat(parts), body);
  }
});
