/** Everything that both S3 transports need to know, read once from the URL, the configuration and the environment. */
import type { CaptureIdentity, Config } from '../contracts/evidence.ts';
import { MAX_PREFIX_BYTES, parseBucketUrl, parseDestination, type BucketUrl } from '../config/destination.ts';
import { AmberError } from '../errors.ts';
import type { OpenAgent } from '../contracts/outward.ts';
import type { Credentials } from './credentials.ts';

export interface S3Settings {
  readonly bucket: string;
  /** Without a slash at either end; may be empty. */
  readonly prefix: string;
  readonly region: string;
  /** Undefined: the endpoint of AWS for the region. */
  readonly endpoint: URL | undefined;
  readonly pathStyle: boolean;
  /** Undefined: the SDK looks for them (outside Lambda only). */
  readonly credentials: Credentials | undefined;
  readonly kmsKey: string | undefined;
  readonly bucketOwner: string | undefined;
  /** Of a command; a function has none. */
  readonly agent?: OpenAgent;
}

/** One PutObject. */
export interface PutRequest {
  readonly key: string;
  readonly body: readonly Uint8Array[];
  readonly bytes: number;
  /** SHA-256 of the body, lower-case hex, and the same in base64. */
  readonly sha256: string;
  readonly checksum: string;
  readonly contentType: string;
  /** Ask the server to accept the headers before the body is sent (Expect: 100-continue, RFC 9110 section 10.1.1). */
  readonly expectContinue: boolean;
  /** Called when no connection comes about, before it is given up. */
  readonly onSlow?: (() => void) | undefined;
}

export interface PutAnswer {
  readonly etag?: string | undefined;
  readonly versionId?: string | undefined;
  /** Base64 SHA-256 that the server computed, where it says so. */
  readonly checksum?: string | undefined;
  readonly serverDate?: string | undefined;
}

export const REGION_NAME: RegExp = /^[a-z]{2,4}(?:-[a-z]{2,12}){1,3}-\d{1,2}$/u;

/** @throws AmberError CONFIG_INVALID when the URL names no usable bucket or prefix. */
export function readSettings(
  url: URL,
  capture: CaptureIdentity,
  config: Config,
  env: NodeJS.ProcessEnv,
  credentials: Credentials | undefined,
): S3Settings {
  return {
    ...readPlace(url),
    region:
      config.s3Region ??
      [capture.region, env['AWS_REGION'], env['AWS_DEFAULT_REGION']].find(
        (name) => name !== undefined && REGION_NAME.test(name),
      ) ??
      'us-east-1',
    endpoint: config.s3Endpoint === undefined ? undefined : new URL(config.s3Endpoint),
    pathStyle: config.s3PathStyle,
    credentials,
    kmsKey: config.s3KmsKey,
    bucketOwner: config.s3BucketOwner,
  };
}

/** The URL of a destination as {@link readSettings} reads it. @throws AmberError CONFIG_INVALID. */
export function destinationUrl(text: string): URL {
  const judged = parseDestination(text);
  if (!judged.ok) throw invalid(`expected ${judged.expected}`);
  return judged.value;
}

function readPlace(url: URL): BucketUrl {
  if (url.hash !== '' || url.search !== '') throw invalid('a `#` and a `?` in a URL object are percent-encoded');
  const judged = parseBucketUrl(`s3://${url.host}${decode(url.pathname)}`, MAX_PREFIX_BYTES);
  if (!judged.ok) throw invalid(`expected ${judged.expected}`);
  return judged.value;
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw invalid('the prefix is not percent-encoded UTF-8');
  }
}

function invalid(reason: string): AmberError {
  return new AmberError(
    'CONFIG_INVALID',
    `AMBER_DESTINATION is not usable: ${reason}; for example s3://evidence-bucket/amber`,
  );
}

/** Host, port and path before the key, as the request line needs them. */
export interface S3Origin {
  readonly secure: boolean;
  readonly hostname: string;
  readonly port: string;
  /** Value of the Host header. */
  readonly host: string;
  /** Empty, or `/bucket`: percent-encoded, without a slash at the end. */
  readonly basePath: string;
}

/** DNS suffix by region prefix: "AWS service endpoints" in the AWS General Reference; the first match counts. */
const SUFFIXES: readonly (readonly [string, string])[] = [
  ['cn-', 'amazonaws.com.cn'],
  ['eusc-', 'amazonaws.eu'],
  ['us-iso-', 'c2s.ic.gov'],
  ['us-isob-', 'sc2s.sgov.gov'],
  ['eu-isoe-', 'cloud.adc-e.uk'],
  ['us-isof-', 'csp.hci.ic.gov'],
  ['', 'amazonaws.com'],
];

/** What names of AWS end with in the partition of a region. */
export function suffixOf(region: string): string {
  return SUFFIXES.find(([start]) => region.startsWith(start))?.[1] ?? 'amazonaws.com';
}

/** Where requests go: the bucket in the host name, or in the path where the name or the configuration wants that. */
export function originOf(settings: S3Settings): S3Origin {
  const url = settings.endpoint ?? new URL(`https://s3.${settings.region}.${suffixOf(settings.region)}`);
  const secure = url.protocol === 'https:';
  // A name with dots does not match the wildcard of the certificate, and an address has no subdomains.
  const inPath = settings.pathStyle || /[._A-Z]/u.test(settings.bucket) || /^[\d.]+$|^\[/u.test(url.hostname);
  const hostname = inPath ? url.hostname : `${settings.bucket}.${url.hostname}`;
  const before = url.pathname.replace(/\/+$/u, '');
  return {
    secure,
    hostname: hostname.replace(/^\[(.*)\]$/u, '$1'),
    port: url.port,
    host: url.port === '' ? hostname : `${hostname}:${url.port}`,
    basePath: inPath ? `${before}/${settings.bucket}` : before,
  };
}
