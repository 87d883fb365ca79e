/** Opens the S3 destination against a test server, and reads the bucket back as its owner. */
import { CreateBucketCommand, GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { resolveConfig } from '../../src/config/config.ts';
import type { Options } from '../../src/config/config.ts';
import type { CaptureIdentity, Destination } from '../../src/contracts/evidence.ts';
import { openDestination } from '../../src/ship/index.ts';
import { objectKey } from '../../src/ship/key.ts';

export interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export const TRANSPORTS = ['sdk', 'light'] as const;
export type Transport = (typeof TRANSPORTS)[number];

export interface Where {
  readonly endpoint: string;
  readonly bucket: string;
  readonly prefix?: string;
  readonly keys: Keys;
}

/** Opens `s3://bucket/prefix` with these keys in the environment, which is put back before this returns. */
export async function openS3(
  where: Where,
  transport: Transport,
  capture: CaptureIdentity,
  options: Options = {},
): Promise<Destination> {
  const config = resolveConfig(
    { s3Endpoint: where.endpoint, s3PathStyle: true, s3Region: 'us-east-1', s3Transport: transport, ...options },
    {},
  );
  return withEnvironment(
    { AWS_ACCESS_KEY_ID: where.keys.accessKeyId, AWS_SECRET_ACCESS_KEY: where.keys.secretAccessKey },
    async () => openDestination(`s3://${where.bucket}/${where.prefix ?? 'amber'}`, capture, config),
  );
}

/** Runs `body` with no AWS variable but these. */
export async function withEnvironment<T>(
  variables: Readonly<Record<string, string>>,
  body: () => Promise<T>,
): Promise<T> {
  const before = { ...process.env };
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) Reflect.deleteProperty(process.env, name);
  Object.assign(process.env, variables);
  try {
    return await body();
  } finally {
    for (const name of Object.keys(process.env)) if (!(name in before)) Reflect.deleteProperty(process.env, name);
    Object.assign(process.env, before);
  }
}

export function owner(endpoint: string, credentials: Keys): S3Client {
  return new S3Client({
    endpoint,
    forcePathStyle: true,
    region: 'us-east-1',
    credentials,
    maxAttempts: 2,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
}

export async function makeBucket(client: S3Client, bucket: string, objectLock = false): Promise<void> {
  await client.send(new CreateBucketCommand({ Bucket: bucket, ObjectLockEnabledForBucket: objectLock }));
}

/** The bytes that stand in the bucket under these names of the capture, joined. */
export async function readBack(
  client: S3Client,
  bucket: string,
  capture: CaptureIdentity,
  names: readonly string[],
): Promise<Buffer> {
  const bodies: Uint8Array[] = [];
  for (const name of names) {
    const { Body } = await client.send(
      new GetObjectCommand({ Bucket: bucket, Key: objectKey('amber', capture, name) }),
    );
    bodies.push(await Body!.transformToByteArray());
  }
  return Buffer.concat(bodies);
}
