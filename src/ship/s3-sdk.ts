/**
 * S3 through the AWS SDK (client-s3). The SDK is loaded when a capture opens its destination, never before. It sends what it
 * is told and nothing more: one attempt, a buffer with its SHA-256, no file of the sandbox read for its configuration.
 */
import type * as Sdk from '@aws-sdk/client-s3';
import { AmberError } from '../errors.ts';
import { faultFromError } from './faults.ts';
import type { Reply } from './faults.ts';
import type { PutAnswer, PutRequest, S3Settings } from './s3-settings.ts';
import type { S3Transport } from './s3.ts';

const CONNECT_MS = 1000;
const FAMILY_MS = 500;
const MAX_SOCKETS = 4;

/**
 * Loads the SDK and pins the credentials.
 *
 * @throws AmberError DESTINATION_CREDENTIALS when neither the settings nor the SDK's own chain have any.
 */
export async function openSdk(settings: S3Settings): Promise<S3Transport> {
  const sdk = await import('@aws-sdk/client-s3');
  const client = new sdk.S3Client(clientConfig(settings));
  if (settings.credentials === undefined) await pinCredentials(client);
  return {
    put: (request, signal) => put(sdk, client, settings, request, signal),
    close: () => client.destroy(),
  };
}

function clientConfig(settings: S3Settings): Sdk.S3ClientConfig {
  // Certificates are checked whatever NODE_TLS_REJECT_UNAUTHORIZED says: code in the process can set that at any time.
  const agent = { keepAlive: true, maxSockets: MAX_SOCKETS, autoSelectFamilyAttemptTimeout: FAMILY_MS };
  const tlsAgent = { ...agent, rejectUnauthorized: true };
  return {
    region: settings.region,
    ...(settings.endpoint === undefined ? {} : { endpoint: settings.endpoint.href }),
    ...(settings.credentials === undefined ? {} : { credentials: settings.credentials }),
    forcePathStyle: settings.pathStyle,
    maxAttempts: 1,
    retryMode: 'standard',
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    expectContinueHeader: false,
    requestHandler: { connectionTimeout: CONNECT_MS, httpAgent: agent, httpsAgent: tlsAgent },
    // All that follows would else be looked up in ~/.aws/config. HOME is often /tmp in a sandbox, where the attacker
    // writes: a file with `endpoint_url` in it would send the evidence to him, and a FIFO would never be read to its end.
    ignoreConfiguredEndpointUrls: true,
    defaultsMode: 'standard',
    authSchemePreference: ['sigv4'],
    disableS3ExpressSessionAuth: false,
    disableMultiregionAccessPoints: false,
    disableClockSkewCorrection: true,
    sigv4aSigningRegionSet: [settings.region],
    useArnRegion: false,
    useDualstackEndpoint: false,
    useFipsEndpoint: false,
    userAgentAppId: 'lambda-amber',
  };
}

async function pinCredentials(client: Sdk.S3Client): Promise<void> {
  try {
    const found = await client.config.credentials();
    client.config.credentials = () => Promise.resolve(found);
  } catch (cause) {
    throw new AmberError('DESTINATION_CREDENTIALS', 'No AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile.', { cause });
  }
}

async function put(sdk: typeof Sdk, client: Sdk.S3Client, settings: S3Settings, request: PutRequest, signal: AbortSignal): Promise<Reply<PutAnswer>> {
  const command = new sdk.PutObjectCommand(commandInput(settings, request));
  let serverDate: string | undefined;
  command.middlewareStack.add((next) => async (args) => {
    const headers = headersOf(args.request);
    // The signer takes this header as the hash of the payload, so that the body is not hashed a second time.
    headers['x-amz-content-sha256'] = request.sha256;
    if (request.expectContinue) headers['expect'] = '100-continue';
    const result = await next(args);
    serverDate = headersOf(result.response)['date'];
    return result;
  }, { step: 'build', name: 'amberPayloadHash' });
  try {
    const output = await client.send(command, { abortSignal: signal });
    return { ok: true, value: { etag: output.ETag, versionId: output.VersionId, checksum: output.ChecksumSHA256, serverDate } };
  } catch (error) {
    return { ok: false, fault: faultFromError(error) };
  }
}

function commandInput(settings: S3Settings, request: PutRequest): Sdk.PutObjectCommandInput {
  const [first, ...others] = request.body;
  return {
    Bucket: settings.bucket,
    Key: request.key,
    Body: first !== undefined && others.length === 0 ? Buffer.from(first.buffer, first.byteOffset, first.byteLength) : Buffer.concat(request.body),
    ContentLength: request.bytes,
    ContentType: request.contentType,
    ChecksumSHA256: request.checksum,
    IfNoneMatch: '*',
    ...(settings.bucketOwner === undefined ? {} : { ExpectedBucketOwner: settings.bucketOwner }),
    ...(settings.kmsKey === undefined ? {} : { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: settings.kmsKey }),
  };
}

/** The headers of the SDK's HttpRequest or HttpResponse, which it hands to middleware as `unknown`. */
function headersOf(message: unknown): Record<string, string> {
  return (message as { headers: Record<string, string> }).headers;
}
