/** Amber's extension beside a victim: the layer's own files, and the platform that it talks to. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { nodeExtension } from '../../../layer/extension/parts.ts';
import { ExtensionsDesk, type InvokeFacts } from '../../sandbox/extensions-desk.ts';
import type { Place } from '../../sandbox/lambda-root.ts';
import type { Neighbour } from '../../sandbox/runtime-api.ts';

let built: Promise<string> | undefined;

/** The layer in a folder, built once in a process. It is run by the Node of the sandbox, also beside Python. */
export async function extensionLayer(): Promise<string> {
  return (built ??= (async () => {
    const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'amber-layer-'));
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
    for (const { path, bytes, executable } of await nodeExtension.files()) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), bytes);
      chmodSync(join(folder, path), executable === true ? 0o755 : 0o644);
    }
    return folder;
  })());
}

/** How the platform starts it. */
export const EXTENSION: NonNullable<Place['beside']> = [
  { command: ['/opt/extensions/amber'], env: { AWS_LAMBDA_RUNTIME_API: '127.0.0.1:9001' } },
];

/** The platform's side. */
export interface ExtensionHost {
  readonly neighbour: Neighbour;
  readonly onInvoke: (facts: InvokeFacts) => void;
  /** The runtime has asked for more: tells so, and waits until the extension has as well. */
  readonly idle: () => Promise<void>;
  /** SHUTDOWN, as at a spindown: two seconds. Says whether it went in time. */
  readonly shutdown: (isGone: () => boolean) => Promise<void>;
}

/** Longest that an extension works on after an invocation: a capture, at most until the deadline. */
const WORK_MS = 20_000;
const SHUTDOWN_MS = 2000;
const TELEMETRY = '/2022-07-01/telemetry';

/** @param inward - socket of network.ts, by which the sandbox's own ports are reached */
export function hostExtension(inward: string): ExtensionHost {
  const desk = new ExtensionsDesk(
    {
      functionName: 'sandboxed-function',
      handler: 'index.handler',
      managed: false,
      telemetry: true,
      onError: () => undefined,
    },
    ['amber'],
  );
  let port = 0;
  let requestId = '';
  let begunMs = 0;
  return {
    neighbour: (incoming, response) => {
      if (incoming.url !== TELEMETRY) return desk.serve(incoming, response);
      // In place of the desk's own, which looks for the listener on this machine and not in the sandbox.
      let text = '';
      incoming
        .setEncoding('utf8')
        .on('data', (piece: string) => (text += piece))
        .on('end', () => {
          port = Number(new URL((JSON.parse(text) as { destination: { URI: string } }).destination.URI).port);
          response.writeHead(200, { 'Content-Type': 'text/plain' }).end('OK');
        });
      return true;
    },
    onInvoke: (facts) => {
      ({ requestId } = facts);
      begunMs = Date.now();
      desk.invoke(facts);
    },
    idle: async () => {
      if (port > 0) await tellDone(inward, port, requestId, Date.now() - begunMs);
      await Promise.race([desk.allReady(), sleep(WORK_MS, undefined, { ref: false })]);
    },
    shutdown: async (isGone) => {
      desk.shutdown('amber', 'spindown', Date.now() + SHUTDOWN_MS);
      for (let waitedMs = 0; waitedMs < SHUTDOWN_MS && !isGone(); waitedMs += 50) await sleep(50);
    },
  };
}

/** AWS, "Lambda Telemetry API Event schema reference": platform.runtimeDone. */
async function tellDone(inward: string, port: number, requestId: string, durationMs: number): Promise<void> {
  const body = JSON.stringify([
    {
      time: new Date().toISOString(),
      type: 'platform.runtimeDone',
      record: { requestId, status: 'success', metrics: { durationMs } },
    },
  ]);
  await new Promise<void>((done) => {
    const post = request(
      {
        method: 'POST',
        path: '/',
        headers: { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body), Connection: 'close' },
        createConnection: () => {
          const socket = connect(inward);
          socket.write(`${port}\n`);
          return socket;
        },
      },
      (response) =>
        response
          .resume()
          .on('end', done)
          .on('error', () => done()),
    );
    post.setTimeout(WORK_MS, () => post.destroy());
    post.on('error', () => done()); // frozen or gone
    post.end(body);
  });
}
