/**
 * Amazon S3, and what speaks its protocol: PutObject alone, nothing overwritten, two transports behind one contract.
 */
import { randomBytes } from 'node:crypto';
import type {
  CaptureIdentity,
  Destination,
  DestinationProvider,
  Receipt,
  StoredObject,
  Trouble,
  Config,
} from '../contracts/evidence.ts';
import { defined } from '../defined.ts';
import { describeError, isAmberError, type AmberError } from '../errors.ts';
import type { Outward } from '../contracts/outward.ts';
import { takeCredentials } from './credentials.ts';
import { cured } from './cure.ts';
import { faultError, isUnreached, noReceipt } from './faults.ts';
import type { Fault, Reply } from './faults.ts';
import { objectKey } from './key.ts';
import { retry, rulesFor } from './retry.ts';
import { readSettings } from './s3-settings.ts';
import type { PutAnswer, PutRequest, S3Settings } from './s3-settings.ts';
import type { S3Transport } from './s3-transport.ts';

/** Below this memory a function has less than a third of a core, and loading the SDK takes longer than a shutdown. */
const LIGHT_BELOW_MB = 512;
const SEGMENT = /^capture-\d{4,9}\./u;
/** Bodies above this size are announced (Expect: 100-continue) where a refusal is likely. */
const EXPECT_BYTES = 1024 * 1024;

export const s3: DestinationProvider = {
  name: 's3',
  protocol: 's3:',
  description: 'Amazon S3 or a compatible server: `s3://BUCKET/PREFIX`. Needs s3:PutObject only.',
  open: (url, capture, config) => openS3(url, capture, config),
};

/** The same for a command: with its proxies, authorities and credentials. A function never opens this one. */
export function s3Through(outward: Outward): DestinationProvider {
  return { ...s3, open: (url, capture, config) => openS3(url, capture, config, outward) };
}

async function openS3(url: URL, capture: CaptureIdentity, config: Config, outward?: Outward): Promise<Destination> {
  const credentials = outward === undefined ? await takeCredentials(process.env) : await outward.credentials();
  const settings = {
    ...readSettings(url, capture, config, process.env, credentials),
    ...(outward === undefined ? {} : { agent: outward.agent }),
  };
  const { transport, notice } = await openTransport(settings, config);
  return { ...s3Over(transport, settings, capture), ...defined({ notice }) };
}

/** The destination over a transport that is open. */
export function s3Over(transport: S3Transport, settings: S3Settings, capture: CaptureIdentity): Destination {
  const target: S3Target = {
    settings,
    transport,
    capture,
    stored: false,
    checks: false,
    closing: new AbortController(),
  };
  const folder = objectKey(settings.prefix, capture, 'x').slice(0, -1);
  return {
    location: `s3://${settings.bucket}/${folder}`,
    put: (object, signal, onTrouble) => store(target, object, signal, onTrouble),
    commit: (manifest, signal) => store(target, manifest, signal),
    close: () => {
      target.closing.abort(); // ends attempts that are under way, so that none reconnects
      transport.close();
    },
  };
}

interface Opened {
  readonly transport: S3Transport;
  /** For the log. */
  readonly notice?: string;
}

async function openTransport(settings: S3Settings, config: Config): Promise<Opened> {
  const memory = Number(process.env['AWS_LAMBDA_FUNCTION_MEMORY_SIZE'] ?? Number.NaN);
  // In a sandbox the SDK's own search for credentials would read files and ask hosts that the attacker may be.
  const inLambda = process.env['AWS_LAMBDA_FUNCTION_NAME'] !== undefined;
  const light = config.s3Transport === 'light' || (config.s3Transport === 'auto' && memory < LIGHT_BELOW_MB);
  if (light || (inLambda && settings.credentials === undefined)) return { transport: await openLightly(settings) };
  try {
    const { loadSdk, openSdk } = await import('./s3-sdk.ts');
    const sdk = await loadSdk();
    return { transport: await cured(settings, (place) => openSdk(sdk, settings, place)) };
  } catch (error) {
    if (isAmberError(error)) throw error;
    // A bundle that leaves @aws-sdk out, or a package that is broken: the other transport needs none of it.
    return {
      transport: await openLightly(settings),
      notice:
        `@aws-sdk/client-s3 cannot be loaded (${describeError(error)}); the capture is sent by the light ` +
        'transport',
    };
  }
}

async function openLightly(settings: S3Settings): Promise<S3Transport> {
  return (await import('./s3-light.ts')).openLightCured(settings);
}

interface S3Target {
  readonly settings: S3Settings;
  readonly transport: S3Transport;
  readonly capture: CaptureIdentity;
  /** An object of this capture was stored. */
  stored: boolean;
  /** The server has told the checksum of what it stored: a receipt without one is not from it. */
  checks: boolean;
  readonly closing: AbortController;
}

/**
 * Nobody but us knew the name of a segment before it was sent. Where it is taken all the same, somebody in the sandbox
 * squats the names to come: the segment goes under one that he cannot guess.
 */
async function store(
  target: S3Target,
  object: StoredObject,
  signal: AbortSignal,
  onTrouble?: (trouble: Trouble) => void,
): Promise<Receipt> {
  const first = await send(target, object, signal, onTrouble);
  if (first.receipt !== undefined) return first.receipt;
  if (first.error.code !== 'DESTINATION_EXISTS' || !SEGMENT.test(object.name)) throw first.error;
  const name = object.name.replace('.', `-${randomBytes(4).toString('hex')}.`);
  const second = await send(target, { ...object, name }, signal, onTrouble);
  if (second.receipt === undefined) throw second.error;
  return { ...second.receipt, name };
}

type Sent = { readonly receipt: Receipt } | { readonly receipt?: undefined; readonly error: AmberError };

async function send(
  target: S3Target,
  object: StoredObject,
  signal: AbortSignal,
  onTrouble?: (trouble: Trouble) => void,
): Promise<Sent> {
  const { settings } = target;
  const key = objectKey(settings.prefix, target.capture, object.name);
  const unreached = (): void => onTrouble?.('unreached');
  const request: Omit<PutRequest, 'expectContinue'> = {
    ...(onTrouble === undefined ? {} : { onSlow: unreached }),
    key,
    body: object.body,
    bytes: object.bytes,
    sha256: object.sha256,
    checksum: Buffer.from(object.sha256, 'hex').toString('base64'),
    contentType: object.name.endsWith('.json') ? 'application/json' : 'application/octet-stream',
  };
  const either = AbortSignal.any([signal, target.closing.signal]);
  // A server that refuses may close while the body is on its way, and the refusal is lost in a broken pipe. So it is
  // asked first until it has shown that it takes objects, and again when an attempt has failed.
  const asks = (attempt: number): boolean => object.bytes > EXPECT_BYTES && (!target.stored || attempt > 1);
  const once = async (own: AbortSignal, attempt: number): Promise<Reply<PutAnswer>> =>
    checked(target, await target.transport.put({ ...request, expectContinue: asks(attempt) }, own));
  const onPause = (fault: Fault): void => (isUnreached(fault) ? unreached() : onTrouble?.('failing'));
  const { reply, attempts, lost } = await retry(
    once,
    { ...rulesFor(object.bytes), isFree: onTrouble !== undefined },
    either,
    onPause,
  );
  if (reply.ok) {
    target.stored = true;
    return { receipt: receipt(reply.value, attempts) };
  }
  // The object is there, and an earlier attempt of ours ended without an answer: most likely it is ours.
  if (reply.fault.status === 412 && lost)
    return { receipt: { state: 'unknown', attempts, ...present({ serverDate: reply.fault.serverDate }) } };
  return {
    error: faultError(reply.fault, {
      bucket: settings.bucket,
      key,
      region: settings.region,
      kmsKey: settings.kmsKey,
      attempts,
      lost,
    }),
  };
}

/** A small body has left this process before an answer comes, read or not: what tells then is the checksum. */
function checked(target: S3Target, reply: Reply<PutAnswer>): Reply<PutAnswer> {
  if (!reply.ok) return reply;
  target.checks ||= reply.value.checksum !== undefined;
  return target.checks && reply.value.checksum === undefined
    ? { ok: false, fault: noReceipt(200, 'it has no checksum, and others before it had') }
    : reply;
}

function receipt({ etag, versionId, checksum, serverDate }: PutAnswer, attempts: number): Receipt {
  return {
    state: 'stored',
    attempts,
    ...present({ etag: etag?.replaceAll('"', ''), versionId, checksum, serverDate }),
  };
}

/** Without the members that are undefined. */
function present<K extends string>(values: Readonly<Record<K, string | undefined>>): Partial<Record<K, string>> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<
    Record<K, string>
  >;
}
