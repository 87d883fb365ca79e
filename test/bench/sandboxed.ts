/** A capture in a sandbox like Lambda's, and an S3 sink behind TLS outside of its limits. */
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { certificate } from '../servers/certificate.ts';
import { runInLambda, sandboxKind, type LambdaOptions, type LambdaResult } from '../sandbox/lambda-like.ts';

/** A PutObject that was acknowledged. */
export interface Put {
  readonly name: string;
  readonly bytes: number;
  /** Milliseconds since the epoch. */
  readonly atMs: number;
}

export interface Sink {
  readonly endpoint: string;
  /** The certificate, for NODE_EXTRA_CA_CERTS. */
  readonly certificate: string;
  readonly puts: Put[];
  /** Called at each put that is acknowledged. */
  readonly onPut: (listener: (put: Put) => void) => void;
  /** Bytes that came over all connections, as they are on the wire. */
  readonly received: () => number;
  readonly close: () => void;
}

/** Takes every PutObject, checks nothing, and answers `latencyMs` after the last byte. */
export async function startSink(latencyMs: number): Promise<Sink> {
  const { key, cert } = certificate();
  const puts: Put[] = [];
  let tell: (put: Put) => void = () => undefined;
  const sockets: Socket[] = [];
  const server = createServer({ key, cert }, (incoming, outgoing) => {
    let bytes = 0;
    incoming.on('data', (chunk: Buffer) => (bytes += chunk.length));
    incoming.on('end', () => {
      setTimeout(() => {
        outgoing.writeHead(200, { etag: '"0"', 'content-length': 0 });
        outgoing.end();
        const put = { name: incoming.url?.split('/').at(-1) ?? '', bytes, atMs: Date.now() };
        puts.push(put);
        tell(put);
      }, latencyMs);
    });
  });
  server.on('connection', (socket: Socket) => sockets.push(socket));
  server.listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  return {
    endpoint: `https://localhost:${String((server.address() as AddressInfo).port)}`,
    certificate: cert,
    puts,
    onPut: (listener) => {
      tell = listener;
    },
    received: () => sockets.reduce((sum, { bytesRead }) => sum + bytesRead, 0),
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** What the function of {@link captureOnce} prints. */
export interface SandboxedCapture {
  readonly state: string;
  readonly error?: string;
  /** Milliseconds since the epoch at which capture() was called. */
  readonly calledMs: number;
  /** From the call to its report, loading included; and without loading, as the report has it. */
  readonly tookMs: number;
  readonly elapsedMs: number;
  readonly segments: number;
  readonly bytes: number;
  readonly processes: number;
  /** Resident bytes of the process before the call, and the most since its start. */
  readonly idleBytes: number;
  readonly peakBytes: number;
  /** Pages of program files, Node's own above all, that the capture brought in. */
  readonly programBytes: number;
}

export interface Scenery {
  /** JavaScript that runs before the capture; `spawn` and `sleep` are there. */
  readonly before?: string;
  /** A folder of this machine whose contents stand in /tmp. */
  readonly tmp?: string;
  readonly tmpMb?: number;
  readonly sink?: Sink;
  readonly env?: Readonly<Record<string, string>>;
  readonly memoryMb: number;
  readonly cores?: number;
}

/** One capture in a fresh sandbox. */
export async function captureOnce(
  scenery: Scenery,
): Promise<{ readonly capture: SandboxedCapture | undefined; readonly result: LambdaResult }> {
  const { sink, tmp } = scenery;
  const options: LambdaOptions = {
    memoryMb: scenery.memoryMb,
    script: functionText(scenery.before ?? ''),
    timeoutMs: 300_000,
    network: sink !== undefined,
    ...(scenery.cores === undefined ? {} : { cores: scenery.cores }),
    prepareTmp:
      [
        ...(tmp === undefined ? [] : [`cp -r --sparse=always '${tmp}'/. .`]), // whatever is copied is charged to nobody
        ...(sink === undefined ? [] : [`printf '%s' '${sink.certificate}' > sink.pem`]),
      ].join('\n') || ':',
    tmp: { kind: 'tmpfs', mb: scenery.tmpMb ?? 512 },
    env: {
      AMBER_MAX_MS: '240000',
      AMBER_MAX_BYTES: '16GiB',
      ...scenery.env,
      ...(sink === undefined
        ? {}
        : {
            AMBER_DESTINATION: 's3://bucket/amber',
            AMBER_S3_ENDPOINT: sink.endpoint,
            AMBER_S3_PATH_STYLE: '1',
            AMBER_S3_TRANSPORT: 'light',
            NODE_EXTRA_CA_CERTS: '/tmp/sink.pem',
          }),
    },
  };
  const result = await runInLambda(options);
  result.remove();
  const line = result.stdout.split('\n').find((one) => one.startsWith('bench '));
  await sleep(20); // the sandbox's processes end
  return { capture: line === undefined ? undefined : (JSON.parse(line.slice(6)) as SandboxedCapture), result };
}

function functionText(before: string): string {
  return `import { readFileSync, readdirSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { capture } from 'lambda-amber';
${before}
const status = (name) => Number(new RegExp('^' + name + ':\\\\s+(\\\\d+) kB$', 'mu').exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024;
const idleBytes = status('VmRSS');
const idleProgram = status('RssFile');
const calledMs = Date.now();
const started = performance.now();
const report = await capture({ reason: 'benchmark' });
const tookMs = performance.now() - started;
const peakBytes = status('VmHWM');
const programBytes = status('RssFile') - idleProgram;
const processes = readdirSync('/proc').filter((name) => /^\\d+$/u.test(name)).length;
const { state, elapsedMs, segments, bytes, error } = report;
console.log('\\nbench ' + JSON.stringify({ state, error: error && error.code + ': ' + error.message, calledMs, tookMs, elapsedMs, segments, bytes, processes, idleBytes, peakBytes, programBytes }));
process.exit(0);
`;
}

/** Why there is no sandbox with limits here, or undefined. */
export function noSandbox(): string | undefined {
  return sandboxKind() === 'root' ? undefined : 'needs root, unshare(1), setpriv(1) and control groups';
}
