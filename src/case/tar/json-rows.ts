/**
 * One JSON document that is read as it goes by, of any size, in bounded memory: of its lists, each row is kept or left
 * out as a whole, and counted. So a process with a megabyte of arguments hides none of the others.
 */
import { JSON_LIMITS, parseJson } from './bounded-json.ts';
import { many } from '../../many.ts';

export interface Reading {
  /** Undefined where nothing could be read. */
  readonly value: unknown;
  /** What a reader must be told: rows that were left out, or why there is no value. */
  readonly problem: string | undefined;
}

export interface DocumentReader {
  readonly push: (piece: Buffer) => void;
  readonly finish: () => Reading;
}

const MAX_ROW = 1024 * 1024;
const MAX_BYTES = 12 * 1024 * 1024;
const LEAST = 16 * 1024;

/** Rows are elements of the document's own list, or of a list that is a member of the document. */
const ROW_DEPTH = 2;
const LIST = 0x5b;
const STRUCTURE = Buffer.from('[]{},:" ');

export class JsonRows implements DocumentReader {
  readonly #limits: { readonly row: number; readonly bytes: number };
  #out = Buffer.allocUnsafe(LEAST);
  #size = 0;
  #depth = 0;
  /** The container in hand is a list of rows. */
  #atRows = false;
  readonly #kinds = [0, 0, 0];
  #inString = false;
  #escaped = false;
  /** Where the row in hand begins in `#out`, and the values before it. */
  #row: { readonly start: number; readonly values: number } | undefined;
  #drops = false;
  /** A comma promised another row, which has not begun. */
  #promised = false;
  #kept = 0;
  #values = 0;
  #left = 0;
  /** What is no row does not fit. */
  #tooLarge = false;

  constructor(limits: { readonly row?: number; readonly bytes?: number } = {}) {
    this.#limits = { row: limits.row ?? MAX_ROW, bytes: limits.bytes ?? MAX_BYTES };
  }

  push(piece: Buffer): void {
    for (let at = 0; at < piece.length; ) {
      if (this.#inString) at = this.#string(piece, at);
      else {
        this.#token(piece[at] ?? 0);
        at += 1;
      }
    }
  }

  finish(): Reading {
    const value = this.#tooLarge ? undefined : parseJson(this.#out.toString('utf8', 0, this.#size));
    if (value === undefined)
      return { value, problem: this.#tooLarge ? 'it is too large or too deep to be shown' : 'it is no JSON' };
    return {
      value,
      problem:
        this.#left === 0 ? undefined : `${many(this.#left, 'row is', 'rows are')} too large or too many to be shown`,
    };
  }

  /** The rest of a string, as far as it lies in the piece. Gives the index behind it. */
  #string(piece: Buffer, from: number): number {
    let end = from;
    let escaped = this.#escaped;
    for (let ended = false; !ended && end < piece.length; end += 1) {
      const byte = piece[end];
      if (escaped) escaped = false;
      else if (byte === 0x5c) escaped = true;
      else if (byte === 0x22) {
        ended = true;
        this.#inString = false;
      }
    }
    this.#escaped = escaped;
    this.#put(piece, from, end);
    return end;
  }

  #token(byte: number): void {
    switch (byte) {
      case 0x20:
      case 0x09:
      case 0x0a:
      case 0x0d:
        this.#space();
        break;
      case 0x2c:
        this.#comma();
        break;
      case 0x5d:
      case 0x7d:
        this.#close(byte);
        break;
      default:
        this.#value(byte);
    }
  }

  /** The beginning of a value, or a further byte of a number or a word. */
  #value(byte: number): void {
    this.#beginRow();
    if (byte === 0x22) this.#inString = true;
    if (byte === LIST || byte === 0x7b) this.#open(byte);
    this.#putOne(byte);
  }

  /** Layout is left out, but what stands apart must stay apart: `1 1` is no number. */
  #space(): void {
    const last = this.#out[this.#size - 1] ?? LIST;
    if (this.#size > 0 && !STRUCTURE.includes(last)) this.#putOne(0x20);
  }

  #move(depth: number): void {
    this.#depth = depth;
    this.#atRows =
      depth > 0 && depth <= ROW_DEPTH && this.#kinds[depth] === LIST && (depth === 1 || this.#kinds[1] !== LIST);
  }

  #beginRow(): void {
    if (this.#row !== undefined || !this.#atRows) return;
    this.#row = { start: this.#size, values: this.#values };
    this.#promised = false;
    this.#count();
    if (this.#kept > 0) this.#putOne(0x2c);
  }

  #endRow(): void {
    if (this.#drops) {
      this.#size = this.#row?.start ?? 0;
      this.#values = this.#row?.values ?? 0;
      this.#left += 1;
    } else this.#kept += 1;
    this.#row = undefined;
    this.#drops = false;
  }

  #comma(): void {
    if (this.#row !== undefined && this.#atRows) {
      this.#endRow();
      this.#promised = true;
      return;
    }
    this.#count();
    this.#putOne(0x2c);
  }

  #open(byte: number): void {
    if (this.#depth < ROW_DEPTH) this.#kinds[this.#depth + 1] = byte;
    this.#move(this.#depth + 1);
    if (this.#atRows) this.#kept = 0;
    if (this.#depth > JSON_LIMITS.depth) this.#refuse();
    this.#count();
  }

  #close(byte: number): void {
    if (this.#row !== undefined && this.#atRows) this.#endRow();
    // `[1,]` is no JSON, and stays none.
    if (this.#promised) this.#putOne(0x2c);
    this.#promised = false;
    this.#move(this.#depth - 1);
    this.#putOne(byte);
  }

  #count(): void {
    this.#values += 1;
    if (this.#values > JSON_LIMITS.values) this.#refuse();
  }

  #refuse(): void {
    if (this.#row === undefined) this.#tooLarge = true;
    else this.#drops = true;
  }

  #putOne(byte: number): void {
    if (this.#makeRoom(1)) this.#out[this.#size++] = byte;
  }

  #put(piece: Buffer, from: number, end: number): void {
    if (this.#makeRoom(end - from)) this.#size += piece.copy(this.#out, this.#size, from, end);
  }

  #makeRoom(bytes: number): boolean {
    if (this.#drops || this.#tooLarge) return false;
    const end = this.#size + bytes;
    if (end > this.#limits.bytes || (this.#row !== undefined && end - this.#row.start > this.#limits.row)) {
      this.#refuse();
      return false;
    }
    if (end > this.#out.length) this.#out = Buffer.concat([this.#out], 2 * end);
    return true;
  }
}
