import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeLogEvidence } from '../../src/case/log/evidence.ts';
import { readLogDigests } from '../../src/case/log/lines.ts';
import { recordsIn } from '../../src/case/log/scan.ts';
import { leastLevel } from '../../src/lambda/log-level.ts';
import { renderLine } from '../../src/report/log.ts';
import { writeLogEvidence } from '../../src/ship/log.ts';
import { arrived } from '../sandbox/log-filter.ts';

const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];

test('the level of a line is the least that passes, and INFO where nothing filters above that', () => {
  const of = (format: string | undefined, level: string | undefined): string =>
    leastLevel({ AWS_LAMBDA_LOG_FORMAT: format, AWS_LAMBDA_LOG_LEVEL: level });
  assert.deepEqual(
    LEVELS.map((level) => of('JSON', level)),
    ['INFO', 'INFO', 'INFO', 'WARN', 'ERROR', 'FATAL'],
  );
  assert.deepEqual(
    [
      of('JSON', undefined),
      of('JSON', ''),
      of('JSON', 'LOUD'),
      of('json', 'warn'),
      of('Text', 'ERROR'),
      of(undefined, 'FATAL'),
    ],
    ['INFO', 'INFO', 'INFO', 'WARN', 'INFO', 'INFO'],
  );
});

test('the filter of the double: each level, and what counts as INFO', () => {
  const timestamp = '2026-01-31T10:00:00.000Z';
  const lines = [
    ...LEVELS.map((level) => JSON.stringify({ level, timestamp, n: level })),
    '{"level":"error","timestamp":"2026-01-31T10:00:00Z","n":"lower case"}',
    '{"level":"ERROR","n":"no timestamp"}',
    `{"level":"LOUD","timestamp":"${timestamp}","n":"no level of AWS"}`,
    '{"amber":"segment"}',
    'plain text',
  ];
  const left = (level: string): number =>
    arrived(lines.join('\n'), { AWS_LAMBDA_LOG_FORMAT: 'JSON', AWS_LAMBDA_LOG_LEVEL: level }).split('\n').length;
  assert.deepEqual(LEVELS.map(left), [11, 10, 9, 4, 3, 1]);
  assert.equal(
    arrived(lines.join('\n'), { AWS_LAMBDA_LOG_FORMAT: 'Text', AWS_LAMBDA_LOG_LEVEL: 'FATAL' }).split('\n').length,
    11,
  );
});

/**
 * What a line may look like when it is read: as it was written, by an older version, and inside of what others put
 * around it.
 */
const FORMS: Readonly<Record<string, (line: string) => string>> = {
  'as written': (line) => line,
  'by an older version': (line) => line.replace(/"level":"[A-Z]+","timestamp":"[^"]+","schema":1,/u, ''),
  'as the message of the JSON log format': (line) =>
    JSON.stringify({ timestamp: '2026-01-31T10:00:00Z', level: 'INFO', requestId: 'r', message: line }),
  'as an object in the message': (line) =>
    `{"timestamp":"2026-01-31T10:00:00Z","level":"INFO","requestId":"r","message":${line}}`,
  'as an event of an export': (line) =>
    JSON.stringify({
      timestamp: 1,
      logStreamName: 's',
      message: JSON.stringify({ level: 'WARN', message: `${line}\n` }),
    }),
  'behind the fields of the text format': (line) => `2026-01-31T10:00:00.000Z\tid\tINFO\t${line}`,
};

async function* bytes(text: string): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(Buffer.from(text));
}

for (const [name, form] of Object.entries(FORMS)) {
  test(`digests and evidence are read from the log: ${name}`, async () => {
    const lines = [
      renderLine('segment', {
        capture: 'c',
        segment: 0,
        sha256: 'a'.repeat(64),
        chain: 'b',
        state: 'stored',
        object: 'path "quoted" \\ and more',
      }),
      renderLine('capture', {
        capture: 'c',
        sha256: 'd'.repeat(64),
        manifest: 'e'.repeat(64),
        state: 'whole',
        outcomes: { collected: 1 },
      }),
    ];
    await writeLogEvidence({ captureId: 'c', summary: { processes: [1, 2, 3] } }, (line) => lines.push(line), {
      lineBytes: 260,
    });
    assert.ok(
      lines.length > 2 && lines.every((line) => /^\{"amber":"\w+","level":"INFO","timestamp":"\d{4}-/u.test(line)),
    );
    const log = lines.map(form);
    const told = (await readLogDigests(bytes(log.join('\n')), 'c')).of('c');
    assert.deepEqual(
      [[...(told?.segments.keys() ?? [])], [...(told?.whole ?? [])], told?.segments.get(0)?.stored],
      [[0], ['d'.repeat(64)], true],
    );
    assert.deepEqual(
      decodeLogEvidence(log).map(({ summary, problem }) => [summary, problem]),
      [[{ processes: [1, 2, 3] }, undefined]],
    );
    assert.equal(recordsIn(log[0] ?? '', 'segment')[0]?.['object'], 'path "quoted" \\ and more');
  });
}
