/**
 * LookupEvents as CloudTrail answers it, from a list of recorded events: by one attribute, in a window, from new to
 * old, fifty a page, with a token that is good for the same question only.
 */
import { json, fault, onOperation, type Rule } from './aws-proxy.ts';

/** An event as the wire has it. */
export interface WireEvent {
  readonly EventId: string;
  readonly EventName: string;
  readonly ReadOnly: string;
  readonly AccessKeyId: string;
  /** Seconds since the epoch. */
  readonly EventTime: number;
  readonly EventSource: string;
  readonly Username: string;
  readonly Resources: readonly { readonly ResourceType: string; readonly ResourceName: string }[];
  readonly CloudTrailEvent: string;
}

interface Question {
  readonly LookupAttributes: readonly { readonly AttributeKey: string; readonly AttributeValue: string }[];
  readonly StartTime: number;
  readonly EndTime: number;
  readonly MaxResults: number;
  readonly NextToken?: string;
}

/** `events` must be sorted from new to old. */
export function replayTrail(events: readonly WireEvent[]): Rule {
  const found = new Map<string, readonly WireEvent[]>();
  return onOperation('LookupEvents', ({ body }) => {
    const { NextToken, MaxResults, ...question } = JSON.parse(body.toString('utf8')) as Question;
    const key = JSON.stringify(question);
    const matching = found.get(key) ?? events.filter((event) => matches(event, question));
    found.set(key, matching);
    const [asked = key, at = '0'] =
      NextToken === undefined ? [] : Buffer.from(NextToken, 'base64').toString('utf8').split('\u0000');
    if (asked !== key) return fault(400, 'InvalidNextTokenException');
    const end = Number(at) + Math.min(MaxResults, 50);
    const token = end < matching.length ? Buffer.from(`${key}\u0000${end}`).toString('base64') : undefined;
    return json({ Events: matching.slice(Number(at), end), ...(token === undefined ? {} : { NextToken: token }) });
  });
}

function matches(event: WireEvent, { LookupAttributes, StartTime, EndTime }: Omit<Question, 'MaxResults'>): boolean {
  const [{ AttributeKey, AttributeValue } = { AttributeKey: '', AttributeValue: '' }] = LookupAttributes;
  if (event.EventTime < StartTime || event.EventTime > EndTime) return false;
  if (AttributeKey === 'ResourceName') return event.Resources.some((one) => one.ResourceName === AttributeValue);
  if (AttributeKey === 'Username') return event.Username === AttributeValue;
  return AttributeKey === 'AccessKeyId' && event.AccessKeyId === AttributeValue;
}

export interface TrailFacts {
  readonly count: number;
  /** The newest, milliseconds since the epoch; each is one second older than the one before. */
  readonly newestMs: number;
  readonly accessKeyId: string;
}

/** Events of a function: changes of it by name, calls of its sessions, and calls with a key from somewhere else. */
export function trailOf({ count, newestMs, accessKeyId }: TrailFacts): WireEvent[] {
  return Array.from({ length: count }, (_, index) => {
    const timeMs = newestMs - index * 1000;
    const kind = index % 3;
    const name = ['UpdateFunctionCode20150331v2', 'CreateLogStream', 'GetCallerIdentity'][kind] ?? '';
    const EventId = `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`;
    const source = ['lambda.amazonaws.com', 'logs.amazonaws.com', 'sts.amazonaws.com'][kind] ?? '';
    const record = {
      eventVersion: '1.11',
      eventID: EventId,
      eventName: name,
      eventSource: source,
      eventTime: new Date(timeMs).toISOString().replace(/\.\d+Z$/u, 'Z'),
      readOnly: kind === 2,
      awsRegion: 'eu-central-1',
      sourceIPAddress: kind === 2 ? '203.0.113.9' : '198.51.100.7',
      userAgent: kind === 2 ? 'aws-cli/2.17' : 'awslambda-worker/1.0',
      userIdentity: {
        type: 'AssumedRole',
        arn: 'arn:aws:sts::123456789012:assumed-role/checkout-role/checkout',
        accessKeyId,
        accountId: '123456789012',
        sessionContext: { sessionIssuer: { userName: 'checkout-role' } },
      },
      requestParameters:
        kind === 1
          ? { logStreamName: '2025/06/30/[$LATEST]00000000000000000000000000000000' }
          : { functionName: 'checkout' },
      responseElements: null,
    };
    return {
      EventId,
      EventName: name,
      ReadOnly: String(kind === 2),
      AccessKeyId: accessKeyId,
      EventTime: Math.floor(timeMs / 1000),
      EventSource: source,
      Username: kind === 0 ? 'deployer' : 'checkout',
      Resources: kind === 0 ? [{ ResourceType: 'AWS::Lambda::Function', ResourceName: 'checkout' }] : [],
      CloudTrailEvent: JSON.stringify(record),
    };
  });
}
