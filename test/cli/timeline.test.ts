import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, unlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { EXIT } from '../../src/cli/amber.ts';
import type { TimelineRow } from '../../src/case/timeline/event.ts';
import { openIdentity } from '../../src/seal/age-open.ts';
import { freshFolder, makeCapture } from '../case/captures.ts';
import { IDENTITY } from '../case/checking.ts';
import { COMMAND, program } from './program.ts';
import { amber } from './running.ts';
import { collection, madeCase, NASTY, parsed, rows, sandbox, T } from './timeline-scene.ts';

describe('amber timeline', () => {
  test('merges what captures and collections tell, by time, each event once', async () => {
    const told = await amber('timeline', await madeCase(), '--jsonl');
    assert.equal(told.code, EXIT.ok, told.err);
    const events = parsed(told.out);
    assert.deepEqual(
      events.map(({ datetime, source }) => [datetime.slice(0, 26), source]),
      [
        ['1969-12-31T23:59:55.000000', 'files'],
        ['2025-06-30T09:00:00.100000', 'guardduty'],
        ['2025-06-30T09:00:00.500000', 'logs'],
        ['2025-06-30T09:00:00.500000', 'logs'],
        ['2025-06-30T09:00:01.000123', 'processes'],
        ['2025-06-30T09:00:02.000000', 'files'],
        ['2025-06-30T09:00:03.000000', 'files'],
        ['2025-06-30T09:00:04.000000', 'files'],
        ['2025-06-30T09:00:05.000000', 'findings'],
        ['2025-06-30T09:00:09.000000', 'control-plane'],
        ['2025-06-30T09:00:10.000000', 'cloudtrail'],
        ['2025-06-30T09:00:11.000000', 'cloudtrail'],
        ['2025-06-30T09:00:20.000000', 'guardduty'],
        ...['09:16:40', '09:16:40', '09:16:41', '09:16:41'].map((time) => [`2025-06-30T${time}.000000`, 'capture']),
      ],
    );
    for (const row of events) {
      assert.match(row.datetime, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/u);
      assert.equal(
        row.timestamp,
        Date.parse(`${row.datetime.slice(0, 23)}Z`) * 1000 + Number(row.datetime.slice(23, 26)),
      );
      assert.ok(
        row.message !== '' &&
          row.timestamp_desc !== '' &&
          row.function_name === 'checkout' &&
          row.capture_id.startsWith('0197c0de'),
      );
    }
    const only = events.find(({ timestamp }) => timestamp === (T + 4000) * 1000);
    assert.deepEqual(
      [only?.['filename'], only?.timestamp_desc, only?.tag],
      ['/tmp/only in the bodyfile', 'Content Modification Time; Metadata Modification Time', ['file', 'whole-seconds']],
    );
    const changed = events.find(({ source }) => source === 'cloudtrail');
    assert.equal(changed?.message, 'UpdateFunctionCode20150331v2 by eve from 198.51.100.7, refused: AccessDenied');
    assert.deepEqual(
      [changed['event_id'], changed['access_key_id'], changed['resources']],
      ['e-1', 'ASIA', 'checkout'],
    );
    assert.equal(
      events.find(({ source }) => source === 'control-plane')?.message,
      'arn:aws:lambda:eu-central-1:1:function:checkout:5 was changed',
    );
    assert.match(told.err, /17 events of 2 captures/u);
    assert.match(told.err, /2 rows have no time that can be used/u);
  });

  test('tells a finding at the time of the thing itself, and at that of the capture where this is unknown or no time', async () => {
    const finding = (name: string, info: object, process: object = {}): unknown => ({
      time: T + 60_000,
      severity: 'High',
      message: name,
      finding_info: { analytic: { uid: name }, ...info },
      evidences: [{ process: { pid: 9, ...process } }],
    });
    const events = [
      finding('old', {}),
      finding('file', { first_seen_time: T + 2000 }),
      finding('process', { first_seen_time: T - 180_000 }, { created_time: T - 180_000 }),
      finding('forged', { first_seen_time: 1e300 }),
      finding('text', { first_seen_time: ['x'] }),
    ];
    const { base } = await makeCapture({ entries: [rows('live_response/findings-ocsf.jsonl', events)] });
    const told = parsed((await amber('timeline', base, '--jsonl', '--source', 'findings')).out);
    const of = (row: TimelineRow): readonly unknown[] => [
      row['detector'],
      row.timestamp / 1000 - T,
      row.timestamp_desc,
      row['told_at'],
    ];
    const late = '2025-06-30T09:01:00.000000+00:00';
    assert.deepEqual(told.slice(0, 2).map(of), [
      ['process', -180_000, 'Finding: Start of the Process', late],
      ['file', 2000, 'Finding: Birth or Last Change of the File', late],
    ]);
    assert.deepEqual(
      told.slice(2).map(of).toSorted(),
      ['forged', 'old', 'text'].map((name) => [name, 60_000, 'Finding Told at Capture Time', undefined]),
    );
  });

  test('takes a window and single sources', async () => {
    const base = await madeCase();
    const window = await amber(
      'timeline',
      base,
      '--jsonl',
      '--since',
      '2025-06-30T09:00:09Z',
      '--until',
      '2025-06-30T09:00:10Z',
    );
    assert.deepEqual(
      parsed(window.out).map(({ source }) => source),
      ['control-plane', 'cloudtrail'],
    );
    const some = await amber('timeline', base, '--jsonl', '--source', 'logs, findings');
    assert.deepEqual(
      parsed(some.out).map(({ source }) => source),
      ['logs', 'logs', 'findings'],
    );
    assert.deepEqual((await amber('timeline', base, '--since', '1m')).out, '');
  });

  test('lets nothing that was captured write to the terminal or start in a spreadsheet', async () => {
    const base = await madeCase();
    for (const argv of [[], ['--jsonl'], ['--csv'], ['--json']]) {
      const { out, code } = await program(['timeline', base, ...argv], { tty: true, env: { TERM: 'xterm' } });
      assert.equal(code, EXIT.ok);
      assert.doesNotMatch(out, /(?!\n)[\p{Cc}\p{Cf}]/u, argv.join(' '));
    }
    const text = (await amber('timeline', base)).out;
    assert.match(text, /^2025-06-30 09:00:01\.000123Z {2}processes {6}Process 9 started: \/tmp\/=cmd\|\\x1b\[31mred/mu);
    assert.match(
      text,
      /^2025-06-30 09:00:02\.000000Z {2}files {10}Content Modification Time: \/tmp\/a \(file, 7 bytes\)$/mu,
    );
    const made = await makeCapture({
      entries: [
        rows('logs/g/s-0000.jsonl', [
          { timestamp: T, logStreamName: 's', message: NASTY },
          { timestamp: T, logStreamName: 's', message: '-1+1' },
        ]),
      ],
    });
    const [head, first, second] = (await amber('timeline', made.base, '--csv', '--source', 'logs')).out.split('\n');
    assert.match(head ?? '', /^datetime,timestamp_desc,message,timestamp,source,/u);
    assert.match(
      first ?? '',
      /^2025-06-30T09:00:00\.000000\+00:00,Log Event Time,"'=cmd\|\\x1b\[31mred.*"",""",1751274000000000,logs,/u,
    );
    assert.match(second ?? '', /,'-1\+1,/u);
  });

  test('is one document, or a file that appears when it is complete', async () => {
    const base = await madeCase();
    const whole = JSON.parse((await amber('timeline', base, '--json')).out) as {
      events: TimelineRow[];
      sources: Record<string, number>;
      captures: { captureId: string; events: number }[];
    };
    assert.equal(whole.events.length, 17);
    assert.deepEqual([whole.sources['logs'], whole.sources['cloudtrail'], whole.captures.length], [2, 2, 2]);
    assert.deepEqual(
      (
        JSON.parse(
          (await amber('timeline', base, '--json', '--source', 'guardduty', '--until', '2020-01-01')).out,
        ) as typeof whole
      ).events,
      [],
    );
    const to = join(freshFolder(), 'case.jsonl');
    const filed = JSON.parse((await amber('timeline', base, '--json', '--to', to)).out) as typeof whole & {
      file: string;
    };
    assert.deepEqual([filed.file, filed.events, parsed(readFileSync(to, 'utf8'))], [to, undefined, whole.events]);
    const again = await amber('timeline', base, '--jsonl', '--to', to);
    assert.deepEqual([again.code, again.err.includes('CASE_EXISTS')], [EXIT.usage, true]);
    const late = await amber('timeline', join(base, 'not-there'), '--to', to);
    assert.equal(late.code, EXIT.usage, 'told before anything is read');
  });

  test('says what is wrong with the question, and what it could not read', async () => {
    const base = await madeCase();
    for (const [argv, code, says] of [
      [['timeline'], EXIT.usage, /LOCATION is missing/u],
      [
        ['timeline', base, '--source', 'log'],
        EXIT.usage,
        /--source has "log"; expected names out of capture, processes, files,/u,
      ],
      [['timeline', base, '--csv', '--jsonl'], EXIT.usage, /not both/u],
      [['timeline', base, '--csv', '--json'], EXIT.usage, /name a file with --to/u],
      [['timeline', base, '--since', 'noon'], EXIT.usage, /--since is "noon"/u],
      [['timeline', freshFolder()], EXIT.unreachable, /no capture in/u],
      [['timeline', join(base, 'not-there')], EXIT.unreachable, /CASE_MISSING/u],
    ] as const) {
      const ran = await amber(...argv);
      assert.deepEqual([ran.code, says.test(ran.err + ran.out)], [code, true], `${argv.join(' ')}: ${ran.err}`);
    }
    const cut = await makeCapture({ entries: [...sandbox(), 'code', ...collection()], apart: true });
    unlinkSync(join(cut.folder, cut.segments.at(-1)!.name));
    const told = await amber('timeline', cut.folder, '--jsonl');
    assert.equal(told.code, EXIT.problem);
    assert.match(told.err, /PROBLEM: .*(?:the capture was cut|is not there)/u);
    assert.ok(
      parsed(told.out).some(({ source }) => source === 'processes'),
      'what is there is told',
    );
    const path = join((await makeCapture({ entries: sandbox() })).folder, 'capture.tar.zst');
    writeFileSync(path, Buffer.concat([readFileSync(path).subarray(0, 200), Buffer.alloc(100, 7)]));
    assert.equal((await amber('timeline', path)).code, EXIT.problem);
  });

  test('does not call a capture whole whose tarball was emptied', async () => {
    const { folder } = await makeCapture({ entries: sandbox() });
    const before = await amber('timeline', folder);
    assert.match(before.out, /ended: whole, \d+ items?$/mu);
    truncateSync(join(folder, 'capture.tar.zst'));
    const { code, out } = await amber('timeline', folder);
    assert.equal(code, EXIT.problem);
    assert.match(out, /ended: whole, \d+ items? by manifest\.json; now (\d+) of \1 segments? (?:is|are) not there$/mu);
  });

  test('opens age files with the identity', async () => {
    const sealed = await makeCapture({
      entries: sandbox(),
      apart: true,
      recipient: openIdentity(IDENTITY).recipients[0]!,
    });
    const closed = await amber('timeline', sealed.folder);
    assert.equal(closed.code, EXIT.problem);
    assert.match(closed.err, /--identity FILE/u);
    const key = join(freshFolder(), 'key.txt');
    writeFileSync(key, IDENTITY);
    const opened = await amber('timeline', sealed.folder, '--jsonl', '-i', key);
    assert.deepEqual([opened.code, parsed(opened.out).filter(({ source }) => source === 'files').length], [EXIT.ok, 4]);
  });

  test('goes through a pipe that is closed early, and a slow one', async () => {
    const many = Array.from({ length: 20_000 }, (_, index) => ({
      timestamp: T + ((index * 7919) % 20_000),
      logStreamName: 's',
      message: `line ${index} ${'x'.repeat(80)}`,
    }));
    const made = await makeCapture({
      entries: [rows('logs/g/s-0000.jsonl', many)],
      tarball: { segmentBytes: 64 * 1024 * 1024 },
    });
    const shell = (after: string): { status: number | null; stdout: string; stderr: string } =>
      spawnSync('sh', ['-c', `"$0" "$1" timeline "$2" --jsonl | ${after}`, process.execPath, COMMAND, made.base], {
        encoding: 'utf8',
        maxBuffer: 1 << 28,
      });
    const early = shell('head -n 3');
    assert.equal(early.stdout.split('\n').length, 4);
    assert.match(early.stderr, /^\d+ events of 1 capture \(\d+ logs\)\n$/u);
    const slow = parsed(shell('(sleep 1; cat)').stdout).filter(({ source }) => source === 'logs');
    assert.equal(slow.length, 20_000);
    assert.ok(slow.every(({ timestamp }, index) => index === 0 || timestamp >= slow[index - 1]!.timestamp));
  });
});
