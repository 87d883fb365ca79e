/**
 * A sandbox in small: one process with a runtime client in it, and the Runtime API that it polls. No container and no
 * memory limit; what it keeps of Lambda is named at each rule.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from './clients.ts';
import type { InvokeFacts } from './extensions-desk.ts';
import { arrived } from './log-filter.ts';
import { startRuntimeApi, type Neighbour, type Post, type RuntimeApi } from './runtime-api.ts';

export interface SandboxOptions {
  readonly client: Client;
  /** As in the function's configuration: `module.export`, relative to `taskRoot`. */
  readonly handler: string;
  readonly taskRoot: string;
  /** The function's own variables, beside those of Lambda. */
  readonly env?: Readonly<Record<string, string>>;
  /** Timeout of the function; 3000 as Lambda's default. */
  readonly timeoutMs?: number;
  readonly memoryMb?: number;
  /** Answers beside the Runtime API: the Extensions API. */
  readonly neighbour?: Neighbour;
  /** Hears of each invocation before the runtime gets it. */
  readonly onInvoke?: (facts: InvokeFacts) => void;
}

/**
 * How an invocation ended: answered, timed out (the sandbox is dead then), or the process has gone before it answered.
 */
export type Result =
  | (Pick<Post, 'headers' | 'body' | 'trailers'> & { readonly kind: 'response' | 'error'; readonly tookMs: number })
  | { readonly kind: 'timeout' | 'exit'; readonly tookMs: number };

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Sandbox {
  readonly pid: number;
  readonly api: RuntimeApi;
  /** `timeoutMs`: that of this invocation, as if the function had been configured so. */
  readonly invoke: (event: unknown, timeoutMs?: number) => Promise<Result>;
  /** Resolves when the client polls for the first time, or with what ended its init. */
  readonly ready: () => Promise<'ready' | Post | Exit>;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** What reaches CloudWatch Logs. */
  readonly log: () => string;
  readonly exited: Promise<Exit>;
  readonly signal: (name: NodeJS.Signals) => void;
  /** Between invocations the platform freezes a sandbox; here all of its processes are stopped. */
  readonly freeze: () => void;
  readonly thaw: () => void;
  /** Ends every process of the sandbox and gives how the client had ended, if it had. */
  readonly stop: () => Promise<Exit>;
}

const FUNCTION = 'sandboxed-function';
const ARN = `arn:aws:lambda:eu-central-1:123456789012:function:${FUNCTION}`;

export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const api = await startRuntimeApi(options.neighbour);
  const { client } = options;
  // A process group of its own, which is killed whole (RIE internal/lambda/supervisor: Setpgid, kill of the group).
  const child = spawn(client.node, client.args(options.handler), {
    cwd: options.taskRoot,
    detached: true,
    env: lambdaEnv(options, api.address),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  // `close`, not `exit`: the pipes are empty then.
  const exited = new Promise<Exit>((resolve) => child.once('close', (code, signal) => resolve({ code, signal })));
  const signal = (name: NodeJS.Signals): void => signalGroup(child, name);
  return {
    pid: child.pid ?? 0,
    api,
    invoke: async (event, timeoutMs) =>
      invoke(api, event, {
        timeoutMs: timeoutMs ?? options.timeoutMs ?? 3000,
        exited,
        kill: () => signal('SIGKILL'),
        tell: options.onInvoke,
      }),
    ready: async () => Promise.race([api.polled(1).then(() => 'ready' as const), api.initError, exited]),
    stdout: () => output.stdout,
    log: () => arrived(output.stdout + output.stderr, options.env ?? {}),
    stderr: () => output.stderr,
    exited,
    signal,
    freeze: () => signal('SIGSTOP'),
    thaw: () => signal('SIGCONT'),
    stop: async () => {
      signal('SIGKILL');
      const exit = await exited;
      await api.close();
      return exit;
    },
  };
}

interface Bounds {
  readonly timeoutMs: number;
  readonly exited: Promise<Exit>;
  readonly kill: () => void;
  readonly tell: SandboxOptions['onInvoke'];
}

async function invoke(api: RuntimeApi, event: unknown, { timeoutMs, exited, kill, tell }: Bounds): Promise<Result> {
  const startedMs = Date.now();
  const requestId = randomUUID();
  const headers = {
    'Lambda-Runtime-Aws-Request-Id': requestId,
    'Lambda-Runtime-Deadline-Ms': String(startedMs + timeoutMs),
    'Lambda-Runtime-Invoked-Function-Arn': ARN,
    'Lambda-Runtime-Trace-Id': 'Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled=0',
  };
  tell?.({ requestId, deadlineMs: startedMs + timeoutMs, arn: ARN, traceId: headers['Lambda-Runtime-Trace-Id'] });
  const took = (): number => Date.now() - startedMs;
  const over = new AbortController();
  try {
    return await Promise.race([
      api.offer({ requestId, event: JSON.stringify(event), headers }).then((post): Result => {
        const { kind, body, trailers } = post;
        return { kind: kind === 'error' ? 'error' : 'response', headers: post.headers, body, trailers, tookMs: took() };
      }),
      exited.then((): Result => ({ kind: 'exit', tookMs: took() })),
      sleep(timeoutMs, undefined, { signal: over.signal }).then((): Result => {
        // An invocation that is out of time ends the sandbox (RIE internal/lambda/rapid: Reset("Timeout"), then
        // SIGKILL).
        kill();
        return { kind: 'timeout', tookMs: took() };
      }),
    ]);
  } finally {
    over.abort();
  }
}

function signalGroup(child: ChildProcess, name: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, name);
  } catch {
    // gone already
  }
}

/** AWS, "Using Lambda environment variables": the reserved variables of a Node.js runtime. */
function lambdaEnv({ client, handler, taskRoot, env, memoryMb }: SandboxOptions, api: string): NodeJS.ProcessEnv {
  return {
    _HANDLER: handler,
    AWS_ACCESS_KEY_ID: 'ASIAIOSFODNN7EXAMPLE',
    AWS_DEFAULT_REGION: 'eu-central-1',
    AWS_EXECUTION_ENV: client.executionEnv,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMb ?? 512),
    AWS_LAMBDA_FUNCTION_NAME: FUNCTION,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${FUNCTION}`,
    AWS_LAMBDA_LOG_STREAM_NAME: '2026/01/31/[$LATEST]0123456789abcdef0123456789abcdef',
    AWS_LAMBDA_RUNTIME_API: api,
    AWS_REGION: 'eu-central-1',
    AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    AWS_SESSION_TOKEN: 'IQoJb3JpZ2luX2VjEXAMPLETOKEN',
    AWS_XRAY_CONTEXT_MISSING: 'LOG_ERROR',
    LAMBDA_RUNTIME_DIR: '/var/runtime',
    LAMBDA_TASK_ROOT: taskRoot,
    LANG: 'en_US.UTF-8',
    PATH: '/usr/local/bin:/usr/bin:/bin',
    TZ: ':UTC',
    ...env,
  };
}
