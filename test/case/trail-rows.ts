/** Data events of S3 as CloudTrail writes them ("Example: Amazon S3 log file entries"), in the rows of a collection. */
import { rowOfRecord } from '../../src/acquire/trail-row.ts';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bytesEntry, makeCapture, type MadeCapture } from './captures.ts';

export interface DataEvent {
  readonly name: string;
  readonly time: string;
  readonly bucket?: string;
  /** None for DeleteObjects, of which the record names no key. */
  readonly key?: string;
  readonly arn?: string;
  readonly errorCode?: string;
  readonly version?: string;
}

export const BUCKET = 'evidence-bucket';
export const ADMIN = 'arn:aws:iam::111122223333:user/mallory';
const SANDBOX = 'arn:aws:sts::111122223333:assumed-role/checkout-role/checkout';

export function record({
  name,
  time,
  bucket = BUCKET,
  key,
  arn = name === 'PutObject' ? SANDBOX : ADMIN,
  errorCode,
  version,
}: DataEvent): string {
  const objects =
    key === undefined
      ? { type: 'AWS::S3::Object', ARNPrefix: `arn:aws:s3:::${bucket}/` }
      : { type: 'AWS::S3::Object', ARN: `arn:aws:s3:::${bucket}/${key}` };
  return JSON.stringify({
    eventVersion: '1.10',
    userIdentity: {
      type: arn === SANDBOX ? 'AssumedRole' : 'IAMUser',
      principalId: 'AIDAEXAMPLE',
      arn,
      accountId: '111122223333',
      accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
      userName: 'mallory',
    },
    eventTime: time,
    eventSource: 's3.amazonaws.com',
    eventName: name,
    awsRegion: 'eu-central-1',
    sourceIPAddress: '203.0.113.7',
    userAgent: '[aws-cli/2.15.0]',
    ...(errorCode === undefined ? {} : { errorCode, errorMessage: 'Access Denied' }),
    requestParameters: {
      bucketName: bucket,
      Host: `${bucket}.s3.eu-central-1.amazonaws.com`,
      ...(key === undefined ? { delete: '' } : { key }),
      ...(version === undefined ? {} : { versionId: version }),
    },
    responseElements: null,
    additionalEventData: {
      SignatureVersion: 'SigV4',
      CipherSuite: 'TLS_AES_128_GCM_SHA256',
      bytesTransferredIn: 0,
      AuthenticationMethod: 'AuthHeader',
      bytesTransferredOut: 0,
    },
    requestID: 'D5FD2B4BB21A6A2F',
    eventID: `event-of-${name}-${time}`,
    readOnly: false,
    resources: [objects, { accountId: '111122223333', type: 'AWS::S3::Bucket', ARN: `arn:aws:s3:::${bucket}` }],
    eventType: 'AwsApiCall',
    managementEvent: false,
    recipientAccountId: '111122223333',
    eventCategory: 'Data',
  });
}

export function trailRows(events: readonly DataEvent[]): string {
  return events
    .map((event) => `${JSON.stringify(rowOfRecord(record(event), 's3://trail/AWSLogs/x.json.gz')?.row)}\n`)
    .join('');
}

/** A collection with these rows of a trail. */
export async function collectionWith(rows: string): Promise<MadeCapture> {
  const made = await makeCapture({
    captureId: '0197c0de-0000-7000-8000-0000000000ff',
    apart: true,
    tarball: { segmentBytes: 4 * 1024 * 1024 },
    entries: [
      { kind: 'json', path: 'capture.json', source: 'amber', method: 'api', value: { captureId: '' } },
      bytesEntry('cloudtrail/trail-files.jsonl', '{"key":"AWSLogs/x.json.gz"}\n'),
      bytesEntry('cloudtrail/trail-0000.jsonl', rows),
    ],
  });
  const manifest = { ...made.manifest, cause: { trigger: 'collect', reason: 'collected' } };
  writeFileSync(join(made.folder, 'manifest.json'), JSON.stringify(manifest));
  return made;
}
