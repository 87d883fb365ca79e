/**
 * A sandbox like Lambda's on a plain Linux machine: process, mount, UTS and IPC namespaces of its own, a root with
 * libraries and no programs, tmpfs on /tmp, /var/task read-only, uid 993 and gid 990 without capabilities, a limit on
 * memory and a quota of CPU.
 *
 * As root by unshare(1), mount(8), setpriv(1) and control groups. Without root by bubblewrap, which sets no limits:
 * `limited` is false then. What it cannot have of Lambda: the micro VM, so that the text of Node counts for nobody.
 */
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { hasPeer } from '../peers.ts';
import { makeGroup, type Group } from './cgroup.ts';
import type { Client } from './clients.ts';
import { bubblewrapCommand, rootCommand, type Place } from './lambda-root.ts';
import { makeTask, SDK_HOME } from './lambda-task.ts';

export interface LambdaOptions {
  readonly memoryMb: number;
  /** Part of one core: `memoryMb / 1769` is Lambda's; undefined: as much as there is. */
  readonly cores?: number;
  /** The function: the text of an ES module that may import `lambda-amber`, run as /var/task/index.mjs. */
  readonly script: string;
  readonly env?: Readonly<Record<string, string>>;
  /**
   * Bash, run in /tmp by the function's uid before it starts, with the programs of this machine and outside the limits.
   */
  readonly prepareTmp?: string;
  /** What /tmp is: tmpfs of so many MB (512), or an ext4 image, of which no page is memory. */
  readonly tmp?: { readonly kind: 'tmpfs' | 'ext4'; readonly mb: number };
  /** Node of the function; default Node 24. */
  readonly node?: string;
  /** Shares the network of this machine, for servers on it. */
  readonly network?: boolean;
  /** The AWS SDK can be imported. */
  readonly sdk?: boolean;
  /** Killed after so long. */
  readonly timeoutMs?: number;
}

export interface LambdaResult {
  readonly exit: number | NodeJS.Signals;
  readonly stdout: string;
  readonly stderr: string;
  readonly oomKilled: boolean;
  /** Most bytes charged to the sandbox, page cache included; NaN where it is not known. */
  readonly peakBytes: number;
  /** Most bytes without the page cache, as seen every 10 ms. */
  readonly anonymousBytes: number;
  readonly cpuMs: number;
  readonly elapsedMs: number;
  /** False under bubblewrap: nothing was limited and nothing is known of memory. */
  readonly limited: boolean;
  /** Folder that the function saw as /mnt/evidence. */
  readonly evidence: string;
  readonly remove: () => void;
}

export const NODE_24: string = resolve('node_modules/node/bin/node');
export const NODE_22: string = resolve('node_modules/node-22/bin/node');

/** How this machine can make a sandbox; undefined: not at all. `TEST_SANDBOX=bwrap` asks for the way without root. */
export function sandboxKind(): 'root' | 'bubblewrap' | undefined {
  const asked = process.env['TEST_SANDBOX'];
  if (asked !== 'bwrap' && process.getuid?.() === 0 && ['unshare', 'setpriv', 'mount', 'bash'].every(hasPeer)) {
    if (spawnSync('unshare', ['--mount', '--pid', '--fork', '--uts', '--ipc', 'true']).status === 0) return 'root';
  }
  if (
    hasPeer('bwrap') &&
    spawnSync('bwrap', ['--unshare-all', '--ro-bind', '/', '/', 'true'], { stdio: 'ignore' }).status === 0
  )
    return 'bubblewrap';
  return undefined;
}

/** True if a sandbox of this machine can be limited in memory and CPU: by root, with control groups. */
export function canLimit(): boolean {
  if (sandboxKind() !== 'root') return false;
  const group = makeGroup(`amber-probe-${process.pid}`, { memoryBytes: 2 ** 26, cores: 1 });
  group?.remove();
  return group !== undefined;
}

/**
 * Flags of Node in Lambda: a twentieth of the memory for each semi-space, nine tenths for the old space
 * (/var/runtime/bootstrap).
 */
export function lambdaNodeFlags(memoryMb: number): readonly string[] {
  const young = Math.floor(memoryMb / 10);
  return [
    '--expose-gc',
    '--max-http-header-size=81920',
    `--max-semi-space-size=${Math.floor(young / 2)}`,
    `--max-old-space-size=${memoryMb - young}`,
  ];
}

/** Runs a function once, from its start to its end. */
export async function runInLambda(options: LambdaOptions): Promise<LambdaResult> {
  const kind = sandboxKind();
  if (kind === undefined) throw new Error('neither root with unshare(1) nor bubblewrap: ask sandboxKind() before');
  const { home, root, task, evidence } = await makeHome(options.script, tmpdir());
  const { memoryMb, cores, prepareTmp, tmp, network } = options;
  const group =
    kind === 'root'
      ? makeGroup(`amber-${process.pid}-${home.slice(-6)}`, { memoryBytes: memoryMb * 2 ** 20, cores })
      : undefined;
  const place: Place = {
    root,
    task,
    evidence,
    node: options.node ?? NODE_24,
    procs: group?.procs ?? [],
    prepareTmp,
    tmp,
    network,
    visible: options.sdk === true ? [SDK_HOME] : [],
  };
  const command = (kind === 'root' ? rootCommand : bubblewrapCommand)(place, [
    ...lambdaNodeFlags(memoryMb),
    '/var/task/index.mjs',
  ]);
  try {
    const run = await observe(command, functionEnv(options), options.timeoutMs ?? 60_000, group);
    return {
      ...run,
      limited: group !== undefined,
      evidence,
      remove: () => rmSync(home, { recursive: true, force: true }),
    };
  } finally {
    group?.remove();
  }
}

/** A runtime client whose process runs in such a sandbox. */
export interface LimitedClient {
  readonly client: Client;
  /** Read by the function as /mnt/evidence. */
  readonly evidence: string;
  /** CPU of the sandbox so far, in milliseconds. */
  readonly cpuMs: () => number;
  readonly remove: () => void;
}

/** Puts a client into a sandbox: start it with {@link startSandbox}, and `remove` when that has ended. Needs root. */
export async function limitClient(
  client: Client,
  options: Pick<LambdaOptions, 'memoryMb' | 'cores' | 'script' | 'prepareTmp'>,
): Promise<LimitedClient> {
  const { memoryMb, cores, script, prepareTmp } = options;
  // In memory, where it may be: what a disk does beside us must not count against the deadline.
  const { home, root, task, evidence } = await makeHome(script, existsSync('/dev/shm') ? '/dev/shm' : tmpdir());
  const group = makeGroup(`amber-${process.pid}-${home.slice(-6)}`, { memoryBytes: memoryMb * 2 ** 20, cores });
  const place: Place = {
    root,
    task,
    evidence,
    node: client.node,
    procs: group?.procs ?? [],
    prepareTmp,
    network: true,
    visible: [import.meta.dirname],
  };
  const args = (handler: string): readonly string[] =>
    rootCommand(place, [...lambdaNodeFlags(memoryMb), ...client.args(handler)]);
  return {
    client: { ...client, node: args('')[0] ?? '', args: (handler) => args(handler).slice(1) },
    evidence,
    cpuMs: () => group?.cpuMs() ?? Number.NaN,
    remove: () => {
      group?.remove();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

async function makeHome(
  script: string,
  folder: string,
): Promise<{ home: string; root: string; task: string; evidence: string }> {
  const home = mkdtempSync(join(folder, 'amber-lambda-'));
  const [root, task, evidence] = ['root', 'task', 'evidence'].map((name) => join(home, name)) as [
    string,
    string,
    string,
  ];
  for (const path of [root, task, evidence]) mkdirSync(path);
  for (const path of [home, evidence]) chmodSync(path, path === home ? 0o755 : 0o777);
  await makeTask(task, script);
  return { home, root, task, evidence };
}

/** AWS, "Using Lambda environment variables". */
function functionEnv({ memoryMb, env }: LambdaOptions): Record<string, string> {
  return {
    AWS_LAMBDA_FUNCTION_NAME: 'sandboxed-function',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMb),
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_REGION: 'eu-central-1',
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    AWS_ACCESS_KEY_ID: 'ASIAIOSFODNN7EXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    AWS_SESSION_TOKEN: 'IQoJb3JpZ2luX2VjEXAMPLETOKEN',
    LAMBDA_TASK_ROOT: '/var/task',
    LAMBDA_RUNTIME_DIR: '/var/runtime',
    LANG: 'en_US.UTF-8',
    TZ: ':UTC',
    PATH: '/var/lang/bin',
    AMBER_DESTINATION: 'file:///mnt/evidence',
    ...env,
  };
}

type Observed = Omit<LambdaResult, 'limited' | 'evidence' | 'remove'>;

async function observe(
  [program = '', ...args]: readonly string[],
  env: Record<string, string>,
  timeoutMs: number,
  group: Group | undefined,
): Promise<Observed> {
  const startedMs = performance.now();
  const child = spawn(program, args, {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  let anonymousBytes = group === undefined ? Number.NaN : 0;
  const sampler = setInterval(() => {
    if (group !== undefined) anonymousBytes = Math.max(anonymousBytes, group.anonymousBytes());
  }, 10);
  const exit = await new Promise<number | NodeJS.Signals>((done) =>
    child.once('close', (code, signal) => done(code ?? signal ?? 'SIGKILL')),
  );
  clearInterval(sampler);
  return {
    exit,
    ...output,
    anonymousBytes,
    elapsedMs: performance.now() - startedMs,
    oomKilled: group?.oomKilled() ?? false,
    peakBytes: group?.peakBytes() ?? Number.NaN,
    cpuMs: group?.cpuMs() ?? Number.NaN,
  };
}
