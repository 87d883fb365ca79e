/**
 * What `amber timeline` writes, read by timesketch-import-client: every row arrives, at its time, and nothing is
 * complained of.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { commandLine, timeline } from '../../src/collect/timeline.ts';
import { bytesEntry, freshFolder, makeCapture } from '../case/captures.ts';
import { takeApart } from '../case/forge.ts';
import { drain, makeContext } from '../collect/context.ts';
import { freshTree, writeHostileNames } from '../adversary/hostile/trees.ts';
import { missing } from '../peers.ts';
import { amber } from './running.ts';

const python = resolve('test/peers/venv/bin/python3');
/** OpenSearch refuses a longer term, in bytes (Lucene IndexWriter.MAX_TERM_LENGTH). */
const MAX_BYTES = 32_766;
const FIRST = 1_751_274_000_123_456;

type Event = Readonly<Record<string, unknown>> & {
  readonly datetime: string;
  readonly message: string;
  readonly timestamp: number;
};

interface Imported {
  readonly events: readonly Event[];
  readonly uploads: number;
  readonly complaints: readonly string[];
}

/** Undefined where the peer is not installed. */
function imported(t: TestContext, name: string, body: string): Imported | undefined {
  if (!existsSync(python) || spawnSync(python, ['-c', 'import timesketch_import_client']).status !== 0) {
    return void missing(t, 'timesketch-import-client in test/peers/venv (see .ci/run)');
  }
  const file = join(freshFolder(), name);
  writeFileSync(file, body);
  const { status, stdout, stderr } = spawnSync(python, [join(import.meta.dirname, 'timesketch-import.py'), file], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout) as Imported;
}

/**
 * What a reader of lines or of tables stumbles over: separators of Unicode, quotes, formulas, other scripts, bytes that
 * are no text.
 */
const NAMES = [
  '/tmp/plain',
  '/tmp/a\u2028b\u2029c\u0085d\u000be\u001cf',
  '/tmp/"quo,ted";\ttab',
  '/tmp/=1+1',
  '/tmp/line\nbreak\r',
  '/tmp/\u{1f600}',
  'NaN',
  '/tmp/\ud800',
  `/tmp/${'\uffff'.repeat(70_000)}`,
];

function processRow(argv: string, name: string, at: number): string {
  const timestamp = FIRST + at * 1_000_000;
  return `${JSON.stringify({
    datetime: '2025-06-30T09:00:00.000000+00:00',
    timestamp,
    timestamp_desc: 'Process Start Time',
    message: `Process ${at} started: ${name}`,
    data_type: 'amber:process',
    tag: ['process'],
    pid: at,
    executable: name,
    command_line: argv,
  })}\n`;
}

/** Arguments of the longest kind that a sandbox can have, and a row of a capture that bounded none. */
const ARGUMENTS = [
  commandLine(['sh', '\xff'.repeat(8000)]),
  commandLine(['sh', 'x'.repeat(65_536)]),
  'y'.repeat(65_536),
  '\uffff'.repeat(65_536),
];

describe('timesketch-import-client', () => {
  for (const form of ['jsonl', 'csv'] as const) {
    test(`takes every row of --${form}, at its time`, async (t) => {
      const rows = NAMES.map((name, at) => processRow(ARGUMENTS[at % ARGUMENTS.length] ?? '', name, at)).join('');
      const { base } = await makeCapture({ entries: [bytesEntry('timeline/timeline.jsonl', rows)] });
      const { code, out, err } = await amber('timeline', base, `--${form}`);
      assert.equal(code, 0, err);
      const found = imported(t, `timeline.${form}`, out);
      if (found === undefined) return;
      assert.deepEqual(found.complaints, []);
      assert.ok(found.uploads > 1, `${found.uploads} uploads`);
      const processes = found.events.filter((event) => event['data_type'] === 'amber:process');
      assert.equal(processes.length, NAMES.length);
      assert.equal(found.events.length, NAMES.length + 2, 'begin and end of the capture, too');
      for (const [at, event] of processes.entries()) {
        assert.equal(event.timestamp, FIRST + at * 1_000_000);
        assert.match(event.datetime, /^2025-06-30T09:00:\d\d\.123456\+00:?00$/u);
        assert.equal(Date.parse(event.datetime.replace(/\+0000$/u, 'Z')), Math.floor(event.timestamp / 1000));
        assert.equal(event['timestamp_desc'], 'Process Start Time');
        assert.match(event.message, new RegExp(`^Process ${String(at)} started: `, 'u'));
        if (form === 'jsonl') assert.ok(String(event['command_line']).length > 0);
      }
      for (const event of found.events) {
        for (const [column, value] of Object.entries(event))
          assert.ok(
            Buffer.byteLength(String(value)) <= MAX_BYTES,
            `${column} has ${Buffer.byteLength(String(value))} bytes`,
          );
      }
    });
  }

  test('takes the timeline inside of a capture as it is stored, whatever the arguments and names are', async (t) => {
    const { path, remove } = freshTree();
    t.after(remove);
    writeHostileNames(path);
    const separators = 'a\xe2\x80\xa8b\xe2\x80\xa9c\xc2\x85d\x1ee\x0bf\x0c';
    const processes = [
      ['sh', separators],
      ['sh', '\xff'.repeat(8000)],
      ['sh', 'x'.repeat(65_536)],
    ].map((argv) => ({ comm: 'sh', startMs: 1_751_274_000_000, argv }));
    const taken = await drain(timeline, makeContext({ writable: [path], processes }));
    const { folder } = await makeCapture({ entries: taken.map(({ entry }) => entry) });
    const stored = (await takeApart(folder)).flat().filter(({ path: name }) => name.startsWith('timeline/'));
    const body = stored.map((piece) => piece.body.toString('utf8')).join('');
    const found = imported(t, 'timeline.jsonl', body);
    if (found === undefined) return;
    assert.deepEqual([found.complaints, found.events.length], [[], body.split('\n').length - 1]);
    const lines = found.events.map((event) => event['command_line']).filter((line) => line !== undefined);
    assert.equal(lines[0], `sh ${Buffer.from(separators, 'latin1').toString('utf8')}`);
    assert.equal(lines.length, 3);
    for (const line of lines) assert.ok(typeof line === 'string' && Buffer.byteLength(line) <= MAX_BYTES);
  });
});
