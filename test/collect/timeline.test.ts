import assert from 'node:assert/strict';
import { lstatSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { commandLine, fileRows, timeline } from '../../src/collect/timeline.ts';
import type { BytesEntry, Entry, JsonLinesEntry } from '../../src/contracts/evidence.ts';
import { walk } from '../../src/fs/walk.ts';
import { freshTree, HOSTILE_NAMES, writeHostileNames, writeMany } from '../adversary/hostile/trees.ts';
import { drain, makeContext, type ContextFacts } from './context.ts';

interface Row extends Record<string, unknown> {
  readonly message: string;
  readonly datetime: string;
  readonly timestamp: number;
  readonly timestamp_desc: string;
}

async function take(facts: ContextFacts): Promise<{ rows: Row[]; paths: string[]; sizes: number[] }> {
  const entries = (await drain(timeline, makeContext(facts))).map(({ entry }) => entry);
  const structured = entries
    .filter((entry): entry is JsonLinesEntry => entry.kind === 'jsonl')
    .flatMap((entry) => entry.rows as Row[]);
  const bodies = entries
    .filter((entry): entry is BytesEntry => entry.kind === 'bytes')
    .map((entry) => Buffer.from(entry.body));
  const lines = bodies.flatMap((body) => body.toString('utf8').split('\n').slice(0, -1));
  return {
    rows: [...structured, ...lines.map((line) => JSON.parse(line) as Row)],
    paths: entries.map((entry) => entry.path),
    sizes: bodies.map((body) => body.length),
  };
}

describe('timeline', () => {
  let root = '';
  let remove = (): void => undefined;
  beforeEach(() => {
    ({ path: root, remove } = freshTree());
  });
  afterEach(() => remove());

  it('has what Timesketch asks of every row', async () => {
    writeHostileNames(root);
    const { rows } = await take({
      writable: [root],
      processes: [
        {
          comm: 'sh',
          startMs: 1_700_000_000_123.5,
          exe: { target: '/tmp/x\n', deleted: true },
          argv: ['/tmp/x', '-a'],
        },
      ],
    });
    for (const row of rows) {
      assert.match(row.datetime, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/u);
      assert.equal(
        row.timestamp,
        Date.parse(row.datetime.slice(0, 23) + 'Z') * 1000 + Number(row.datetime.slice(23, 26)),
      );
      assert.ok(row.message !== '' && row.timestamp_desc !== '');
    }
    assert.equal(rows[0]?.timestamp_desc, 'Capture Start Time');
    const started = rows[1];
    assert.equal(started?.datetime, '2023-11-14T22:13:20.123500+00:00');
    assert.equal(started.message, 'Process 100 started: /tmp/x\\x0a');
    assert.deepEqual(started['tag'], ['process', 'deleted-executable']);
    const named = new Set(rows.map((row) => row['filename']));
    assert.equal(named.size, HOSTILE_NAMES.length + 2); // with the root and the rows that have none
  });

  it('has the four times to the microsecond, equal ones in one row', async () => {
    writeFileSync(join(root, 'f'), 'x');
    utimesSync(join(root, 'f'), 1_600_000_000.123456, 1_600_000_000.123456);
    const stat = lstatSync(join(root, 'f'), { bigint: true });
    const rows = (await take({ writable: [root] })).rows.filter((row) => row['filename'] === `${root}/f`);
    const same = rows.find((row) => row.timestamp === Number(stat.mtimeNs / 1000n));
    assert.equal(same?.timestamp_desc, 'Content Modification Time; Last Access Time');
    const changed = rows.find((row) => row.timestamp === Number(stat.ctimeNs / 1000n));
    assert.match(changed?.timestamp_desc ?? '', /^Metadata Modification Time/u);
    assert.equal(changed?.['inode'], String(stat.ino));
  });

  it('keeps times before 1970', async () => {
    writeFileSync(join(root, 'f'), 'x');
    utimesSync(join(root, 'f'), new Date(0), new Date(-1500));
    const mtime = lstatSync(join(root, 'f'), { bigint: true }).mtimeNs;
    const row = (await take({ writable: [root] })).rows.find(
      (one) => one['filename'] === `${root}/f` && one.timestamp_desc.startsWith('Content'),
    );
    assert.equal(row?.timestamp, Number(mtime / 1000n));
  });

  it('comes in files of about 2 MiB, with an end that is told', async () => {
    const large = freshTree(true);
    try {
      writeMany(large.path, 6_000);
      const { paths, sizes, rows } = await take({ writable: [large.path] });
      assert.deepEqual(paths, [
        'timeline/timeline.jsonl',
        'timeline/timeline-0001.jsonl',
        'timeline/timeline-0002.jsonl',
      ]);
      assert.ok((sizes[0] ?? 0) > 2 * 1024 * 1024);
      for (const size of sizes) assert.ok(size < 2.3 * 1024 * 1024);
      assert.ok(rows.length > 6_000);
      const { tree } = await walk([large.path], 20_000, { yieldIfDue: () => undefined, stopped: () => false });
      let last: Entry | undefined;
      for await (const entry of fileRows(tree, () => undefined, 1000)) last = entry;
      assert.ok(last?.kind === 'absent' && last.path === 'timeline/left-out');
    } finally {
      large.remove();
    }
  });
});

it('a command line is cut between arguments, with a mark, below what OpenSearch takes', () => {
  assert.equal(commandLine(['sh', '-c', 'true']), 'sh -c true');
  assert.equal(commandLine([]), '');
  const long = commandLine(['curl', 'x'.repeat(65_536), 'last']);
  assert.match(long, /^curl \[\.\.\. 2 of 3 arguments left out, 65547 bytes in all/u);
  for (const argv of [
    ['\xff'.repeat(60_000)],
    Array.from({ length: 40_000 }, () => '\xe9'),
    ['\xf0\x9f\x98\x80'.repeat(2000), 'y'],
  ]) {
    assert.ok(Buffer.byteLength(commandLine(argv)) < 32_766);
  }
});
