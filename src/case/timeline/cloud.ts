/** Events of a timeline out of what was collected: log streams, CloudTrail, GuardDuty. */
import { parseJson } from '../tar/bounded-json.ts';
import { field, text } from '../view/process-tree.ts';
import { microseconds, type TimelineEvent } from './event.ts';

/** `logs/GROUP/STREAM-0000.jsonl`, a row an event. */
export function logEvents(row: unknown, path: string): readonly TimelineEvent[] {
  const message = field(row, 'message');
  if (typeof message !== 'string') return [];
  const id = text(field(row, 'eventId'));
  const stream = text(field(row, 'logStreamName'));
  return [
    {
      timestamp: microseconds(field(row, 'timestamp')),
      timestamp_desc: 'Log Event Time',
      data_type: 'aws:cloudwatch:event',
      message: message.trimEnd(),
      tag: /"amber"\s*:/u.test(message) ? ['log', 'amber'] : ['log'],
      ...(id === '' ? {} : { key: `log:${stream}:${id}` }),
      more: { log_stream: stream, evidence: path },
    },
  ];
}

/** Rows of LookupEvents or of a trail's files, in one shape. */
export function cloudtrailEvents(row: unknown, path: string): readonly TimelineEvent[] {
  const name = text(field(row, 'EventName'));
  if (name === '') return [];
  const record = parseJson(text(field(row, 'CloudTrailEvent')));
  const error = text(field(record, 'errorCode'));
  const from = text(field(record, 'sourceIPAddress'));
  const who = text(field(row, 'Username')) || text(field(field(record, 'userIdentity'), 'arn')) || 'somebody';
  const id = text(field(row, 'EventId'));
  const reads = text(field(row, 'ReadOnly')) === 'true';
  return [
    {
      timestamp: microseconds(field(row, 'EventTime')),
      timestamp_desc: 'CloudTrail Event Time',
      data_type: 'aws:cloudtrail:event',
      message: `${name} by ${who}${from === '' ? '' : ` from ${from}`}${error === '' ? '' : `, refused: ${error}`}`,
      tag: ['cloudtrail', reads ? 'read' : 'write', ...(error === '' ? [] : ['error'])],
      ...(id === '' ? {} : { key: `trail:${id}` }),
      more: {
        event_id: id,
        event_source: text(field(row, 'EventSource')),
        username: text(field(row, 'Username')),
        user_arn: text(field(field(record, 'userIdentity'), 'arn')),
        access_key_id: text(field(row, 'AccessKeyId')),
        source_ip: from,
        user_agent: text(field(record, 'userAgent')),
        aws_region: text(field(record, 'awsRegion')),
        error_code: error,
        resources: resourcesOf(field(row, 'Resources')),
        evidence: path,
      },
    },
  ];
}

function resourcesOf(resources: unknown): string {
  return Array.isArray(resources)
    ? resources
        .slice(0, 20)
        .map((one) => text(field(one, 'ResourceName')))
        .filter((name) => name !== '')
        .join(' ')
    : '';
}

/** @see GuardDuty, "Finding details": Severity is 1.0 to 10.0. */
export function guardDutyEvents(finding: unknown, path: string): readonly TimelineEvent[] {
  const type = text(field(finding, 'Type'));
  if (type === '') return [];
  const service = field(finding, 'Service');
  const severity = text(field(finding, 'Severity'));
  const times: readonly (readonly [meaning: string, time: unknown])[] = [
    ['GuardDuty Finding Created', field(finding, 'CreatedAt')],
    ['GuardDuty First Seen', field(service, 'EventFirstSeen')],
    ['GuardDuty Last Seen', field(service, 'EventLastSeen')],
  ];
  return times
    .filter(([, time]) => text(time) !== '')
    .map(([meaning, time]) => ({
      timestamp: microseconds(time),
      timestamp_desc: meaning,
      data_type: 'aws:guardduty:finding',
      message: `${type} (severity ${severity}): ${text(field(finding, 'Title'))}`,
      tag: ['guardduty', 'finding'],
      key: `guardduty:${text(field(finding, 'Id'))}:${meaning}`,
      more: { finding_type: type, severity, finding_id: text(field(finding, 'Id')), evidence: path },
    }));
}
