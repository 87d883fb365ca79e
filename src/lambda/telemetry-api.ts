/**
 * The Telemetry API: the platform tells how each invocation ended. A hint and no proof, because an intruder can post to
 * the listener as well: nothing starts a capture because of it.
 *
 * Source: AWS, "Lambda Telemetry API reference", "Lambda Telemetry API Event schema reference". Under AWS's emulator
 * there is none: it answers 202 with `Telemetry.NotSupported` (rapi/handler/runtimelogs_stub.go).
 */
import type { Server } from 'node:http';
import type { ExtensionsApi } from './extensions-api.ts';

/** `platform.runtimeDone`. */
export interface RuntimeDone {
  readonly requestId: string | undefined;
  /** `success`, `failure`, `error`, `timeout`. */
  readonly status: string;
  /** `Runtime.ExitError`, `Runtime.OutOfMemory`, … */
  readonly errorType: string | undefined;
  /** When the invocation began, milliseconds since the epoch, where the platform says how long it took. */
  readonly startedMs?: number;
}

const MAX_BYTES = 256 * 1024;
/** Least that the API allows. */
const BUFFER_MS = 25;

/**
 * Subscribes to platform events.
 *
 * @returns false where there is no Telemetry API, or it refuses. Never rejects.
 */
export async function subscribe(
  api: ExtensionsApi,
  { managed }: { readonly managed: boolean },
  onDone: (done: RuntimeDone) => void,
): Promise<boolean> {
  let server: Server | undefined;
  try {
    server = await listen(onDone);
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const answer = await api.send(
      'PUT',
      '/2022-07-01/telemetry',
      JSON.stringify({
        // Managed Instances know one schema alone (AWS, "Extensions for Lambda Managed Instances").
        schemaVersion: managed ? '2025-01-29' : '2022-12-13',
        types: ['platform'],
        buffering: { maxItems: 1000, maxBytes: MAX_BYTES, timeoutMs: BUFFER_MS },
        destination: { protocol: 'HTTP', URI: `http://sandbox.localdomain:${String(port)}` },
      }),
    );
    if (answer.status === 200) return true;
  } catch {
    // no telemetry then
  }
  server?.close();
  return false;
}

function listen(onDone: (done: RuntimeDone) => void): Promise<Server> {
  const http = process.getBuiltinModule('node:http');
  const server = http.createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (piece: string) => {
      if (text.length + piece.length > MAX_BYTES * 2) request.destroy();
      else text += piece;
    });
    request.on('error', () => undefined);
    request.on('end', () => {
      response.end();
      for (const done of parseTelemetry(text)) onDone(done);
    });
  });
  server.unref();
  // A listener that breaks must not end the extension.
  server.on('clientError', (_, socket) => socket.destroy());
  server.maxConnections = 16;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    // All addresses: the platform calls sandbox.localdomain, which need not be the loopback.
    server.listen(0, () => {
      server.on('error', () => undefined);
      resolve(server);
    });
  });
}

/** The runtimeDone events of a batch; nothing for what is no batch. */
export function parseTelemetry(body: string): readonly RuntimeDone[] {
  // Most batches hold nothing for us: what is not in there is not parsed.
  if (!body.includes('"platform.runtimeDone"')) return [];
  try {
    const batch = JSON.parse(body) as unknown;
    return Array.isArray(batch) ? batch.slice(0, 1000).flatMap(doneOf) : [];
  } catch {
    return [];
  }
}

function doneOf(event: unknown): RuntimeDone[] {
  const { type, time, record } = (event ?? {}) as { type?: unknown; time?: unknown; record?: unknown };
  if (type !== 'platform.runtimeDone' || typeof record !== 'object' || record === null) return [];
  const { requestId, status, errorType, metrics } = record as Record<string, unknown>;
  const startedMs =
    Date.parse(String(time)) - Number((metrics as { durationMs?: unknown } | null | undefined)?.durationMs);
  const word = (value: unknown): string | undefined =>
    typeof value === 'string' && /^[\w.-]{1,100}$/u.test(value) ? value : undefined;
  return [
    {
      requestId: word(requestId),
      status: word(status) ?? 'unknown',
      errorType: word(errorType),
      ...(Number.isFinite(startedMs) ? { startedMs } : {}),
    },
  ];
}
