/**
 * What a user may pass in code: literal types, so that a wrong word does not compile. A test holds the docs equal to
 * those of the table.
 */
import type { Collector, DestinationProvider, Trigger } from '../contracts/evidence.ts';

/** A switch, as in code or as in the environment. */
type Flag = boolean | '0' | '1' | 'true' | 'false' | 'on' | 'off' | 'yes' | 'no';
/** A whole number, as in code or as in the environment. */
type Whole = number | `${number}`;
/** Bytes: 8388608 or '8MiB'. */
type Bytes = Whole | `${number}${'' | ' '}${'B' | 'KiB' | 'MiB' | 'GiB'}`;

/** Options that only code can give. */
export interface Extensions {
  /** Further collectors; they run after the built-in ones of their tier. */
  readonly collectors?: readonly Collector[] | undefined;
  /** Further URL schemes. */
  readonly destinations?: readonly DestinationProvider[] | undefined;
  /** Further triggers; they are asked after the built-in ones. */
  readonly triggers?: readonly Trigger[] | undefined;
}

/**
 * Options of `withCapture`, `amberMiddleware` and `capture`. Each may be given in the environment instead; code wins.
 */
export interface Options extends Extensions {
  /** Kill switch: nothing is armed, nothing is loaded. */
  readonly disabled?: Flag | undefined;
  /**
   * `now` captures at the first invoke of each new sandbox; `armed` waits for another trigger; `off` allows `capture()`
   * calls only.
   */
  readonly capture?: 'off' | 'armed' | 'now' | undefined;
  /** Where captures go: `s3://bucket/prefix` or `file:///dir`. */
  readonly destination?: string | undefined;
  /**
   * Where orders of responders are read at invocations: `s3://bucket/key`, `ssm:/name`,
   * `appconfig:APPLICATION/ENVIRONMENT/PROFILE`, or `lambda:self` for the flag in the configuration.
   */
  readonly control?: string | undefined;
  /** Orders are read at most so often in a sandbox; a fifth more or less by chance. */
  readonly controlTtlMs?: Whole | undefined;
  /**
   * Ed25519 public keys of responders (`amber trigger --new-key`). Orders signed with one may set destination,
   * collectors and budget, or stop; events may carry orders.
   */
  readonly controlKey?: string | readonly string[] | undefined;
  /**
   * Take signed orders of form 1 as well: their signature names no channel, so one that was written elsewhere counts
   * here. For responders whose `amber` is older than this layer.
   */
  readonly controlUnbound?: Flag | undefined;
  /**
   * Captures a day (UTC) that triggers other than a responder may start in all sandboxes of the function together; 0 =
   * no such cap. Needs an `s3:` destination.
   */
  readonly fleetCap?: Whole | undefined;
  /** age X25519 public key: every segment is one age file, and raw values stand inside. */
  readonly recipient?: string | undefined;
  /** Compression of the tar stream. */
  readonly compression?: 'zstd' | 'gzip' | 'none' | undefined;
  /** Collectors to add (`+name`) or leave out (`-name`). */
  readonly collect?: string | readonly string[] | undefined;
  /** Capture when the handler fails: `off`, `any`, or error names separated by commas. */
  readonly onError?: string | undefined;
  /** Capture when this many milliseconds of the invocation are left and the handler has not settled; 0 = off. */
  readonly deadlineMs?: Whole | undefined;
  /**
   * Anomalies that start a capture: a level (`low`, `medium`, `high`, `critical`, `off`), `-NAME` and `+NAME` for
   * single detectors, `allow:KIND=VALUE` for what is known.
   */
  readonly detect?: string | undefined;
  /**
   * What the black box of a Node function keeps: `events` (children, addresses, domains, modules), `paths` (names of
   * hosts and paths of requests as well), `off`. Without a destination, or with AMBER_DETECT `off`, it keeps nothing
   * unless this is set.
   */
  readonly record?: 'off' | 'events' | 'paths' | undefined;
  /**
   * What the extension captures when the platform ends an idle sandbox: `inventory` (contents too where a finding or an
   * order is open), `contents`, `off`.
   */
  readonly onShutdown?: 'off' | 'inventory' | 'contents' | undefined;
  /** The same after a crash of the runtime or a timeout. */
  readonly onCrash?: 'off' | 'inventory' | 'contents' | undefined;
  /** Trees that are listed and taken whole; one on EFS is read by a child of its own. */
  readonly writable?: string | readonly string[] | undefined;
  /** Trees of code: every file is hashed. */
  readonly code?: string | readonly string[] | undefined;
  /**
   * Bytes of code to store beside the hash of every file: `none`, `changed` (mtime or ctime after the sandbox started),
   * `all`.
   */
  readonly codeBytes?: 'none' | 'changed' | 'all' | undefined;
  /** Put the (redacted) event of the invocation into the capture. */
  readonly includeEvent?: Flag | undefined;
  /** Further secret-looking values, as a regular expression. */
  readonly redact?: RegExp | string | undefined;
  /** Content bytes of one capture, before compression. */
  readonly maxBytes?: Bytes | undefined;
  /** Longest time of one capture. */
  readonly maxMs?: Whole | undefined;
  /** A capture ends this many milliseconds before the deadline of the invocation. */
  readonly marginMs?: Whole | undefined;
  /** Paths of /tmp and /dev/shm that are listed; the rest is counted. */
  readonly maxEntries?: Whole | undefined;
  /** Captures per sandbox. After crashes: so often in an hour, then one inventory in ten minutes. */
  readonly maxCaptures?: Whole | undefined;
  /** Shortest time between two captures of a sandbox. */
  readonly cooldownMs?: Whole | undefined;
  /** Size at which a segment is closed and sent; three of them are in memory. At most 2 MiB below 512 MB of memory. */
  readonly segmentBytes?: Bytes | undefined;
  /** Longest time that the main thread is held at a stretch. */
  readonly sliceMs?: Whole | undefined;
  /**
   * `sdk`: client-s3 of the AWS SDK; `light`: signed requests over node:https; `auto`: light below 512 MB of memory.
   */
  readonly s3Transport?: 'auto' | 'sdk' | 'light' | undefined;
  /** Another S3 endpoint. */
  readonly s3Endpoint?: string | undefined;
  /** Bucket in the path instead of the host name. */
  readonly s3PathStyle?: Flag | undefined;
  /** Region of the bucket; default is the region of the function. */
  readonly s3Region?: string | undefined;
  /** Account that must own the bucket. */
  readonly s3BucketOwner?: string | undefined;
  /** KMS key for SSE-KMS. */
  readonly s3KmsKey?: string | undefined;
}
