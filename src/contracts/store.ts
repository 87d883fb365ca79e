/** The second half of the contracts: what is stored, where, and what is said of it. Import them from evidence.ts. */
import type { AmberError } from '../errors.ts';
import type { ByDesign, Entry, Outcome, Tier } from './entry.ts';
import type { Cause } from './cause.ts';

// ---------------------------------------------------------------- archive and seal

/** One line of the manifest inside the tarball. */
export interface ManifestItem {
  readonly path: string;
  /** Base64 of the bytes of `path`, when they are not valid UTF-8 (`path` is then a lossy rendering). */
  readonly pathBase64?: string;
  readonly source: string;
  readonly collector: string;
  readonly method: string;
  readonly kind: Entry['kind'];
  readonly outcome: Outcome;
  readonly reason?: string;
  /** It was skipped on purpose; absent in captures of version 0.1 and older, where `reason` alone tells. */
  readonly byDesign?: ByDesign;
  /** Size when opened, in bytes. */
  readonly size?: number;
  /** Bytes of body in the tarball, before compression. */
  readonly stored?: number;
  /**
   * Zero bytes at the end of the stored body in place of bytes that could not be read; `sha256` does not cover them.
   */
  readonly padded?: number;
  /** Lower-case hex SHA-256 of the stored body without its padding (of the whole body when `store` was false). */
  readonly sha256?: string;
  readonly mode?: string;
  readonly uid?: number;
  readonly gid?: number;
  readonly inode?: string;
  readonly links?: number;
  /** Seconds with nine decimals, UTC: as seen by fstat before the body was read. */
  readonly mtime?: string;
  readonly atime?: string;
  readonly ctime?: string;
  readonly target?: string;
  /** What the tarball has in place of `target`, which would lead out of the folder that it is extracted to. */
  readonly storedTarget?: string;
  readonly redactions?: readonly string[];
  readonly notes?: Readonly<Record<string, unknown>>;
}

/** A finished part of the tarball: whole frames, whole age file; immutable. */
export interface Segment {
  readonly number: number;
  /** `capture-0003.tar.zst`, `.tar.gz`, `.tar`, and `.age` behind it with a recipient. */
  readonly name: string;
  readonly body: readonly Uint8Array[];
  readonly bytes: number;
  /** Lower-case hex SHA-256 of `body`. */
  readonly sha256: string;
  /** SHA-256 of the manifest segment that closes it; absent while one large entry goes on in the next segment. */
  readonly chainHead?: string;
  /** True if the segment begins inside the body of an entry that an earlier one started. */
  readonly continues: boolean;
  /** Offset of its first byte in the uncompressed tar stream. */
  readonly tarOffset: number;
  readonly tarBytes: number;
  readonly tier: Tier;
  /**
   * Gives the memory of `body` back for the next segment. Called by the one who took it, once nobody reads it any more.
   */
  readonly recycle?: () => void;
}

// ---------------------------------------------------------------- ship

/** What a destination answered. */
export interface Receipt {
  /** `unknown`: a 412 on our own retry, so the object is there, but the answer that acknowledged it was lost. */
  readonly state: 'stored' | 'unknown';
  readonly attempts: number;
  /** The name under which it stands, where the given one was taken. */
  readonly name?: string;
  readonly etag?: string;
  readonly versionId?: string;
  /** Base64 SHA-256 as the server computed it. */
  readonly checksum?: string;
  /** The server's clock (HTTP Date header), to measure ours by. */
  readonly serverDate?: string;
}

/** An object to keep. `sha256` is of `body`, so that no transport has to read it again. */
export interface StoredObject {
  readonly name: string;
  readonly body: readonly Uint8Array[];
  readonly bytes: number;
  readonly sha256: string;
}

/**
 * Why a put goes on without a receipt. `failing`: the store has asked to come back. `unreached`: nobody was reached, or
 * what answers is no store; nobody should wait long for that.
 */
export type Trouble = 'failing' | 'unreached';

/**
 * Keeps the objects of one capture. `put` resolves once the object is durable and rejects with an AmberError
 * (DESTINATION_*); it never overwrites. Calls may overlap, and the memory of `body` serves again once `put` has
 * resolved: keep a copy, not a reference. `commit` is called last, once, with `manifest.json`.
 */
export interface Destination {
  /** Where the capture stands, as a responder would type it. No secret in it. */
  readonly location: string;
  /**
   * Stores an object, once or as often as it takes until `signal` aborts: what rejects is lost.
   *
   * @param onTrouble - to be called whenever an attempt has failed and another one is to follow. Who gives it keeps the
   *   event loop alive as long as he waits: pauses between attempts need not.
   */
  readonly put: (object: StoredObject, signal: AbortSignal, onTrouble?: (trouble: Trouble) => void) => Promise<Receipt>;
  readonly commit: (manifest: StoredObject, signal: AbortSignal) => Promise<Receipt>;
  /** One line for the log, where something is otherwise than it was configured. */
  readonly notice?: string;
  /** Frees sockets and descriptors. Never throws. */
  readonly close: () => void;
}

/** Names the folder of a capture: `account=…/region=…/function=…/date=…/capture=…/`. */
export interface CaptureIdentity {
  readonly captureId: string;
  readonly account: string;
  readonly region: string;
  readonly functionName: string;
  /** YYYY-MM-DD, UTC. */
  readonly date: string;
}

// ---------------------------------------------------------------- report

/** What a capture came to. Free of secrets. */
export interface CaptureReport {
  readonly captureId: string;
  /**
   * `whole`: manifest committed. `cut`: segments stored, no commit. `failed`: nothing stored. `refused`: not started.
   */
  readonly state: 'whole' | 'cut' | 'failed' | 'refused';
  readonly cause: Cause;
  readonly location: string;
  readonly segments: number;
  /** Bytes stored, as shipped. */
  readonly bytes: number;
  /** SHA-256 of the joined tarball (of the joined age files with a recipient). */
  readonly sha256?: string;
  /** `partial`: something that was there, and was wanted, is not in it. Absent where nothing was collected. */
  readonly completeness?: 'complete' | 'partial';
  readonly outcomes: Readonly<Partial<Record<Outcome, number>>>;
  readonly elapsedMs: number;
  readonly cpuMs: number;
  readonly error?: AmberError;
}
