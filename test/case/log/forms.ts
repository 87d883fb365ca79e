/**
 * A log of a function in every form in which its owners save it. Shapes as the programs write them, with their sources.
 */
import { gzipSync, zstdCompressSync } from 'node:zlib';

export interface LogForm {
  readonly name: string;
  /** Ends of file names below a folder, or one file. */
  readonly files: Readonly<Record<string, Uint8Array>>;
}

const GROUP = '/aws/lambda/checkout';
const STREAM = '2025/06/30/[$LATEST]0123456789abcdef0123456789abcdef';
const MS = 1_751_275_000_000;
const time = (index: number): string => new Date(MS + index).toISOString();
const csv = (text: string): string => `"${text.replaceAll('"', '""')}"`;
const utf8 = (text: string): Buffer => Buffer.from(text, 'utf8');

/** One record of a subscription of CloudWatch Logs ("Subscription filters": the payload is JSON, packed with gzip). */
function subscription(lines: readonly string[], from: number): Record<string, unknown> {
  return {
    messageType: 'DATA_MESSAGE',
    owner: '111122223333',
    logGroup: GROUP,
    logStream: STREAM,
    subscriptionFilters: ['amber'],
    logEvents: lines.map((message, index) => ({
      id: String(3_000_000 + from + index).padStart(56, '3'),
      timestamp: MS + from + index,
      message,
    })),
  };
}

function utf16(text: string, order: 'le' | 'be', mark: boolean): Buffer {
  const bytes = Buffer.from(`${mark ? '\ufeff' : ''}${text}`, 'utf16le');
  return order === 'le' ? bytes : bytes.swap16();
}

function pretty(line: string): string {
  try {
    return JSON.stringify(JSON.parse(line), undefined, 4);
  } catch {
    return line;
  }
}

/**
 * `aws logs tail --format short|detailed|json`: a line each with the time, the stream; `json` prints JSON over several
 * lines.
 */
const TAIL: Readonly<Record<string, (line: string, index: number) => string>> = {
  short: (line, index) => `${time(index).slice(0, 19)} ${line}`,
  detailed: (line, index) => `${time(index).replace('Z', '000+00:00')} ${STREAM} ${line}`,
  json: (line, index) => `${time(index).replace('Z', '000+00:00')} ${STREAM} ${pretty(line)}`,
};

/** The same lines in every form. */
export function logForms(text: string): readonly LogForm[] {
  const lines = text.trimEnd().split('\n');
  const half = Math.ceil(lines.length / 2);
  const events = lines.map((message, index) => ({
    logStreamName: STREAM,
    timestamp: MS + index,
    message: `${message}\n`,
    ingestionTime: MS + index + 900,
    eventId: String(index).padStart(56, '3'),
  }));
  const records = [subscription(lines.slice(0, half), 0), subscription(lines.slice(half), half)].map((record) =>
    JSON.stringify(record),
  );
  const exported = lines.map((line, index) => `${time(index)} ${line}\n`);
  const one = (name: string, bytes: Uint8Array | string, file = 'function.log'): LogForm => ({
    name,
    files: { [file]: typeof bytes === 'string' ? utf8(bytes) : bytes },
  });
  return [
    one('standard output', text),
    one('CRLF, as a terminal of Windows saves it', text.replaceAll('\n', '\r\n')),
    ...Object.entries(TAIL).map(([form, line]) => one(`aws logs tail --format ${form}`, lines.map(line).join('\n'))),
    one('aws logs filter-log-events', JSON.stringify({ events, searchedLogStreams: [] }, undefined, 4)),
    one(
      'aws logs get-log-events, in one line',
      JSON.stringify({ events, nextForwardToken: 'f/1', nextBackwardToken: 'b/1' }),
    ),
    one(
      'aws logs filter-log-events --output text',
      events.map(({ message, eventId }) => `EVENTS\t${eventId}\t${STREAM}\t${message}`).join(''),
    ),
    one('sam logs', lines.map((line, index) => `${STREAM} ${time(index).replace('Z', '000')} ${line}`).join('\n')),
    one(
      'sam logs --output json',
      lines
        .map((message, index) => JSON.stringify({ timestamp: MS + index, message, logStreamName: STREAM }))
        .join('\n'),
    ),
    one(
      'console: CSV of a stream',
      ['timestamp,message', ...lines.map((line, index) => `${MS + index},${csv(`${line}\n`)}`)].join('\n'),
    ),
    one(
      'console: JSON of a stream',
      JSON.stringify(lines.map((message, index) => ({ timestamp: MS + index, message }))),
    ),
    one(
      'Logs Insights: CSV',
      [
        '@timestamp,@message,@logStream',
        ...lines.map((line, index) => [time(index), csv(line), csv(STREAM)].join(',')),
      ].join('\r\n'),
    ),
    one(
      'Logs Insights: JSON with texts',
      JSON.stringify(
        lines.map((line, index) => ({ '@timestamp': time(index), '@message': line })),
        undefined,
        2,
      ),
    ),
    one(
      'Logs Insights: JSON with objects',
      JSON.stringify(
        lines.map((line, index) => ({
          '@timestamp': time(index),
          '@message': JSON.parse(line.startsWith('{') ? line : '{}') as unknown,
        })),
        undefined,
        2,
      ),
    ),
    one(
      'aws logs get-query-results',
      JSON.stringify(
        {
          results: lines.map((value) => [
            { field: '@message', value },
            { field: '@ptr', value: 'CmEK' },
          ]),
          status: 'Complete',
        },
        undefined,
        4,
      ),
    ),
    one(
      'JSON log format of Lambda',
      lines
        .map((message, index) => JSON.stringify({ timestamp: time(index), level: 'INFO', requestId: '1', message }))
        .join('\n'),
    ),
    one(
      'Vector',
      lines
        .map((message, index) =>
          JSON.stringify({
            file: '-',
            host: 'x',
            message,
            source_type: 'aws_kinesis_firehose',
            timestamp: time(index),
          }),
        )
        .join('\n'),
    ),
    one(
      'Vector with parse_json: keys of both in one object',
      lines
        .map((line, index) => {
          const own = line.startsWith('{') ? (JSON.parse(line) as object) : { message: line };
          return JSON.stringify(
            Object.fromEntries(
              Object.entries({ account: { id: 'x' }, host: 'x', ...own, timestamp: time(index) }).sort(
                ([first], [second]) => (first < second ? -1 : 1),
              ),
            ),
          );
        })
        .join('\n'),
    ),
    one(
      'a string in a string in a string',
      JSON.stringify({
        Records: [
          { body: JSON.stringify({ detail: JSON.stringify({ logEvents: lines.map((message) => ({ message })) }) }) },
        ],
      }),
    ),
    one(
      'CSV around JSON around the line',
      ['body', csv(JSON.stringify({ events: lines.map((message) => ({ message })) }))].join('\n'),
    ),
    one(
      '.NET, which writes quotes as \\u0022',
      lines
        .map((message) => `{"message":"${message.replaceAll('\\', '\\\\').replaceAll('"', String.raw`\u0022`)}"}`)
        .join('\n'),
    ),
    one('UTF-16 LE of PowerShell', utf16(text.replaceAll('\n', '\r\n'), 'le', true)),
    one('UTF-16 BE', utf16(text, 'be', true)),
    one('UTF-16 LE without a mark', utf16(text, 'le', false)),
    one(
      'UTF-8, to which PowerShell appended UTF-16',
      Buffer.concat([
        utf8(
          lines
            .slice(0, half)
            .map((line) => `${line}\n`)
            .join(''),
        ),
        utf16(lines.slice(half).join('\r\n'), 'le', false),
      ]),
    ),
    one('UTF-8 with a mark', Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), utf8(text)])),
    one('gzip', gzipSync(text), 'function.log.gz'),
    one('zstd', zstdCompressSync(text), 'function.log.zst'),
    one('UTF-16 in gzip', gzipSync(utf16(text, 'le', true))),
    one('Firehose: documents one behind the other', records.join('')),
    one('Firehose: a gzip member each', Buffer.concat(records.map((record) => gzipSync(record)))),
    one(
      'Firehose: a gzip member each, with a delimiter behind it',
      Buffer.concat(records.flatMap((record) => [gzipSync(record), utf8('\n')])),
    ),
    one(
      'Firehose: with a delimiter of Windows, packed again',
      gzipSync(Buffer.concat(records.flatMap((record) => [gzipSync(record), utf8('\r\n')]))),
    ),
    one(
      'Firehose: packed again, with a delimiter around it',
      Buffer.concat(records.flatMap((record) => [gzipSync(gzipSync(record)), utf8('\n')])),
    ),
    one('gzip with zeros behind it, as tape pads', Buffer.concat([gzipSync(text), Buffer.alloc(512)])),
    one('Firehose: packed again', gzipSync(Buffer.concat(records.map((record) => gzipSync(record))))),
    {
      name: 'export to S3: a folder of gzip files',
      files: {
        'aws-logs-write-test': utf8('Permission Check Successful'),
        [`exporttask/2025-06-30-[$LATEST]aaaa/000000.gz`]: gzipSync(exported.slice(0, half).join('')),
        [`exporttask/2025-06-30-[$LATEST]bbbb/000000.gz`]: gzipSync(exported.slice(half).join('')),
      },
    },
  ];
}
