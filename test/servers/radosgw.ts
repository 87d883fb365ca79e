/**
 * radosgw, the object gateway of Ceph: an S3 server that checks SigV4, If-None-Match, policies, versions and locks.
 * Started at most once in a process.
 */
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { requirePeer } from '../peers.ts';

export interface Radosgw {
  readonly endpoint: string;
  /** Folder with ceph.conf, owned by the user that the servers run as. */
  readonly folder: string;
  /** Creates (or finds again) a user whose keys are the given ones. */
  readonly createUser: (uid: string, accessKeyId: string, secretAccessKey: string) => Promise<void>;
}

interface Skippable {
  skip: (message: string) => void;
}

const SCRIPT = fileURLToPath(new URL('radosgw.sh', import.meta.url));
const START_MS = 90_000;
const run = promisify(execFile);
let started: Promise<Radosgw> | undefined;
let server: { child: ChildProcess; folder: string } | undefined;

/** The gateway, or undefined after the test was skipped because the Debian packages are absent. */
export async function radosgw(t: Skippable): Promise<Radosgw | undefined> {
  if (!requirePeer(t, 'radosgw', 'radosgw-admin', 'ceph-mon', 'ceph-osd', 'ceph', 'bash', 'setpriv')) return undefined;
  started ??= start();
  return started;
}

/** Kills what this process started. Call it in `after`. */
export async function stopRadosgw(): Promise<void> {
  const stopping = server;
  server = undefined;
  started = undefined;
  if (stopping === undefined) return;
  const gone = new Promise((resolve) => stopping.child.once('exit', resolve));
  stopping.child.stdin?.end();
  await gone;
  rmSync(stopping.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}

async function start(): Promise<Radosgw> {
  const folder = mkdtempSync(join(tmpdir(), 'amber-radosgw-'));
  if (process.getuid?.() === 0) chownSync(folder, NOBODY, NOBODY);
  const gateway = await freePort();
  const [program, args] = asNobody('bash', [SCRIPT, folder, String(gateway), String(await freePort())]);
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    cwd: '/',
    env: { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` },
  });
  server = { child, folder };
  await untilReady(child);
  return handle(`http://127.0.0.1:${String(gateway)}`, folder);
}

async function untilReady(child: ChildProcess): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => reject(new Error(`radosgw was not ready within ${String(START_MS)} ms`)), START_MS);
  child.stdout?.on('data', (chunk: Buffer) => {
    if (chunk.includes('ready')) resolve(undefined);
  });
  child.once('exit', (code) => reject(new Error(`radosgw.sh ended with ${String(code)}`)));
  try {
    await promise;
  } finally {
    clearTimeout(timer);
  }
}

function handle(endpoint: string, folder: string): Radosgw {
  return {
    endpoint,
    folder,
    createUser: async (uid, accessKeyId, secretAccessKey) => {
      const [program, args] = asNobody('radosgw-admin', [
        '-c',
        join(folder, 'ceph.conf'),
        '-n',
        'client.rgw',
        'user',
        'create',
        `--uid=${uid}`,
        `--display-name=${uid}`,
        `--access-key=${accessKeyId}`,
        `--secret-key=${secretAccessKey}`,
      ]);
      await run(program, args, { timeout: 60_000, cwd: '/' });
    },
  };
}

const NOBODY = 65_534;

/** Ceph's daemons refuse to be root, or complain of it. */
function asNobody(program: string, args: readonly string[]): [string, string[]] {
  if (process.getuid?.() !== 0) return [program, [...args]];
  return ['setpriv', [`--reuid=${String(NOBODY)}`, `--regid=${String(NOBODY)}`, '--clear-groups', program, ...args]];
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => probe.once('listening', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
