/**
 * The Extensions API of Lambda, from the side of an external extension.
 *
 * Source: AWS, "Lambda Extensions API" (paths, headers; "Do not set a timeout on the GET call").
 */
import type { Agent, IncomingMessage } from 'node:http';
import { AmberError } from '../errors.ts';

export interface InvokeEvent {
  readonly kind: 'INVOKE';
  readonly requestId: string | undefined;
  readonly functionArn: string | undefined;
  readonly traceId: string | undefined;
  readonly deadlineMs: number | undefined;
}

export interface ShutdownEvent {
  readonly kind: 'SHUTDOWN';
  readonly reason: string;
  readonly deadlineMs: number | undefined;
}

export type LifecycleEvent = InvokeEvent | ShutdownEvent;

/** What the platform tells an extension of the function. */
export interface Registration {
  readonly accountId: string | undefined;
  readonly handler: string | undefined;
}

export interface ExtensionsApi {
  /**
   * Registers for these events. Once, before anything else.
   *
   * @throws AmberError PLATFORM_REFUSED, with `details.status`; 403 for INVOKE on Managed Instances.
   */
  readonly register: (events: readonly ('INVOKE' | 'SHUTDOWN')[]) => Promise<Registration>;
  /**
   * Tells the platform that the extension is idle, and waits for the next event, however long that takes.
   *
   * @throws AmberError PLATFORM_REFUSED when the answer is none; the system's error when there is none.
   */
  readonly next: () => Promise<LifecycleEvent>;
  /** One request in the name of the registered extension, for the Telemetry API: status and body (64 KiB at most). */
  readonly send: (
    method: 'PUT',
    path: string,
    body: string,
  ) => Promise<{ readonly status: number; readonly body: string }>;
}

const PREFIX = '/2020-01-01/extension';
const MAX_BYTES = 64 * 1024;

/** @param name - file name of the extension in /opt/extensions: the platform knows it by that. */
export function openExtensionsApi(env: NodeJS.ProcessEnv, name: string): ExtensionsApi {
  // Not by import: the facade of node:http brings undici, and fetch has a timeout of 300 s that a frozen sandbox runs
  // into.
  const http = process.getBuiltinModule('node:http');
  const [host = '127.0.0.1', port = '9001'] = (env['AWS_LAMBDA_RUNTIME_API'] ?? '').split(':');
  const agent: Agent = new http.Agent({ keepAlive: true, maxSockets: 2 });
  let identifier = '';
  const call = (
    method: string,
    path: string,
    headers: Readonly<Record<string, string>>,
    body?: string,
  ): Promise<{ status: number; headers: IncomingMessage['headers']; body: string }> =>
    new Promise((resolve, reject) => {
      const sized =
        body === undefined
          ? headers
          : { ...headers, 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) };
      const request = http.request({ host, port, method, path, headers: sized, agent }, (response) => {
        readText(response).then(
          (text) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
          reject,
        );
      });
      request.on('error', reject);
      request.end(body);
    });
  return {
    register: async (events) => {
      const { status, headers, body } = await call(
        'POST',
        `${PREFIX}/register`,
        { 'lambda-extension-name': name, 'lambda-extension-accept-feature': 'accountId' },
        JSON.stringify({ events }),
      );
      const given = headers['lambda-extension-identifier'];
      if (status !== 200 || typeof given !== 'string') throw refused('register', status, body);
      identifier = given;
      const told = parseObject(body);
      return { accountId: text(told?.['accountId']), handler: text(told?.['handler']) };
    },
    next: async () => {
      const { status, body } = await call('GET', `${PREFIX}/event/next`, { 'lambda-extension-identifier': identifier });
      if (status !== 200) throw refused('event/next', status, body);
      return parseEvent(body) ?? Promise.reject(refused('event/next', status, body));
    },
    send: async (method, path, body) => call(method, path, { 'lambda-extension-identifier': identifier }, body),
  };
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let kept = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    kept += chunk.byteLength;
    if (kept > MAX_BYTES)
      throw new AmberError('PLATFORM_REFUSED', `An answer of the platform is longer than ${String(MAX_BYTES)} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function refused(what: string, status: number, body: string): AmberError {
  const type = /"errorType"\s*:\s*"([\w.]{1,80})"/u.exec(body)?.[1];
  return new AmberError(
    'PLATFORM_REFUSED',
    `The platform answered ${String(status)}${type === undefined ? '' : ` ${type}`} to ${what}.`,
    { details: { status } },
  );
}

/** Undefined for what is no event. */
export function parseEvent(body: string): LifecycleEvent | undefined {
  const value = parseObject(body);
  if (value === undefined) return undefined;
  const deadlineMs =
    typeof value['deadlineMs'] === 'number' && Number.isFinite(value['deadlineMs']) ? value['deadlineMs'] : undefined;
  if (value['eventType'] === 'SHUTDOWN')
    return { kind: 'SHUTDOWN', reason: text(value['shutdownReason']) ?? 'unknown', deadlineMs };
  if (value['eventType'] !== 'INVOKE') return undefined;
  const tracing = value['tracing'] as { value?: unknown } | null | undefined;
  return {
    kind: 'INVOKE',
    deadlineMs,
    requestId: text(value['requestId']),
    functionArn: text(value['invokedFunctionArn']),
    traceId: text(tracing?.value),
  };
}

function parseObject(body: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value.slice(0, 512) : undefined;
}
