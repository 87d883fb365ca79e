/** Redaction as a contract: what the archive, the manifest and the log ask of it. */
import type { Redaction } from '../contracts/evidence.ts';

/** A value without its secrets, and the names of what was taken out (`env.DB_PASSWORD`, `argv[3]`, `text:jwt`). */
export interface Redacted<T> {
  readonly value: T;
  readonly redactions: readonly string[];
}

/**
 * Finds secrets by name and by shape, and replaces each by `<redacted:HMAC>`: equal secrets give equal marks within one
 * capture, and only there. A value that was redacted once is then found anywhere else, also base64- and URL-encoded.
 */
export interface Redactor {
  /** Any JSON-like value, deep. Object keys decide by name, strings also by shape. Cycles and getters do not hurt. */
  readonly json: (value: unknown) => Redacted<unknown>;
  readonly text: (text: string) => Redacted<string>;
  /** Bytes of a kind: `environ` (NAME=value, NUL), `cmdline` (NUL), `text` (UTF-8 or latin1), `content` (untouched). */
  readonly bytes: (body: Uint8Array, kind: Redaction) => Redacted<Uint8Array>;
  /**
   * Learns the secrets of an environment without giving anything back, so that they are found everywhere from now on.
   */
  readonly learn: (variables: Readonly<Record<string, string | undefined>>) => void;
}
