import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import type { BytesEntry } from '../../src/contracts/evidence.ts';
import { EXIT } from '../../src/cli/amber.ts';
import { bytesEntry, CAPTURE_ID, freshFolder, makeCapture } from '../case/captures.ts';
import { IDENTITY } from '../case/checking.ts';
import { builtAmber } from './command-built.ts';
import { program } from './program.ts';
import { amber, hostile } from './running.ts';

test('tells of a capture that the identity does not open, and goes on', async () => {
  const base = freshFolder();
  const recipient = await identityToRecipient(await generateX25519Identity());
  for (const [index, sealed] of [false, true, false].entries()) {
    await makeCapture({
      into: join(base, String(index)),
      captureId: `0197c0de-0000-7000-8000-00000000010${index}`,
      ...(sealed ? { recipient } : {}),
    });
  }
  const identity = join(base, 'identity.txt');
  writeFileSync(identity, `${IDENTITY}\n`);
  const page = join(freshFolder(), 'case.html');
  const ran = await builtAmber()(['report', base, '--identity', identity, '--to', page]);
  assert.equal(ran.code, EXIT.unreachable, ran.err);
  assert.match(ran.out, /3 captures, 2 verified/u);
  const html = readFileSync(page, 'utf8');
  assert.match(html, /2 of 3 verified/u);
  assert.equal(html.match(/not verified: the identity, of age1\w+, does not open the segments/gu)?.length, 1);
});

test('writes a case as a page that nothing in it can change', async () => {
  const one = await makeCapture({ entries: hostile() });
  const other = await makeCapture({ into: one.base, captureId: '0197c0de-0000-7000-8000-0000000000bb' });
  const key = (tag: string, message: string, pid: number): unknown => ({
    message,
    data_type: 'amber:process',
    tag: ['process', tag],
    timestamp: 1_751_274_000_000_000 - pid,
    timestamp_desc: 'Process Start Time',
    pid,
  });
  const rows = [
    key('deleted-executable', 'Process 7 started: /tmp/<b>gone</b>', 7),
    key('x', 'Process 8 started: /sbin/usual', 8),
  ];
  await makeCapture({
    into: one.base,
    captureId: '0197c0de-0000-7000-8000-0000000000dd',
    entries: [bytesEntry('timeline/timeline.jsonl', rows.map((row) => `${JSON.stringify(row)}\n`).join(''))],
  });
  const page = join(freshFolder(), 'case.html');
  const written = await amber('report', one.base, '--to', page);
  assert.equal(written.code, EXIT.ok, written.err);
  assert.match(written.out, /case\.html: 3 captures, 3 verified\n$/u);
  const html = readFileSync(page, 'utf8');
  assert.match(html, /default-src 'none'/u);
  assert.match(html, /3 of 3 verified/u);
  assert.match(html, /&lt;script&gt;alert\(1\)&lt;\/script&gt;&lt;img src=x onerror=&quot;x&quot;&gt;&amp;/u);
  assert.doesNotMatch(html, /<(?:script|img|link|iframe)|(?:src|href)="|\sonerror="/iu);
  assert.doesNotMatch(html, /(?!\n)[\p{Cc}\p{Cf}]/u);
  for (const wanted of [CAPTURE_ID, '0000000000bb', 'sbin/init', '203.0.113.9:4444', 'recovered/9/exe'])
    assert.ok(html.includes(wanted), wanted);
  assert.match(
    html,
    /What happened when \(7\)<\/summary><table class="rows"><tr><td>2025-06-30 08:59:59\.999993Z<\/td><td>processes<\/td><td>Process 7 started: \/tmp\/&lt;b&gt;gone&lt;\/b&gt;<\/td>/u,
  );
  assert.ok(!html.includes('/sbin/usual'));
  assert.equal((await amber('report', one.base, '--to', page)).code, EXIT.usage, 'nothing is written over');
  const path = join(other.folder, 'capture.tar.zst');
  const body = readFileSync(path);
  body[100]! ^= 1;
  writeFileSync(path, body);
  const spoiled = await amber('report', one.base, '--to', `${page}2`, '--json');
  assert.equal(spoiled.code, EXIT.problem);
  assert.deepEqual(JSON.parse(spoiled.out), {
    page: `${page}2`,
    captures: 3,
    verified: 2,
    unread: [],
    notFollowed: [],
  });
  assert.match(readFileSync(`${page}2`, 'utf8'), /2 of 3 verified[\s\S]*FAILED/u);
  assert.equal((await amber('report', freshFolder(), '--to', `${page}3`)).code, EXIT.unreachable);
});

test('a finding stands with the time of the thing itself, every process with one is a key event, and what was not looked at is said in red', async () => {
  const pids = [40, 41, 42];
  const startMs = (pid: number): number => Date.parse('2025-06-30T08:50:00.000Z') + pid * 1000;
  const finding = (pid: number, severity: string, more: object = {}): unknown => ({
    detector: 'shell-child',
    severity,
    title: `a shell, pid ${pid}`,
    technique: { id: 'T1059.004', name: 'Unix Shell' },
    subject: { pid, startTicks: pid },
    key: `shell-child|${pid}`,
    evidence: [],
    ...more,
  });
  const left = '246 processes beyond the limit were not looked at, <b>among them these</b>';
  const rows = (path: string, all: readonly unknown[]): BytesEntry =>
    bytesEntry(path, all.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const began = { happened: { time: '2025-06-30T08:45:00.000Z', of: 'process' } };
  const event = (pid: number, first_seen_time: number): unknown => ({
    time: startMs(60),
    severity: 'Critical',
    message: `a shell, pid ${pid}`,
    finding_info: { analytic: { uid: 'shell-child' }, first_seen_time },
  });
  const { base } = await makeCapture({
    entries: [
      rows('live_response/findings.jsonl', [
        finding(40, 'critical', began),
        finding(41, 'low'),
        { look: { left: [left], failed: { miner: 'TypeError: x' } } },
      ]),
      rows('live_response/findings-late.jsonl', [finding(42, 'medium')]),
      rows('live_response/findings-ocsf.jsonl', [event(40, Date.parse('2025-06-30T08:45:00.000Z'))]),
      rows(
        'timeline/timeline.jsonl',
        [...pids, 50].map((pid) => ({
          message: `Process ${pid} started: /bin/sh`,
          data_type: 'amber:process',
          tag: ['process'],
          timestamp: startMs(pid) * 1000,
          timestamp_desc: 'Process Start Time',
          pid,
        })),
      ),
      bytesEntry(
        'live_response/processes.json',
        JSON.stringify({
          processes: pids.map((pid) => ({
            pid,
            ppid: 1,
            comm: 'sh',
            argv: ['sh'],
            start: new Date(startMs(pid)).toISOString(),
          })),
        }),
      ),
    ],
  });
  const page = join(freshFolder(), 'case.html');
  assert.equal((await amber('report', base, '--to', page)).code, EXIT.ok);
  const html = readFileSync(page, 'utf8');
  const moments = html.slice(html.indexOf('What happened when'), html.indexOf('<h2>'));
  assert.deepEqual(
    [...moments.matchAll(/Process (\d+) started/gu)].map(([, pid]) => Number(pid)),
    pids,
  );
  assert.match(
    moments,
    /^[^<]*<\/summary><table class="rows"><tr><td>2025-06-30 08:45:00\.000000Z<\/td><td>findings<\/td><td>critical finding: a shell, pid 40<\/td>/u,
  );
  assert.ok(
    html.includes(
      '<p class="failed">Not looked at: 246 processes beyond the limit were not looked at, &lt;b&gt;among them these&lt;/b&gt;</p>',
    ),
  );
  assert.ok(html.includes('<p class="failed">Not looked at: the detector miner failed: TypeError: x</p>'));
  assert.match(html, /Findings \(3\)/u);
  const shown = await program(['show', base], { tty: true, env: { TERM: 'xterm' } });
  assert.equal(shown.code, EXIT.ok);
  assert.ok(shown.out.includes(`\u001b[31;1mNot looked at: ${left}\u001b[`), JSON.stringify(shown.out));
  assert.match(shown.out, /critical +T1059\.004 +shell-child +2025-06-30 08:45:00Z +a shell, pid 40/u);
  // An older capture does not say when the thing began: then the start of the process stands there.
  assert.match(shown.out, /low +T1059\.004 +shell-child +2025-06-30 08:50:41Z +a shell, pid 41/u);
});

test('ordinary events of a case do not crowd out what an intruder did', async () => {
  const row = (source: object, at: number): string =>
    `${JSON.stringify({ timestamp: 1_751_274_000_000_000 + at, timestamp_desc: 'x', ...source })}\n`;
  const others = Array.from({ length: 1500 }, (_, at) =>
    row({ message: `step ${at}`, data_type: 'amber:capture', tag: ['capture'] }, at),
  );
  const last = row(
    {
      message: 'Process 7 started: /tmp/gone',
      data_type: 'amber:process',
      tag: ['process', 'deleted-executable'],
      pid: 7,
    },
    2000,
  );
  const { base } = await makeCapture({ entries: [bytesEntry('timeline/timeline.jsonl', others.join('') + last)] });
  const page = join(freshFolder(), 'case.html');
  const { err } = await amber('report', base, '--to', page);
  const html = readFileSync(page, 'utf8');
  assert.ok(html.includes('Process 7 started: /tmp/gone'), err);
  assert.match(html, /and \d+ more: `amber timeline` lists them/u);
});
