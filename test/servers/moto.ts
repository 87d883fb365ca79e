/**
 * moto in server mode: a stand-in for the control plane of AWS that we did not write. Started at most once in a
 * process.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { hasPeer, missing } from '../peers.ts';
import { freePort } from './radosgw.ts';

export interface Moto {
  readonly endpoint: string;
  /** Runs test/servers/moto-fill.py against it and gives what that printed. */
  readonly fill: (folder: string, ...args: readonly string[]) => Promise<Filled>;
}

/** What the script made. */
export interface Filled {
  readonly functionName: string;
  readonly functionArn: string;
  /** CodeSha256, base64, by version; `$LATEST` is the one with the backdoor. */
  readonly versions: Readonly<Record<string, string>>;
  readonly layers: readonly string[];
  readonly secret: string;
  /** Planted in the inline policy `planted` of the role. */
  readonly policySecrets: readonly string[];
  readonly logGroup: string;
  readonly streams: number;
  readonly events: number;
}

interface Skippable {
  skip: (message: string) => void;
}

const VENV = fileURLToPath(new URL('../peers/venv/bin/', import.meta.url));
const SCRIPT = fileURLToPath(new URL('moto-fill.py', import.meta.url));
const START_MS = 60_000;
const run = promisify(execFile);
let started: Promise<Moto> | undefined;
let server: ChildProcess | undefined;

/** Credentials that moto takes: any. */
export const MOTO_ENV: Readonly<Record<string, string>> = {
  AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY',
  AWS_REGION: 'eu-central-1',
  AWS_DEFAULT_REGION: 'eu-central-1',
};

/** The server, or undefined after the test was skipped because moto is absent. */
export async function moto(t: Skippable): Promise<Moto | undefined> {
  const venv = existsSync(`${VENV}moto_server`);
  if (!venv && !hasPeer('moto_server')) {
    missing(t, 'moto_server (pip install -r test/peers/requirements.txt)');
    return undefined;
  }
  started ??= start(venv ? VENV : '');
  return started;
}

/** Ends what this process started. Call it in `after`. */
export async function stopMoto(): Promise<void> {
  const stopping = server;
  server = undefined;
  started = undefined;
  if (stopping?.exitCode !== null) return;
  const gone = new Promise((resolve) => stopping.once('exit', resolve));
  stopping.kill('SIGTERM');
  await gone;
}

async function start(bin: string): Promise<Moto> {
  const port = await freePort();
  const env = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '/', ...MOTO_ENV };
  const child = spawn(`${bin}moto_server`, ['-H', '127.0.0.1', '-p', String(port)], {
    stdio: ['ignore', 'ignore', 'ignore'],
    env,
  });
  server = child;
  const endpoint = `http://127.0.0.1:${port}`;
  await untilAnswers(child, endpoint);
  return {
    endpoint,
    fill: async (folder, ...args) => {
      const { stdout } = await run(`${bin}python3`, [SCRIPT, endpoint, folder, ...args], {
        env,
        timeout: 300_000,
        maxBuffer: 16 * 1024 * 1024,
      });
      return JSON.parse(stdout) as Filled;
    },
  };
}

async function untilAnswers(child: ChildProcess, endpoint: string): Promise<void> {
  const end = Date.now() + START_MS;
  while (Date.now() < end) {
    if (child.exitCode !== null) throw new Error(`moto_server ended with ${String(child.exitCode)}`);
    const answered = await fetch(`${endpoint}/moto-api/`, { signal: AbortSignal.timeout(2000) })
      .then((response) => response.arrayBuffer())
      .then(
        () => true,
        () => false,
      );
    if (answered) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`moto_server did not answer within ${START_MS} ms`);
}
