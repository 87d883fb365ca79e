/** Values drawn from a seed, so that a figure can be had again. */

export interface Draw {
  readonly of: (alphabet: string, length: number) => string;
  readonly number: (below: number) => number;
  readonly one: (choices: readonly string[]) => string;
  readonly bytes: (length: number) => Buffer;
  readonly hex: (length: number) => string;
  readonly alnum: (length: number) => string;
  readonly digits: (length: number) => string;
  readonly lower: (length: number) => string;
  readonly upper: (length: number) => string;
  readonly base64: (bytes: number) => string;
  readonly base64url: (bytes: number) => string;
  readonly uuid: () => string;
}

const LOWER = 'abcdefghijklmnopqrstuvwxyz';
const DIGITS = '0123456789';

/** mulberry32 (public domain): 32 bits of state, enough to vary test values. */
export function drawFrom(seed: number): Draw {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const number = (below: number): number => next() % below;
  const of = (alphabet: string, length: number): string =>
    Array.from({ length }, () => alphabet[number(alphabet.length)] ?? '').join('');
  const bytes = (length: number): Buffer => Buffer.from(Array.from({ length }, () => next() & 255));
  const hex = (length: number): string => of('0123456789abcdef', length);
  return {
    of,
    number,
    bytes,
    hex,
    one: (choices) => choices[number(choices.length)] ?? '',
    alnum: (length) => of(LOWER.toUpperCase() + LOWER + DIGITS, length),
    digits: (length) => of('123456789', 1) + of(DIGITS, length - 1),
    lower: (length) => of(LOWER + DIGITS, length),
    upper: (length) => of(LOWER.toUpperCase() + DIGITS, length),
    base64: (length) => bytes(length).toString('base64'),
    base64url: (length) => bytes(length).toString('base64url'),
    uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-${of('89ab', 1)}${hex(3)}-${hex(12)}`,
  };
}
