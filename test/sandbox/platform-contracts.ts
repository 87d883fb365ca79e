/** What the platform of platform.ts takes and gives. */
import type { ExtensionsDesk } from './extensions-desk.ts';
import type { Ground, GroundOptions, SandboxProcess } from './ground.ts';
import type { Post, RuntimeApi } from './runtime-api.ts';

export type ShutdownReason = 'spindown' | 'timeout' | 'failure';

export interface ShutdownRecord {
  readonly reason: ShutdownReason;
  /** Milliseconds until the runtime was gone. */
  readonly runtimeMs: number;
  readonly extensions: readonly {
    readonly name: string;
    /** From the start of the phase to its exit; `eventMs` when it got SHUTDOWN. */
    readonly eventMs: number;
    readonly exitMs: number;
    /** It had not exited when the time was over. */
    readonly killed: boolean;
  }[];
}

export interface Program {
  readonly name: string;
  readonly command: readonly string[];
  /** Beside the environment of all. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface PlatformOptions extends GroundOptions {
  readonly runtime: Omit<Program, 'name'> & { readonly cwd?: string };
  /** Files of /opt/extensions (RIE internal/lambda/agents: every file there is started, under its base name). */
  readonly extensions?: readonly Program[];
  readonly handler?: string;
  /** The function's own variables: the runtime and the extensions get them. */
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  /** What the role of the function gives; default is made up. An empty token for servers that know none. */
  readonly credentials?: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken: string;
  };
  readonly memoryMb?: number;
  /** False: no Telemetry API, as under the emulator. */
  readonly telemetry?: boolean;
  /** Managed Instances: several invocations at once, no freeze, SHUTDOWN registrations alone. */
  readonly managed?: boolean;
  /** False: the sandbox is never frozen. */
  readonly freeze?: boolean;
}

export type InvokeResult =
  | (Pick<Post, 'headers' | 'body'> & { readonly kind: 'response' | 'error'; readonly tookMs: number })
  /** `failed` names what ended it: `Runtime.ExitError`, `Extension.Crash`, … */
  | { readonly kind: 'timeout' | 'failed'; readonly errorType: string; readonly tookMs: number };

export interface Platform {
  readonly ground: Ground;
  readonly api: RuntimeApi;
  readonly invoke: (event?: unknown, timeoutMs?: number) => Promise<InvokeResult>;
  /** Resolves when the runtime and all extensions wait for the next event, and the sandbox is frozen. */
  readonly idle: () => Promise<void>;
  /** Ends the sandbox as after a long idle time. */
  readonly shutdown: (reason?: ShutdownReason) => Promise<ShutdownRecord | undefined>;
  /** Everything that ended a life of this sandbox: resets and the last shutdown. */
  readonly shutdowns: readonly ShutdownRecord[];
  /** The runtime of the present life. */
  readonly runtime: () => SandboxProcess | undefined;
  readonly extension: (name: string) => SandboxProcess | undefined;
  /** Milliseconds that the last init took, until all waited for an event. */
  readonly initMs: () => number;
  /** What runtime and extensions wrote, as the log would have it. */
  readonly log: () => string;
  readonly logLines: (stream?: string) => readonly Record<string, unknown>[];
  readonly stop: () => Promise<void>;
}

/** Between two resets: the processes and what they have registered. */
export interface Life {
  readonly desk: ExtensionsDesk;
  readonly extensions: ReadonlyMap<string, SandboxProcess>;
  runtime: SandboxProcess | undefined;
  /** The first thing that went wrong (appctx.StoreFirstFatalError). */
  readonly fatal: Promise<string>;
  readonly fail: (errorType: string) => void;
  ending: boolean;
  /** What went wrong while nothing was invoked: the sandbox is reset before it gets the next invocation. */
  crashed: string | undefined;
}
