/**
 * Lambda's platform in small: it starts extensions and a runtime, hands out invocations, freezes what is idle, resets
 * after a timeout or a crash, and shuts down with its two seconds. Every rule names its source; RIE is
 * aws-lambda-runtime-interface-emulator, commit 4fa2157, internal/lambda/rapid unless another folder is named.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ExtensionsDesk } from './extensions-desk.ts';
import { makeGround, type Ground, type SandboxProcess } from './ground.ts';
import { arrived } from './log-filter.ts';
import type {
  InvokeResult,
  Life,
  Platform,
  PlatformOptions,
  ShutdownReason,
  ShutdownRecord,
} from './platform-contracts.ts';
import { extensionEnv, FUNCTION_ARN, FUNCTION_NAME, runtimeEnv, TRACE_ID } from './platform-env.ts';
import { shutDown } from './platform-shutdown.ts';
import { startRuntimeApi, type Post, type RuntimeApi } from './runtime-api.ts';

/** Init outside of an invocation may take 10 s (AWS, "Lambda execution environment lifecycle"). */
const INIT_MS = 10_000;
/** No error has ended what was waited for. */
const DONE = 'done';

export type { InvokeResult, Platform, PlatformOptions, ShutdownReason, ShutdownRecord } from './platform-contracts.ts';

export async function startPlatform(options: PlatformOptions): Promise<Platform> {
  const platform = new Rapid(options, await makeGround(options));
  await platform.open();
  return platform;
}

class Rapid implements Platform {
  readonly ground: Ground;
  readonly shutdowns: ShutdownRecord[] = [];
  readonly #options: PlatformOptions;
  #api: RuntimeApi | undefined;
  #life: Life | undefined;
  #settling: Promise<unknown> = Promise.resolve();
  #initMs = Number.NaN;
  #log = '';

  constructor(options: PlatformOptions, ground: Ground) {
    this.#options = options;
    this.ground = ground;
  }

  get api(): RuntimeApi {
    if (this.#api === undefined) throw new Error('the platform has not been started');
    return this.#api;
  }

  async open(): Promise<void> {
    this.#api = await startRuntimeApi((request, response) => this.#life?.desk.serve(request, response) ?? false);
    const begun = this.#begin();
    const ended = await this.#within(begun, INIT_MS, this.#init(begun));
    // The platform tries again at the first invocation, in its time (doInvoke: inline init).
    if (ended === DONE) this.#freeze();
    else await this.#reset(begun, ended);
  }

  readonly runtime = (): SandboxProcess | undefined => this.#life?.runtime;
  readonly extension = (name: string): SandboxProcess | undefined => this.#life?.extensions.get(name);
  readonly initMs = (): number => this.#initMs;
  readonly log = (): string => arrived(this.#log, this.#options.env ?? {});

  readonly logLines = (stream?: string): readonly Record<string, unknown>[] =>
    this.log()
      .split('\n')
      .filter((line) => line.startsWith('{"amber":"'))
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter((line) => stream === undefined || line['amber'] === stream);

  readonly idle = async (): Promise<void> => {
    await this.#settling;
  };

  readonly invoke = async (
    event: unknown = {},
    timeoutMs: number = this.#options.timeoutMs ?? 3000,
  ): Promise<InvokeResult> => {
    if (this.#options.managed !== true) await this.#settling;
    this.ground.thaw();
    if (this.#life?.crashed !== undefined) await this.#reset(this.#life, this.#life.crashed);
    const startedMs = Date.now();
    const deadlineMs = startedMs + timeoutMs;
    // A life that a reset has ended begins again in the time of this invocation (doInvoke: inline init).
    const fresh = this.#life === undefined;
    const life = this.#life ?? this.#begin();
    const started = fresh ? await this.#within(life, timeoutMs, this.#init(life)) : DONE;
    const ended = started === DONE ? await this.#offer(life, event, deadlineMs) : started;
    const tookMs = Date.now() - startedMs; // of an answer
    if (typeof ended === 'string') {
      this.#settling = this.#reset(life, ended);
      await this.#settling;
      // A reset that lasts longer than the invocation has is a timeout to its caller (rapidcore/server.go, Invoke).
      const isLate = ended === 'timeout' || Date.now() > deadlineMs;
      return {
        kind: isLate ? 'timeout' : 'failed',
        errorType: isLate ? 'Sandbox.Timedout' : ended,
        tookMs: Date.now() - startedMs,
      };
    }
    if (this.#options.managed !== true) this.#settling = this.#settle(life, deadlineMs);
    const { kind, headers, body } = ended;
    return { kind: kind === 'error' ? 'error' : 'response', headers, body, tookMs };
  };

  readonly shutdown = async (reason: ShutdownReason = 'spindown'): Promise<ShutdownRecord | undefined> => {
    await this.#settling;
    this.ground.thaw();
    return this.#life === undefined ? undefined : this.#end(this.#life, reason);
  };

  readonly stop = async (): Promise<void> => {
    const life = this.#life;
    if (life !== undefined) life.ending = true;
    this.ground.thaw();
    for (const process of [life?.runtime, ...(life?.extensions.values() ?? [])]) process?.signal('SIGKILL');
    life?.desk.telemetry.close();
    await this.api.close();
    this.ground.close();
  };

  #begin(): Life {
    const fatal = Promise.withResolvers<string>();
    const programs = this.#options.extensions ?? [];
    const desk = new ExtensionsDesk(
      {
        functionName: FUNCTION_NAME,
        handler: this.#options.handler ?? 'index.handler',
        managed: this.#options.managed === true,
        telemetry: this.#options.telemetry !== false,
        onError: (_, errorType) => fatal.resolve(errorType),
      },
      programs.map(({ name }) => name),
    );
    const extensions = new Map<string, SandboxProcess>();
    const life: Life = {
      desk,
      extensions,
      runtime: undefined,
      fatal: fatal.promise,
      fail: fatal.resolve,
      ending: false,
      crashed: undefined,
    };
    this.#life = life;
    return life;
  }

  /**
   * Extensions first; the runtime when all have registered; over when all of them wait for an event
   * (doRuntimeDomainInit).
   */
  async #init(life: Life): Promise<string> {
    const startedMs = performance.now();
    for (const { name, command, env } of this.#options.extensions ?? []) {
      const made = await this.#launch(
        life,
        { command, cwd: '/', env: { ...extensionEnv(this.#options, this.api.address), ...env } },
        'Extension.Crash',
      );
      (life.extensions as Map<string, SandboxProcess>).set(name, made);
    }
    await life.desk.allRegistered();
    const polls = this.api.polls();
    const { command, env, cwd } = this.#options.runtime;
    life.runtime = await this.#launch(
      life,
      {
        command,
        cwd: cwd ?? (this.ground.isolated && this.#options.task !== undefined ? '/var/task' : '/'),
        env: { ...runtimeEnv(this.#options, this.api.address), ...env },
      },
      'Runtime.ExitError',
    );
    await this.api.polled(polls + 1);
    life.desk.closeRegistration();
    life.desk.telemetry.tell('platform.initRuntimeDone', {
      initializationType: 'on-demand',
      phase: 'init',
      status: 'success',
    });
    await life.desk.allReady();
    this.#initMs = performance.now() - startedMs;
    return DONE;
  }

  async #launch(
    life: Life,
    what: { command: readonly string[]; env: Readonly<Record<string, string>>; cwd: string },
    errorType: string,
  ): Promise<SandboxProcess> {
    const made = await this.ground.launch({ ...what, onOutput: (text) => (this.#log += text) });
    // Whoever exits without being asked ends the sandbox (watchEvents).
    void made.exited.then(() => {
      if (life.ending) return;
      life.crashed ??= errorType;
      life.fail(errorType);
    });
    return made;
  }

  async #offer(life: Life, event: unknown, deadlineMs: number): Promise<Post | string> {
    const requestId = randomUUID();
    const traceId = TRACE_ID;
    const told = this.#options.managed === true ? undefined : life.desk.telemetry;
    told?.tell('platform.start', { requestId, version: '$LATEST' });
    life.desk.invoke({ requestId, deadlineMs, arn: FUNCTION_ARN, traceId });
    const polls = this.api.polls();
    const ended = await this.#within(
      life,
      deadlineMs - Date.now(),
      this.api.offer({
        requestId,
        event: JSON.stringify(event),
        headers: {
          'Lambda-Runtime-Aws-Request-Id': requestId,
          'Lambda-Runtime-Deadline-Ms': String(deadlineMs),
          'Lambda-Runtime-Invoked-Function-Arn': FUNCTION_ARN,
          'Lambda-Runtime-Trace-Id': traceId,
        },
      }),
    );
    // Before SHUTDOWN (handleReset), or once the runtime asks for more (doInvoke).
    if (ended === 'timeout') told?.tell('platform.runtimeDone', { requestId, status: 'timeout' });
    else if (typeof ended === 'string')
      told?.tell('platform.runtimeDone', { requestId, status: 'error', errorType: ended });
    else
      void this.api.polled(polls + 1).then(() => told?.tell('platform.runtimeDone', { requestId, status: 'success' }));
    return ended;
  }

  /**
   * The response is out; the sandbox is idle when runtime and extensions ask for more, and has the rest of the timeout
   * for it.
   */
  async #settle(life: Life, deadlineMs: number): Promise<void> {
    const polls = this.api.polls();
    const ready = Promise.all([this.api.waiting() ? undefined : this.api.polled(polls + 1), life.desk.allReady()]).then(
      () => DONE,
    );
    const ended = await this.#within(life, deadlineMs - Date.now(), ready);
    if (ended !== DONE) await this.#reset(life, ended);
    else this.#freeze();
  }

  /**
   * A timeout on Managed Instances stops nothing; anything that crashes ends the whole environment (AWS, Managed
   * Instances).
   */
  async #reset(life: Life, why: string): Promise<void> {
    if (this.#options.managed === true && why === 'timeout') return;
    if (!life.ending) await this.#end(life, why === 'timeout' ? 'timeout' : 'failure');
  }

  async #end(life: Life, reason: ShutdownReason): Promise<ShutdownRecord> {
    life.ending = true;
    const record = await shutDown(life, reason);
    this.shutdowns.push(record);
    life.desk.telemetry.close();
    if (this.#life === life) this.#life = undefined;
    return record;
  }

  async #within<T>(life: Life, ms: number, work: Promise<T>): Promise<T | string> {
    const over = new AbortController();
    const late = sleep(Math.max(0, ms), 'timeout', { signal: over.signal }).catch(() => 'timeout');
    try {
      return await Promise.race([work, late, life.fatal]);
    } finally {
      over.abort();
    }
  }

  #freeze(): void {
    if (this.#options.freeze !== false && this.#options.managed !== true) this.ground.freeze();
  }
}
