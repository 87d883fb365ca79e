/** What captures have left in the log alone, read back by a responder. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { writeLogEvidence } from '../../src/ship/log.ts';
import { amber } from './running.ts';

const home = mkdtempSync(join(tmpdir(), 'amber-salvage-log-'));
after(() => {
  rmSync(home, { recursive: true, force: true });
});

async function linesOf(captureId: string, summary: unknown): Promise<string[]> {
  const lines: string[] = [];
  await writeLogEvidence({ captureId, summary }, (line) => lines.push(line), { lineBytes: 400 });
  return lines;
}

function log(name: string, text: string): string {
  const path = join(home, name);
  writeFileSync(path, text);
  return path;
}

const summary = {
  captureId: 'one',
  started: '2026-11-24T09:00:00.000Z',
  cause: { trigger: 'flag', reason: 'AMBER_CAPTURE is now' },
  requestId: 'r-1',
  processesInAll: 2,
  inet: [
    {
      protocol: 'tcp',
      state: 'ESTABLISHED',
      local: { address: '169.254.76.1', port: 4000 },
      remote: { address: '203.0.113.9', port: 4444 },
      owners: [{ pid: 9, fd: 3, comm: '.kworker' }],
    },
  ],
  processes: [
    {
      pid: 1,
      ppid: 0,
      comm: 'node',
      start: '2026-11-24T08:59:00.000Z',
      exe: '/var/lang/bin/node',
      argv: ['/var/lang/bin/node', 'index.mjs'],
      sockets: 2,
      open: [],
    },
    {
      pid: 9,
      ppid: 1,
      comm: '.kworker',
      start: '2026-11-24T08:59:30.000Z',
      exe: '/tmp/.kworker (deleted)',
      argv: ['kworker', '\u001b[2K600'],
      sockets: 1,
      open: ['/tmp/\u001b]0;stolen (deleted)'],
    },
  ],
};

test('the answer of filter-log-events is shown as a tree of processes, and its escapes are not sent to the terminal', async () => {
  const lines = await linesOf('one', summary);
  const events = ['START RequestId: r-1', ...lines].map((message, index) => ({
    timestamp: 1764000000000 + index,
    message,
    logStreamName: 'x',
  }));
  const { code, out, err } = await amber(
    'salvage',
    '--log',
    log('events.json', JSON.stringify({ events, searchedLogStreams: [] }, undefined, 4)),
  );
  assert.equal(code, 0, err);
  assert.match(out, /^capture one$/mu);
  assert.match(out, /cause {6}flag: AMBER_CAPTURE is now/u);
  assert.match(out, /└─ 9 .*EXECUTABLE DELETED, exe \/tmp\/\.kworker/u);
  assert.match(out, /ESTABLISHED {2}169\.254\.76\.1:4000 {2}203\.0\.113\.9:4444 {2}9\/\.kworker fd 3/u);
  assert.match(out, /^ {4}9 {2}\/tmp\/.*stolen \(deleted\)$/mu);
  assert.ok(!out.includes('\u001b'), JSON.stringify(out));
});

test('--json has all that was found, and what is wrong with it', async () => {
  const [first, second] = [await linesOf('one', summary), await linesOf('two', summary)];
  const { code, out } = await amber(
    'salvage',
    '--json',
    '--log',
    log('two.log', [...first, ...second.slice(1)].join('\n')),
  );
  assert.equal(code, 1);
  const { found, leftOut } = JSON.parse(out) as {
    found: { captureId: string; summary?: { processes: unknown[] }; problem?: string }[];
    leftOut: number;
  };
  assert.deepEqual(
    found.map(({ captureId, summary: got }) => [captureId, got?.processes.length]),
    [
      ['one', 2],
      ['two', undefined],
    ],
  );
  assert.match(found[1]?.problem ?? '', /^1 of \d+ lines is missing$/u);
  assert.equal(leftOut, 0);
});

test('more summaries than anybody writes are left out, and counted', async () => {
  const lines = await Promise.all(
    Array.from({ length: 1003 }, (_, index) => linesOf(`made-up-${String(index)}`, { index })),
  );
  const { code, out } = await amber('salvage', '--json', '--log', log('flood.log', lines.flat().join('\n')));
  const { found, leftOut } = JSON.parse(out) as { found: unknown[]; leftOut: number };
  assert.deepEqual([code, found.length, leftOut], [1, 1000, 3]);
});

test('a log without such lines, one that is not there, and calls that make no sense, are told of', async () => {
  const empty = await amber('salvage', '--log', log('empty.log', 'START\nEND\n'));
  assert.notEqual(empty.code, 0);
  assert.match(empty.err, /no line \{"amber":"evidence",…\} in .*empty\.log/u);
  const absent = await amber('salvage', '--log', join(home, 'absent.log'));
  assert.notEqual(absent.code, 0);
  assert.match(absent.err, /absent\.log/u);
  const both = await amber('salvage', home, '--log', 'x.log');
  assert.match(both.err, /Give a LOCATION or --log FILE, not both/u);
  const to = await amber('salvage', '--to', 'there', '--log', 'x.log');
  assert.match(to.err, /--to goes with a LOCATION/u);
});
