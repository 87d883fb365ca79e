/**
 * AWS's own runtime interface emulator (aws-lambda-runtime-interface-emulator) in the place of platform.ts. Its binary is not part of
 * this project: RIE_BINARY names it. It starts what it finds in /opt/extensions and the runtime, in the same namespaces as there.
 *
 * What it has not: a freeze, a Telemetry API, a memory limit. It initialises at the first invocation, and takes whole seconds.
 */
import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { basename, dirname, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeGround } from './ground.ts';
import type { InvokeResult, Platform, PlatformOptions } from './platform-contracts.ts';
import { runtimeEnv, TRACE_ID } from './platform-env.ts';

/** What the cases that run on both need of a platform. */
export interface Stage extends Pick<Platform, 'ground' | 'idle' | 'log' | 'logLines' | 'stop'> {
  readonly invoke: (event?: unknown) => Promise<InvokeResult>;
  /** Ends the sandbox in order: extensions get SHUTDOWN. */
  readonly end: () => Promise<void>;
}

const PATH = '/2015-03-31/functions/function/invocations';
const START_MS = 10_000;
/** Of the phase of a shutdown, and what it takes the emulator to end. */
const END_MS = 5000;

/** The binary, where there is one. */
export function emulatorBinary(): string | undefined {
  const path = process.env['RIE_BINARY'];
  return path === undefined || !existsSync(path) ? undefined : resolve(path);
}

/** Skips, also where REQUIRE_PEERS=1: the binary comes from whoever runs the tests. */
export function requireEmulator(t: { skip: (message: string) => void }): boolean {
  if (emulatorBinary() !== undefined) return true;
  t.skip("not run: needs AWS's runtime interface emulator, RIE_BINARY=/path/to/aws-lambda-rie");
  return false;
}

export async function startEmulator(options: PlatformOptions): Promise<Stage> {
  const binary = emulatorBinary() ?? '';
  const ground = await makeGround({ ...options, mounts: { ...options.mounts, rie: dirname(binary) } });
  const [front, api] = [await freePort(), await freePort()];
  const handler = options.handler ?? 'index.handler';
  const { command, env, cwd } = options.runtime;
  let log = '';
  const emulator = await ground.launch({
    // It takes the last argument for the handler, as the runtimes' own entry points do.
    command: [
      `/mnt/rie/${basename(binary)}`, '--runtime-api-address', `127.0.0.1:${api}`, '--runtime-interface-emulator-address', `127.0.0.1:${front}`,
      ...command.slice(0, command.at(-1) === handler ? -1 : undefined), handler,
    ],
    cwd: cwd ?? '/', onOutput: (text) => (log += text),
    env: { ...runtimeEnv(options, ''), AWS_LAMBDA_FUNCTION_TIMEOUT: String(Math.ceil((options.timeoutMs ?? 3000) / 1000)), ...env },
  });
  await listening(front);
  return {
    ground,
    invoke: async (event = {}) => {
      const result = await invoke(front, event);
      // Where an extension has ended init it answers without a body; its log names the error.
      if (result.kind !== 'failed' || result.errorType !== '') return result;
      return { ...result, errorType: /^.*First fatal error stored in appctx: (\S+)/su.exec(log)?.[1] ?? '' };
    },
    // It answers when the runtime and all extensions wait for the next event (rapidcore/server.go, AwaitRelease).
    idle: () => Promise.resolve(),
    end: async () => {
      emulator.signal('SIGTERM');
      await Promise.race([emulator.exited, sleep(END_MS)]);
    },
    log: () => log,
    logLines: (stream) => log.split('\n').filter((line) => line.startsWith('{"amber":"')).map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter((line) => stream === undefined || line['amber'] === stream),
    stop: async () => {
      emulator.signal('SIGKILL');
      ground.close();
      await Promise.race([emulator.exited, sleep(END_MS)]);
    },
  };
}

async function invoke(port: number, event: unknown): Promise<InvokeResult> {
  const startedMs = Date.now();
  const { status, body } = await post(port, JSON.stringify(event));
  const tookMs = Date.now() - startedMs;
  const text = body.toString();
  if (text.startsWith('Task timed out after')) return { kind: 'timeout', errorType: 'Sandbox.Timedout', tookMs };
  const errorType = /^\{.*"errorType"\s*:\s*"([^"]+)"/u.exec(text)?.[1];
  // 502: what ended the sandbox (rie/handlers.go, ErrInvokeDoneFailed).
  if (status === 502) return { kind: 'failed', errorType: errorType ?? text, tookMs };
  return { kind: errorType === undefined ? 'response' : 'error', headers: [], body, tookMs };
}

async function post(port: number, event: string): Promise<{ readonly status: number; readonly body: Buffer }> {
  return new Promise((done, reject) => {
    const call = request({ host: '127.0.0.1', port, path: PATH, method: 'POST', headers: { 'Content-Length': Buffer.byteLength(event), 'X-Amzn-Trace-Id': TRACE_ID } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => done({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }));
      response.on('error', reject);
    });
    call.on('error', reject);
    call.end(event);
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

async function listening(port: number): Promise<void> {
  const untilMs = Date.now() + START_MS;
  while (Date.now() < untilMs) {
    const open = await new Promise<boolean>((done) => {
      const call = request({ host: '127.0.0.1', port, path: '/' }, (response) => {
        response.resume();
        done(true);
      });
      call.on('error', () => done(false));
      call.end();
    });
    if (open) return;
    await sleep(20);
  }
  throw new Error('the emulator does not listen');
}
