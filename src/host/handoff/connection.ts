/**
 * How the function's process and the extension speak of a due capture: lines of JSON over an abstract unix socket
 * (unix(7)), which needs no file and goes with the process that holds it.
 *
 *     process                extension
 *                        ←   pid                           somebody listens: at once
 *     trigger, reason    →
 *                        ←   verdict, held                 what becomes of it
 *     entries, cost      →                                 what only the process knows
 *                        ←   got
 *                        ←   held, or ended                for the caller that waits
 *
 * Both ends distrust the other: a process with the uid of the function can connect here, or bind the name before us.
 */
import { createHash } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import type { Socket } from 'node:net';
import { OPTIONS } from '../../config/config.ts';
import type { AbsentEntry, BytesEntry, Config } from '../../contracts/evidence.ts';

/** A hint may carry the order of an event, of 16 KiB in base64. */
export const MAX_HINT_BYTES: number = 64 * 1024;
/** What only the process knows: modules and the diagnostic report are some hundred KiB. */
export const MAX_FACTS_BYTES: number = 4 * 2 ** 20;

/** That a capture is due, and why. */
export interface HandoffRequest {
  readonly trigger: string;
  readonly reason: string;
  readonly requestId?: string | undefined;
  /** Id of the order behind it. */
  readonly order?: string | undefined;
  /** The order that stood in the event, as it stood there: it is judged anew. */
  readonly token?: string | undefined;
  /** {@link policyPrint} of the configuration. */
  readonly policy: string;
}

export interface Verdict {
  /**
   * `running`: a capture for this very reason runs; `done`: it has ended and is whole. A process that is `refused`
   * captures by itself.
   */
  readonly verdict: 'taken' | 'running' | 'done' | 'refused';
  /** The sandbox stays awake for the capture when the answer is out: nobody need wait for it. */
  readonly held: boolean;
  readonly why?: string | undefined;
}

/** An entry as it goes through the socket. */
export type HandedEntry =
  | {
      readonly kind: 'json';
      readonly path: string;
      readonly source: string;
      readonly method: string;
      readonly value: unknown;
    }
  | {
      readonly kind: 'jsonl';
      readonly path: string;
      readonly source: string;
      readonly method: string;
      readonly rows: readonly unknown[];
    }
  | (Pick<BytesEntry, 'kind' | 'path' | 'source' | 'method' | 'redaction'> & { readonly base64: string })
  | Pick<AbsentEntry, 'kind' | 'path' | 'source' | 'method' | 'outcome' | 'reason'>;

/** Name of the socket, one a PID namespace: both ends read each other's /proc entries. `undefined` without procfs. */
export function socketName(): string | undefined {
  try {
    return `lambda-amber-1-${/\d+/u.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? ''}`;
  } catch {
    return undefined;
  }
}

/**
 * Says without its values whether two configurations ask for the same capture. How S3 is spoken to makes no difference.
 */
export function policyPrint(config: Config): string {
  const fields = (Object.keys(OPTIONS) as (keyof typeof OPTIONS)[]).filter((name) => name !== 's3Transport').sort();
  const values = fields.map((name) => {
    const value = config[name];
    return [name, value instanceof RegExp ? String(value) : (value ?? null)];
  });
  return createHash('sha256').update(JSON.stringify(values)).digest('base64url');
}

/** One end of the connection. Nothing here throws or rejects; a broken, silent or talkative peer is `undefined`. */
export class HandoffConnection {
  readonly #socket: Socket;
  readonly #keepsAlive: boolean;
  #text = '';
  /** A whole line is there. */
  #hasLine = false;
  #most = MAX_HINT_BYTES;
  #closed = false;
  #wake = (): void => undefined;

  /**
   * @param keepsAlive - the timers of `readMessage` keep an event loop alive, which the connection itself never does
   */
  constructor(socket: Socket, { keepsAlive }: { readonly keepsAlive: boolean }) {
    this.#socket = socket;
    this.#keepsAlive = keepsAlive;
    socket.unref();
    socket.setEncoding('utf8');
    socket.on('error', this.#end);
    socket.on('close', this.#end);
    socket.on('data', (text: string) => this.#take(text));
  }

  writeMessage(line: object): void {
    if (!this.#closed) this.#socket.write(`${JSON.stringify(line)}\n`);
  }

  /** The next line as an object, within `ms` and `most` bytes. */
  async readMessage(most: number, ms: number): Promise<Readonly<Record<string, unknown>> | undefined> {
    this.#most = most;
    const dueMs = Date.now() + ms;
    while (!this.#hasLine && !this.#closed && Date.now() < dueMs) {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      const timer = setTimeout(resolve, dueMs - Date.now(), undefined);
      if (!this.#keepsAlive) timer.unref();
      this.#wake = () => resolve(undefined);
      await promise;
      clearTimeout(timer);
    }
    const at = this.#hasLine ? this.#text.indexOf('\n') : -1;
    if (at < 0 || at > most) return undefined;
    const line = this.#text.slice(0, at);
    this.#text = this.#text.slice(at + 1);
    this.#hasLine = this.#text.includes('\n');
    return parsed(line);
  }

  /** What was said last is still sent. */
  close(): void {
    if (!this.#closed) this.#socket.destroySoon();
  }

  readonly #end = (): void => {
    this.#closed = true;
    this.#socket.destroy();
    this.#wake();
  };

  #take(text: string): void {
    this.#text += text;
    this.#hasLine ||= text.includes('\n');
    if (this.#text.length > 2 * this.#most) this.#end();
    else if (this.#hasLine) this.#wake();
    else if (this.#text.length > this.#most) this.#end();
  }
}

function parsed(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
