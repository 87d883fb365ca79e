/**
 * S3 through the AWS SDK (client-s3): it knows endpoints, names of buckets and signatures. What it has signed is sent
 * by the same exchange as that of the light transport, once. Its answer is judged by the same rules. The SDK is loaded
 * when a capture opens its destination, never before, and reads no file of the sandbox for its configuration.
 */
import type * as Sdk from '@aws-sdk/client-s3';
import { defined } from '../defined.ts';
import { AmberError } from '../errors.ts';
import type { Place } from './cure.ts';
import type { Answer } from './exchange.ts';
import { faultFromError } from './faults.ts';
import type { Reply } from './faults.ts';
import { putReply } from './receipt.ts';
import type { PutAnswer, PutRequest, S3Settings } from './s3-settings.ts';
import { openSdkHandler } from './sdk-handler.ts';
import type { S3Transport } from './s3-transport.ts';

/** Loads the SDK. Rejects with whatever keeps it from loading, such as a bundle that leaves it out. */
export async function loadSdk(): Promise<typeof Sdk> {
  const sdk = await import('@aws-sdk/client-s3');
  if (typeof sdk.S3Client !== 'function' || typeof sdk.PutObjectCommand !== 'function')
    throw new TypeError('@aws-sdk/client-s3 has no S3Client');
  return sdk;
}

/**
 * Opens a client, and pins the credentials.
 *
 * @throws AmberError DESTINATION_CREDENTIALS when neither the settings nor the SDK's own chain have any.
 */
export async function openSdk(sdk: typeof Sdk, settings: S3Settings, place: Place = settings): Promise<S3Transport> {
  const [plain, secure] = [await settings.agent?.({ secure: false }), await settings.agent?.({ secure: true })];
  const handler = openSdkHandler(plain === undefined || secure === undefined ? undefined : [plain, secure]);
  const client = new sdk.S3Client({
    ...clientConfig({ ...settings, ...place }),
    ...clockOf(place),
    requestHandler: handler,
  });
  if (settings.credentials === undefined) await pinCredentials(client);
  return {
    put: (request, signal) => {
      if (request.onSlow !== undefined) handler.listen(signal, request.onSlow);
      return put(sdk, client, settings, request, signal);
    },
    close: () => client.destroy(),
  };
}

/** The SDK moves its clock by the answers; where ours is right it need not. */
function clockOf({ clockMs }: Place): Sdk.S3ClientConfig {
  return clockMs === undefined
    ? { disableClockSkewCorrection: true }
    : { disableClockSkewCorrection: false, systemClockOffset: clockMs };
}

function clientConfig(settings: S3Settings): Sdk.S3ClientConfig {
  return {
    region: settings.region,
    ...(settings.endpoint === undefined ? {} : { endpoint: settings.endpoint.href }),
    ...defined({ credentials: settings.credentials }),
    forcePathStyle: settings.pathStyle,
    maxAttempts: 1,
    retryMode: 'standard',
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    expectContinueHeader: false,
    // All that follows would else be looked up in ~/.aws/config. HOME is often /tmp in a sandbox, where the attacker
    // writes: a file with `endpoint_url` in it would send the evidence to him, and a FIFO would never be read to its
    // end.
    ignoreConfiguredEndpointUrls: true,
    defaultsMode: 'standard',
    authSchemePreference: ['sigv4'],
    disableS3ExpressSessionAuth: false,
    disableMultiregionAccessPoints: false,
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
    throw new AmberError(
      'DESTINATION_CREDENTIALS',
      'No AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile.',
      { cause },
    );
  }
}

async function put(
  sdk: typeof Sdk,
  client: Sdk.S3Client,
  settings: S3Settings,
  request: PutRequest,
  signal: AbortSignal,
): Promise<Reply<PutAnswer>> {
  const command = new sdk.PutObjectCommand(commandInput(settings, request));
  let answer: Answer | undefined;
  command.middlewareStack.add(
    (next) => async (args) => {
      const headers = headersOf(args.request);
      // The signer takes this header as the hash of the payload, so that the body is not hashed a second time.
      headers['x-amz-content-sha256'] = request.sha256;
      if (request.expectContinue) headers['expect'] = '100-continue';
      return next(args);
    },
    { step: 'build', name: 'amberPayloadHash' },
  );
  // Next to the HTTP client: before the SDK makes an output or an error of the answer.
  command.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      answer = (result.response as { readonly answer?: Answer }).answer;
      return result;
    },
    { step: 'deserialize', priority: 'low', name: 'amberAnswer' },
  );
  try {
    await client.send(command, { abortSignal: signal });
  } catch (error) {
    if (answer === undefined) return { ok: false, fault: faultFromError(error) };
  }
  return answer === undefined
    ? { ok: false, fault: { code: 'Unknown', reason: 'the SDK gave no answer' } }
    : putReply(answer, request);
}

function commandInput(settings: S3Settings, request: PutRequest): Sdk.PutObjectCommandInput {
  const [first, ...others] = request.body;
  return {
    Bucket: settings.bucket,
    Key: request.key,
    Body:
      first !== undefined && others.length === 0
        ? Buffer.from(first.buffer, first.byteOffset, first.byteLength)
        : Buffer.concat(request.body),
    ContentLength: request.bytes,
    ContentType: request.contentType,
    ChecksumSHA256: request.checksum,
    IfNoneMatch: '*',
    ...defined({ ExpectedBucketOwner: settings.bucketOwner }),
    ...(settings.kmsKey === undefined ? {} : { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: settings.kmsKey }),
  };
}

/** The headers of the SDK's HttpRequest, which it hands to middleware as `unknown`. */
function headersOf(message: unknown): Record<string, string> {
  return (message as { headers: Record<string, string> }).headers;
}
