/**
 * AWS's own runtime interface emulator (aws-lambda-runtime-interface-emulator) in the place of platform.ts. Its binary
 * is not part of this project: RIE_BINARY names it. It starts what it finds in /opt/extensions and the runtime, in the
 * same namespaces as there.
 *
 * What it has not: a freeze, a Telemetry API, a memory limit. It initialises at the first invocation, and takes whole
 * seconds.
 */
import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { connect, createServer } from 'node:net';
import { basename, dirname, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeGround, type Ground, type SandboxProcess } from './ground.ts';
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
const ATTEMPTS = 3;
/** Beyond the timeout of the function: it is not coming any more. */
const STUCK_MS = 60_000;

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
  const ground = await makeGround({ ...options, mounts: { ...options.mounts, rie: dirname(emulatorBinary() ?? '') } });
  let log = '';
  const { emulator, front } = await listening(ground, options, (text) => (log += text));
  const mostMs = (options.timeoutMs ?? 3000) + STUCK_MS;
  return {
    ground,
    invoke: async (event = {}) => {
      const result = await invoke(front, event, mostMs);
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
    logLines: (stream) =>
      log
        .split('\n')
        .filter((line) => line.startsWith('{"amber":"'))
        .map((line) => JSON.parse(line) as Record<string, unknown>)
        .filter((line) => stream === undefined || line['amber'] === stream),
    stop: async () => {
      emulator.signal('SIGKILL');
      ground.close();
      await Promise.race([emulator.exited, sleep(END_MS)]);
    },
  };
}

interface Started {
  readonly emulator: SandboxProcess;
  readonly front: number;
}

/** Starts it; anew with other ports where somebody else took one meanwhile. */
async function listening(ground: Ground, options: PlatformOptions, onOutput: (text: string) => void): Promise<Started> {
  const handler = options.handler ?? 'index.handler';
  const { command, env, cwd } = options.runtime;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const [front, api] = [await freePort(), await freePort()];
    const emulator = await ground.launch({
      // It takes the last argument for the handler, as the runtimes' own entry points do.
      command: [
        `/mnt/rie/${basename(emulatorBinary() ?? '')}`,
        '--runtime-api-address',
        `127.0.0.1:${api}`,
        '--runtime-interface-emulator-address',
        `127.0.0.1:${front}`,
        ...command.slice(0, command.at(-1) === handler ? -1 : undefined),
        handler,
      ],
      // That of Managed Instances gives its children the uid of the sandbox, the other one its own.
      cwd: cwd ?? '/',
      root: options.managed === true,
      onOutput,
      env: {
        ...runtimeEnv(options, ''),
        AWS_LAMBDA_FUNCTION_TIMEOUT: String(Math.ceil((options.timeoutMs ?? 3000) / 1000)),
        ...env,
      },
    });
    const untilMs = Date.now() + START_MS;
    while (Date.now() < untilMs && !emulator.hasExited()) {
      if (await accepts(front)) return { emulator, front };
      await sleep(20);
    }
    emulator.signal('SIGKILL');
  }
  ground.close();
  throw new Error('the emulator does not listen');
}

async function accepts(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => done(true));
    socket.once('error', () => done(false));
    socket.once('connect', () => socket.destroy());
  });
}

async function invoke(port: number, event: unknown, mostMs: number): Promise<InvokeResult> {
  const startedMs = Date.now();
  const { status, body } = await post(port, JSON.stringify(event), mostMs);
  const tookMs = Date.now() - startedMs;
  const text = body.toString();
  if (text.startsWith('Task timed out after')) return { kind: 'timeout', errorType: 'Sandbox.Timedout', tookMs };
  const errorType = /^\{.*"errorType"\s*:\s*"([^"]+)"/u.exec(text)?.[1];
  // 502: what ended the sandbox (rie/handlers.go, ErrInvokeDoneFailed).
  if (status === 502) return { kind: 'failed', errorType: errorType ?? text, tookMs };
  return { kind: errorType === undefined ? 'response' : 'error', headers: [], body, tookMs };
}

async function post(
  port: number,
  event: string,
  mostMs: number,
): Promise<{ readonly status: number; readonly body: Buffer }> {
  return new Promise((done, reject) => {
    const call = request(
      {
        host: '127.0.0.1',
        port,
        path: PATH,
        method: 'POST',
        headers: { 'Content-Length': Buffer.byteLength(event), 'X-Amzn-Trace-Id': TRACE_ID },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => done({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }));
        response.on('error', reject);
      },
    );
    call.on('error', reject);
    call.setTimeout(mostMs, () => call.destroy(new Error('the emulator does not answer')));
    call.end(event);
  });
}

/** Below those that the kernel gives to connections: what is closed here is not taken by the next of them. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const server = createServer();
    const free = await new Promise<boolean>((done) => {
      server.once('error', () => done(false));
      server.listen(port, '127.0.0.1', () => done(true));
    });
    if (!free) continue;
    await new Promise((done) => server.close(done));
    return port;
  }
}
