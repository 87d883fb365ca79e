/**
 * What the child writes, taken apart. Everything in it is data of somebody else: lengths are bounded, fields are
 * checked.
 */
import type { Readable } from 'node:stream';
import { statSync, type BigIntStats } from 'node:fs';
import { AmberError } from '../../errors.ts';

/** What the child says of one path. */
export interface AsideItem {
  /** Absent in the last head of a tree, which has `beyond`. */
  readonly path?: string;
  readonly beyond?: number;
  readonly stat?: BigIntStats;
  readonly target?: string;
  /** Why a directory was not listed. */
  readonly unlisted?: string;
  /** A system error. */
  readonly problem?: string;
  /** The body, once, before the next item is asked for; undefined where there is none. Throws when the child hangs. */
  readonly body?: () => AsyncGenerator<Uint8Array>;
}

const MAX_HEAD = 1024 * 1024;
const MAX_PIECE = 64 * 1024;

export class Frames {
  readonly #chunks: AsyncIterator<Buffer>;
  #answerMs: number;
  #rest: Buffer = Buffer.alloc(0);
  #inBody = false;

  constructor(stream: Readable, answerMs: number) {
    this.#chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    this.#answerMs = answerMs;
  }

  /** How long an answer may take from now on. */
  patience(answerMs: number): void {
    this.#answerMs = answerMs;
  }

  /** The next item; undefined at the end of the stream. What is left of the body before it is dropped. */
  async item(): Promise<AsideItem | undefined> {
    while (this.#inBody) await this.#piece();
    const length = await this.#length(MAX_HEAD);
    if (length === undefined) return undefined;
    const { stat, body, ...head } = JSON.parse((await this.#take(length)).toString('utf8')) as Omit<
      AsideItem,
      'stat' | 'body'
    > & { stat?: Record<string, string>; body?: boolean };
    this.#inBody = body === true;
    return {
      ...head,
      ...(stat === undefined ? {} : { stat: statOf(stat) }),
      ...(body === true ? { body: () => this.#body() } : {}),
    };
  }

  async *#body(): AsyncGenerator<Uint8Array> {
    for (let piece = await this.#piece(); piece !== undefined; piece = await this.#piece()) yield piece;
  }

  async #piece(): Promise<Buffer | undefined> {
    const length = this.#inBody ? await this.#length(MAX_PIECE) : undefined;
    if (length !== undefined && length > 0) return this.#take(length);
    this.#inBody = false;
    return undefined;
  }

  async #length(most: number): Promise<number | undefined> {
    const four = await this.#take(4);
    if (four.length < 4) return undefined;
    const length = four.readUInt32BE();
    if (length > most) throw new AmberError('COLLECTOR_FAILED', 'the child that reads aside wrote what is no frame');
    return length;
  }

  /** As many bytes as are asked for, or what there is at the end of the stream. */
  async #take(count: number): Promise<Buffer> {
    while (this.#rest.length < count) {
      const step = await this.#inTime(this.#chunks.next());
      if (step.done === true) break;
      this.#rest = this.#rest.length === 0 ? step.value : Buffer.concat([this.#rest, step.value]);
    }
    const taken = this.#rest.subarray(0, count);
    this.#rest = this.#rest.subarray(count);
    return taken;
  }

  #inTime<T>(step: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        step.catch(() => undefined);
        reject(
          new AmberError('COLLECTOR_FAILED', `no answer within ${this.#answerMs} ms`, { details: { timedOut: true } }),
        );
      }, this.#answerMs);
      step.then(resolve, reject).finally(() => clearTimeout(timer));
    });
  }
}

/** A stat out of decimal texts, with the methods of Node's. */
function statOf(facts: Readonly<Record<string, string>>): BigIntStats {
  const numbers = Object.entries(facts).map(([name, text]): [string, bigint] => [name, BigInt(text)]);
  const prototype = Object.getPrototypeOf(statSync('/', { bigint: true })) as object;
  return Object.assign(Object.create(prototype) as BigIntStats, Object.fromEntries(numbers));
}
