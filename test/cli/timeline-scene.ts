/** A case of two captures and a collection, with the events that they tell. */
import type { TimelineRow } from '../../src/case/timeline/event.ts';
import type { Entry } from '../../src/contracts/evidence.ts';
import { bytesEntry, CAPTURE_ID, makeCapture } from '../case/captures.ts';

/** What would move a cursor, be a formula, or end a cell. */
export const NASTY = '=cmd|\u001b[31mred\u001b]0;title\u0007\u202eexe","\n';
export const T: number = Date.parse('2025-06-30T09:00:00.000Z');

export function rows(path: string, list: readonly unknown[]): Entry {
  return bytesEntry(path, list.map((row) => `${typeof row === 'string' ? row : JSON.stringify(row)}\n`).join(''));
}

function stat(filename: string, timestamp: number, meaning: string): unknown {
  return {
    message: `${filename} (file, 7 bytes)`,
    data_type: 'fs:stat',
    tag: ['file'],
    filename,
    timestamp,
    timestamp_desc: meaning,
    datetime: 'not looked at',
  };
}

/** A capture: processes, files, findings, and a bodyfile that has one path more. */
export function sandbox(): readonly Entry[] {
  return [
    rows('bodyfile/bodyfile.txt', [
      '0|/tmp/a|1|r/rrw-r--r--|1|1|7|100|100|100|0',
      `0|/tmp/only in the bodyfile|2|r/rrw-r--r--|1|1|7|${T / 1000 + 3}|${T / 1000 + 4}|${T / 1000 + 4}|0`,
      'no line',
    ]),
    rows('live_response/findings-ocsf.jsonl', [
      {
        time: T + 5000,
        severity: 'High',
        message: `a shell ${NASTY}`,
        finding_info: { analytic: { uid: 'shell-child' }, attacks: [{ technique: { uid: 'T1059.004' } }] },
      },
    ]),
    rows('timeline/timeline.jsonl', [
      {
        message: `Capture ${CAPTURE_ID} started by flag: x`,
        data_type: 'amber:capture',
        timestamp: Date.parse('2025-06-30T09:16:40.000Z') * 1000,
        timestamp_desc: 'Capture Start Time',
        tag: ['amber'],
      },
      {
        message: `Process 9 started: /tmp/${NASTY}`,
        data_type: 'amber:process',
        timestamp: T * 1000 + 1_000_123,
        timestamp_desc: 'Process Start Time',
        tag: ['process'],
        pid: 9,
      },
      { message: 'no time', data_type: 'amber:process', timestamp: 1e300, timestamp_desc: 'Process Start Time' },
    ]),
    rows('timeline/timeline-0001.jsonl', [
      stat('/tmp/a', T * 1000 + 2_000_000, 'Content Modification Time'),
      stat('/tmp/a', -5_000_000, 'Creation Time'),
      '{"broken',
      '[]',
    ]),
  ];
}

const trail = (id: string, name: string, at: string): unknown => ({
  EventId: id,
  EventName: name,
  ReadOnly: 'false',
  AccessKeyId: 'ASIA',
  EventTime: at,
  EventSource: 'lambda.amazonaws.com',
  Username: 'eve',
  Resources: [{ ResourceName: 'checkout' }],
  CloudTrailEvent: JSON.stringify({
    sourceIPAddress: '198.51.100.7',
    errorCode: 'AccessDenied',
    awsRegion: 'eu-central-1',
  }),
  FoundBy: 'x',
});

/** A collection: two queries that found one event, a log, GuardDuty, and documents of the control plane. */
export function collection(): readonly Entry[] {
  return [
    rows('cloudtrail/eu-central-1/ResourceName=checkout-0000.jsonl', [
      trail('e-1', 'UpdateFunctionCode20150331v2', '2025-06-30 09:00:10+00:00'),
    ]),
    rows('cloudtrail/us-east-1/Username=checkout-0000.jsonl', [
      trail('e-1', 'UpdateFunctionCode20150331v2', '2025-06-30 09:00:10+00:00'),
      trail('e-2', 'CreateUser', '2025-06-30 09:00:11+00:00'),
    ]),
    rows('logs/aws/lambda/checkout/streams.jsonl', [{ logStreamName: 's', creationTime: T }]),
    rows('logs/aws/lambda/checkout/s-0000.jsonl', [
      { timestamp: T + 500, logStreamName: 's', eventId: '1', message: `printed ${NASTY}` },
      { timestamp: T + 500, logStreamName: 's', eventId: '1', message: 'twice' },
      { timestamp: T + 500, logStreamName: 's', eventId: '2', message: 'behind' },
    ]),
    rows('guardduty/findings.jsonl', [
      {
        Id: 'g',
        Type: 'Backdoor:Lambda/C&CActivity.B',
        Severity: 8,
        Title: 'calls home',
        CreatedAt: '2025-06-30T09:00:20Z',
        Service: { EventFirstSeen: '2025-06-30T09:00:00.100Z' },
      },
    ]),
    bytesEntry(
      'control_plane/function/5/configuration.json',
      JSON.stringify({
        Configuration: {
          FunctionArn: 'arn:aws:lambda:eu-central-1:1:function:checkout:5',
          LastModified: '2025-06-30T09:00:09.000+0000',
        },
      }),
    ),
  ];
}

export async function madeCase(): Promise<string> {
  const { base } = await makeCapture({ entries: sandbox() });
  await makeCapture({ into: base, entries: collection(), captureId: '0197c0de-0000-7000-8000-0000000000cc' });
  return base;
}

export function parsed(text: string): TimelineRow[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as TimelineRow);
}
