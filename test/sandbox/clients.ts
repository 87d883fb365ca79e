/**
 * The runtime clients: the real ones of nodejs22.x and nodejs24.x, and a small one for machines that cannot build them.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { hasPeer, missing } from '../peers.ts';

const FOLDER = resolve(import.meta.dirname, 'clients');
const NODE_22 = resolve('node_modules/node-22/bin/node');
const NODE_24 = resolve('node_modules/node/bin/node');

export interface Client {
  readonly name: string;
  readonly generation: 'v3' | 'v4';
  /** False for the small client of ours, which proves nothing about Lambda. */
  readonly real: boolean;
  readonly node: string;
  /** AWS_EXECUTION_ENV of the managed runtime that brings this client. */
  readonly executionEnv: string;
  /** Arguments of node. */
  readonly args: (handler: string) => readonly string[];
}

/** Node.js 22 on Lambda runs without these two features (AWS, "Building Lambda functions with Node.js"). */
const LAMBDA_22 = ['--no-experimental-require-module', '--no-experimental-detect-module'];
/** Stripping the types of our sources warns on Node.js 22; a published package has none. */
const QUIET = ['--disable-warning=ExperimentalWarning'];

const RIC3 = join(FOLDER, 'node_modules/ric3/bin/index.mjs');
const RIC4 = join(FOLDER, 'node_modules/ric4/index.mjs');
const ADDONS = ['ric3/dist/rapid-client.node', 'ric4/rapid-client.node'].map((path) =>
  join(FOLDER, 'node_modules', path),
);

/** aws-lambda-ric 3.3.0 on Node.js 22: nodejs22.x. It takes the handler from its arguments (bin/index.mjs). */
export const ric3: Client = {
  name: 'aws-lambda-ric 3 on Node 22',
  generation: 'v3',
  real: true,
  node: NODE_22,
  executionEnv: 'AWS_Lambda_nodejs22.x',
  args: (handler) => [...LAMBDA_22, ...QUIET, RIC3, handler],
};

/** aws-lambda-ric 4.0.2 on Node.js 22: nodejs22.x on Managed Instances. */
export const ric4on22: Client = {
  name: 'aws-lambda-ric 4 on Node 22',
  generation: 'v4',
  real: true,
  node: NODE_22,
  executionEnv: 'AWS_Lambda_nodejs22.x',
  args: () => [...LAMBDA_22, ...QUIET, RIC4],
};

/** aws-lambda-ric 4.0.2 on Node.js 24: nodejs24.x. */
export const ric4: Client = {
  name: 'aws-lambda-ric 4 on Node 24',
  generation: 'v4',
  real: true,
  node: NODE_24,
  executionEnv: 'AWS_Lambda_nodejs24.x',
  args: () => [...QUIET, RIC4],
};

/** Not a runtime client of AWS: the least that speaks the Runtime API, in the manner of version 4. */
export const standIn: Client = {
  name: 'stand-in client on Node 24',
  generation: 'v4',
  real: false,
  node: NODE_24,
  executionEnv: 'AWS_Lambda_nodejs24.x',
  args: () => [...QUIET, join(import.meta.dirname, 'js-client.mjs')],
};

export const CLIENTS: readonly Client[] = [ric3, ric4on22, ric4, standIn];

/** Reason to skip, on the tests' second Node: what starts clients starts them on both Nodes itself. */
export const STARTS_BOTH: string | false = process.versions.node.startsWith('22.')
  ? 'run by the tests on Node 24, which start both'
  : false;

/** What the native part of the real clients is built with (README of aws-lambda-ric). */
const TOOLCHAIN = ['autoconf', 'automake', 'libtoolize', 'cmake', 'g++', 'make', 'npm'];
const INSTALL_MS = 600_000;

/** True if the client can be started; installs the real ones at the first call, which takes one or two minutes. */
export function ensureClient(t: { skip: (message: string) => void }, client: Client): boolean {
  if (!client.real || ensureClients()) return true;
  return missing(t, `${client.name}, which is built with ${TOOLCHAIN.join(', ')}`);
}

/** Installs the real clients from their lock file, unless they are there. False if this machine cannot build them. */
export function ensureClients(): boolean {
  const built = (): boolean => ADDONS.every((path) => existsSync(path));
  if (built()) return true;
  if (!TOOLCHAIN.every((program) => hasPeer(program))) return false;
  const release = lock(built);
  try {
    if (built()) return true;
    process.stderr.write('building the runtime clients, once: about two minutes\n');
    const { status, stdout, stderr } = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], {
      cwd: FOLDER,
      encoding: 'utf8',
      timeout: INSTALL_MS,
    });
    if (status !== 0 || !built())
      process.stderr.write(`the runtime clients were not built:\n${stdout}${stderr}`.slice(-4000));
    return built();
  } finally {
    release();
  }
}

/**
 * Test files run side by side: one installs, the others wait. A lock older than an install is that of a dead process.
 */
function lock(built: () => boolean): () => void {
  const path = join(tmpdir(), `amber-sandbox-clients-${Buffer.from(FOLDER).toString('hex').slice(-40)}.lock`);
  for (;;) {
    try {
      mkdirSync(path);
      return () => rmSync(path, { recursive: true, force: true });
    } catch {
      if (built()) return () => undefined;
      if (Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) > INSTALL_MS)
        rmSync(path, { recursive: true, force: true });
      else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
    }
  }
}
