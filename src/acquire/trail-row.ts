/** One CloudTrail event as a row: the shape that LookupEvents gives, which plaso's `aws_cloudtrail_log` reads. */

export interface TrailRow {
  readonly EventId: string;
  readonly EventName: string;
  readonly ReadOnly: string;
  readonly AccessKeyId: string;
  readonly EventTime: string;
  readonly EventSource: string;
  readonly Username: string;
  readonly Resources: readonly { readonly ResourceType?: string; readonly ResourceName: string }[];
  /** The record itself, as text. */
  readonly CloudTrailEvent: string;
  /** What was asked when it was found. */
  readonly FoundBy: string;
}

/**
 * Regions whose events concern a function: its own, those of its buckets of evidence, and the one in which the global
 * services (IAM, STS) are recorded ("CloudTrail concepts, global service events").
 */
export function trailRegions(
  {
    region,
    functionArn,
  }: {
    readonly region: string;
    readonly functionArn: string;
  },
  ofBuckets: readonly string[] = [],
): readonly string[] {
  const global = functionArn.startsWith('arn:aws:') ? 'us-east-1' : region;
  return [...new Set([region, global, ...ofBuckets])];
}

/**
 * `YYYY-MM-DD hh:mm:ss+00:00`: plaso reads the time with dfdatetime's CopyFromDateTimeString, which wants a space where
 * ISO 8601 has a `T`.
 */
export function trailTime(ms: number): string {
  return new Date(ms)
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/u, '+00:00');
}

/** A record of a trail's file. Undefined if it is none. */
export function rowOfRecord(
  text: string,
  foundBy: string,
): { readonly row: TrailRow; readonly timeMs: number } | undefined {
  const record = parse(text);
  const timeMs = Date.parse(textOf(record?.['eventTime']));
  if (record === undefined || Number.isNaN(timeMs)) return undefined;
  const identity = objectOf(record['userIdentity']);
  const issuer = objectOf(objectOf(identity['sessionContext'])['sessionIssuer']);
  const resources = Array.isArray(record['resources']) ? record['resources'].map(objectOf) : [];
  return {
    timeMs,
    row: {
      EventId: textOf(record['eventID']),
      EventName: textOf(record['eventName']),
      ReadOnly: typeof record['readOnly'] === 'boolean' ? String(record['readOnly']) : '',
      AccessKeyId: textOf(identity['accessKeyId']),
      EventTime: trailTime(timeMs),
      EventSource: textOf(record['eventSource']),
      Username: textOf(identity['userName']) || sessionName(textOf(identity['arn'])) || textOf(issuer['userName']),
      Resources: resources.map((one) => ({ ResourceType: textOf(one['type']), ResourceName: textOf(one['ARN']) })),
      CloudTrailEvent: text,
      FoundBy: foundBy,
    },
  };
}

/** arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION */
function sessionName(arn: string): string {
  return /:assumed-role\/[^/]+\/(.+)$/u.exec(arn)?.[1] ?? '';
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    return objectOf(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function objectOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
