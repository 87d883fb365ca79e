/**
 * Reads captures back from S3, with ListObjectsV2 and GetObject alone. For the responder, so unlike a sandbox it may
 * look for credentials and regions wherever the AWS SDK does. The SDK is loaded when the first reader is opened.
 */
import type * as Sdk from '@aws-sdk/client-s3';
import { defined } from '../defined.ts';
import { AmberError } from '../errors.ts';
import type { Outward } from '../contracts/outward.ts';
import { faultFromError, isTransient } from './faults.ts';
import { readFault } from './s3-read-fault.ts';
import type { Config } from '../contracts/evidence.ts';

export interface S3Object {
  readonly key: string;
  readonly bytes: number;
  /** ISO 8601. */
  readonly modified?: string | undefined;
}

export interface S3Version extends S3Object {
  readonly versionId: string;
  readonly etag: string | undefined;
  readonly deleteMarker: boolean;
}

export interface S3Reader {
  /** Keys below a prefix, in order, all of them; or those behind the key `after`. */
  readonly list: (prefix: string, after?: string) => AsyncGenerator<S3Object>;
  /** What lies directly in a folder (a prefix that ends with a slash, or the empty one). */
  readonly children: (
    prefix: string,
  ) => Promise<{ readonly objects: readonly S3Object[]; readonly folders: readonly string[] }>;
  /** The first objects whose key begins with `prefix`, without those in folders below it. */
  readonly some: (
    prefix: string,
    most: number,
  ) => Promise<{ readonly objects: readonly S3Object[]; readonly more: boolean }>;
  /** Versions and delete markers below a prefix: by key, of each key the newest first. Needs s3:ListBucketVersions. */
  readonly versions: (prefix: string) => AsyncGenerator<S3Version>;
  /** The bytes of an object from `start` on, at most `most`; goes on where a connection broke. */
  readonly read: (key: string, start?: number, most?: number, versionId?: string) => AsyncGenerator<Uint8Array>;
  readonly close: () => void;
}

export interface S3ReadOptions {
  readonly config: Pick<Config, 's3Endpoint' | 's3PathStyle' | 's3Region' | 's3BucketOwner'>;
  /** Profile of the shared AWS configuration files. */
  readonly profile?: string | undefined;
  /** Proxies, authorities and credentials; undefined: as the SDK has them by itself. */
  readonly outward?: Outward | undefined;
}

const CONNECT_MS = 5000;
/** Silence on a connection that is taken for its end. */
const IDLE_MS = 30_000;
const REQUEST_ATTEMPTS = 4;
/** Times that a body is taken up again where it broke, each time that this many bytes came. */
const RESUMES = 4;
const RESUME_BYTES = 1024 * 1024;
/** Objects of one folder that are listed: a capture has hundreds, a hostile bucket may have millions. */
const MAX_CHILDREN = 200_000;

/** Opens a reader for one bucket. Nothing is asked before the first call. */
export async function openS3Reader(bucket: string, options: S3ReadOptions): Promise<S3Reader> {
  const sdk = await import('@aws-sdk/client-s3');
  const client = new sdk.S3Client(await clientConfig(options));
  const target: S3ReadTarget = { sdk, client, bucket, owner: options.config.s3BucketOwner };
  return {
    list: (prefix, after) => list(target, prefix, after),
    children: (prefix) => children(target, prefix),
    some: (prefix, most) => some(target, prefix, most),
    versions: (prefix) => versions(target, prefix),
    read: (key, start, most, versionId) =>
      read(target, { key, versionId }, start ?? 0, most ?? Number.MAX_SAFE_INTEGER),
    close: () => client.destroy(),
  };
}

interface S3ReadTarget {
  readonly sdk: typeof Sdk;
  readonly client: Sdk.S3Client;
  readonly bucket: string;
  readonly owner: string | undefined;
}

async function clientConfig({ config, profile, outward }: S3ReadOptions): Promise<Sdk.S3ClientConfig> {
  const { s3Endpoint, s3PathStyle, s3Region } = config;
  const [httpAgent, httpsAgent] = [await outward?.agent({ secure: false }), await outward?.agent({ secure: true })];
  const region = s3Region ?? process.env['AWS_REGION'] ?? process.env['AWS_DEFAULT_REGION'];
  return {
    // Without a region the SDK asks the shared configuration; a custom endpoint needs any.
    ...(region === undefined ? (s3Endpoint === undefined ? {} : { region: 'us-east-1' }) : { region }),
    ...defined({ endpoint: s3Endpoint, profile }),
    ...(outward === undefined ? {} : { credentials: outward.credentials }),
    forcePathStyle: s3PathStyle,
    followRegionRedirects: true,
    maxAttempts: REQUEST_ATTEMPTS,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: CONNECT_MS,
      requestTimeout: IDLE_MS,
      socketTimeout: IDLE_MS,
      ...(httpsAgent === undefined ? {} : { httpAgent, httpsAgent }),
    },
    userAgentAppId: 'lambda-amber',
  };
}

async function* list(target: S3ReadTarget, prefix: string, after: string | undefined): AsyncGenerator<S3Object> {
  for await (const page of pages(target, prefix, { after })) {
    for (const { Key, Size } of page.Contents ?? []) if (Key !== undefined) yield { key: Key, bytes: Size ?? 0 };
  }
}

async function children(
  target: S3ReadTarget,
  prefix: string,
): Promise<{ objects: readonly S3Object[]; folders: readonly string[] }> {
  const objects: S3Object[] = [];
  const folders: string[] = [];
  for await (const page of pages(target, prefix, { delimiter: '/' })) {
    for (const { Key, Size } of page.Contents ?? [])
      if (Key !== undefined && Key !== prefix) objects.push({ key: Key, bytes: Size ?? 0 });
    for (const { Prefix } of page.CommonPrefixes ?? []) if (Prefix !== undefined) folders.push(Prefix);
    if (objects.length + folders.length > MAX_CHILDREN) {
      throw new AmberError(
        'CASE_UNREADABLE',
        `s3://${target.bucket}/${prefix} holds more than ${MAX_CHILDREN} objects: name a folder below it.`,
      );
    }
  }
  return { objects, folders };
}

async function some(
  target: S3ReadTarget,
  prefix: string,
  most: number,
): Promise<{ objects: readonly S3Object[]; more: boolean }> {
  const objects: S3Object[] = [];
  for await (const page of pages(target, prefix, { delimiter: '/' })) {
    for (const { Key, Size, LastModified } of page.Contents ?? []) {
      if (Key !== undefined) objects.push({ key: Key, bytes: Size ?? 0, modified: LastModified?.toISOString() });
    }
    if (objects.length >= most)
      return { objects: objects.slice(0, most), more: objects.length > most || page.IsTruncated === true };
  }
  return { objects, more: false };
}

async function* versions(target: S3ReadTarget, prefix: string): AsyncGenerator<S3Version> {
  let next: { KeyMarker?: string; VersionIdMarker?: string } = {};
  for (;;) {
    const input: Sdk.ListObjectVersionsCommandInput = {
      Bucket: target.bucket,
      Prefix: prefix,
      ...owned(target),
      ...next,
    };
    const page = await attempt(target, 's3:ListBucketVersions', prefix, () =>
      target.client.send(new target.sdk.ListObjectVersionsCommand(input)),
    );
    yield* inOrder(page);
    const { IsTruncated, NextKeyMarker, NextVersionIdMarker } = page;
    if (
      IsTruncated !== true ||
      NextKeyMarker === undefined ||
      (NextKeyMarker === next.KeyMarker && NextVersionIdMarker === next.VersionIdMarker)
    )
      return;
    next = {
      KeyMarker: NextKeyMarker,
      ...defined({ VersionIdMarker: NextVersionIdMarker }),
    };
  }
}

/** The SDK gives versions and delete markers in two lists, each in the order of the answer; of one key, time tells. */
function inOrder({ Versions = [], DeleteMarkers = [] }: Sdk.ListObjectVersionsCommandOutput): S3Version[] {
  const all = [
    ...Versions.map((one) => versionOf(one, { deleteMarker: false }, one.Size ?? 0, one.ETag)),
    ...DeleteMarkers.map((one) => versionOf(one, { deleteMarker: true }, 0, undefined)),
  ];
  return all.sort((one, other) =>
    one.key === other.key ? (other.modified ?? '').localeCompare(one.modified ?? '') : one.key < other.key ? -1 : 1,
  );
}

function versionOf(
  { Key = '', VersionId = '', LastModified }: Sdk.ObjectVersion | Sdk.DeleteMarkerEntry,
  { deleteMarker }: { readonly deleteMarker: boolean },
  bytes: number,
  etag: string | undefined,
): S3Version {
  return { key: Key, versionId: VersionId, bytes, etag, modified: LastModified?.toISOString(), deleteMarker };
}

async function* pages(
  target: S3ReadTarget,
  prefix: string,
  { delimiter, after }: { readonly delimiter?: string | undefined; readonly after?: string | undefined },
): AsyncGenerator<Sdk.ListObjectsV2CommandOutput> {
  let token: string | undefined;
  do {
    const input: Sdk.ListObjectsV2CommandInput = {
      Bucket: target.bucket,
      Prefix: prefix,
      ...owned(target),
      ...defined({ Delimiter: delimiter, StartAfter: after, ContinuationToken: token }),
    };
    const page = await attempt(target, 's3:ListBucket', prefix, () =>
      target.client.send(new target.sdk.ListObjectsV2Command(input)),
    );
    yield page;
    const next = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    token = next === token ? undefined : next;
  } while (token !== undefined);
}

interface Wanted {
  readonly key: string;
  readonly versionId: string | undefined;
}

async function* read(
  target: S3ReadTarget,
  { key, versionId }: Wanted,
  start: number,
  most: number,
): AsyncGenerator<Uint8Array> {
  const version = defined({ VersionId: versionId });
  let at = start;
  const end = start + most;
  let etag: string | undefined;
  let countedFrom = start;
  for (let failures = 0; at < end; ) {
    try {
      const range =
        at === 0 && most === Number.MAX_SAFE_INTEGER
          ? {}
          : { Range: `bytes=${at}-${most === Number.MAX_SAFE_INTEGER ? '' : end - 1}` };
      // The same object all along, should somebody replace it meanwhile.
      const same = defined({ IfMatch: etag });
      const output = await target.client.send(
        new target.sdk.GetObjectCommand({
          Bucket: target.bucket,
          Key: key,
          ...owned(target),
          ...version,
          ...range,
          ...same,
        }),
      );
      etag ??= output.ETag;
      for await (const chunk of (output.Body ?? []) as AsyncIterable<Uint8Array>) {
        at += chunk.length;
        yield chunk;
      }
      return;
    } catch (cause) {
      const fault = faultFromError(cause);
      if (fault.status === 416) return; // an empty object, or a range behind its end
      if (at - countedFrom >= RESUME_BYTES) failures = 0;
      countedFrom = at;
      failures += 1;
      if (failures > RESUMES || !isTransient(fault))
        throw readFault(target.bucket, versionId === undefined ? 's3:GetObject' : 's3:GetObjectVersion', key, cause);
    }
  }
}

const owned = (target: S3ReadTarget): { ExpectedBucketOwner?: string } =>
  defined({ ExpectedBucketOwner: target.owner });

async function attempt<T>(target: S3ReadTarget, action: string, key: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    throw readFault(target.bucket, action, key, cause);
  }
}
