/** The faults that a capture meets: at which of its requests, how often, and what may be said of it afterwards. */
import type { AmberErrorCode } from '../../../src/errors.ts';
import { ANSWERS, NO_RECEIPTS, type Fault } from '../../servers/fault-proxy.ts';

/** A source of numbers from 0 to 1. */
export type Random = () => number;

/** What one capture goes through. */
export interface Plan {
  readonly fault: string;
  /** By request, in the order of arrival; what comes behind passes. */
  readonly script: readonly Fault[];
  /** The first fault is met by every request for so many milliseconds from the first one on. */
  readonly outageMs?: number;
  /**
   * `stranger`: the keys of a user without rights. `absent`: a bucket that is not there. Both are answered by the
   * server itself.
   */
  readonly real?: 'stranger' | 'absent' | 'unknown-key';
  /** Codes that a report of this capture may have, besides those of a time that ended. */
  readonly codes: readonly AmberErrorCode[];
}

interface FaultCase {
  readonly codes: readonly AmberErrorCode[];
  readonly draw: (random: Random) => Fault;
  /** Longest outage, where all requests of a time meet the fault; none without it. */
  readonly outageMs?: number;
  readonly real?: Plan['real'];
}

const REFUSED =
  (answer: keyof typeof ANSWERS): FaultCase['draw'] =>
  (random) => ({ ...ANSWERS[answer], early: random() < 0.5 });
/**
 * Of an answer that comes early, a small segment cannot tell: it has left before, and this server gives no checksums.
 */
const TELLING = Object.values(NO_RECEIPTS).filter(({ early }) => early !== true);

/** The clock of the server is somewhere else, it says; the true server behind it is of another opinion. */
const SKEWED: FaultCase['draw'] = (random) => ({
  ...ANSWERS.skewed,
  headers: { date: new Date(Date.now() + (random() - 0.5) * 172_800_000).toUTCString() },
});
const either =
  (...faults: readonly Fault[]): FaultCase['draw'] =>
  (random) =>
    faults[Math.floor(random() * faults.length)] ?? 'pass';

// biome-ignore format: a table, a row a line
const CASES: Readonly<Record<string, FaultCase>> = {
  'no fault':                  { codes: [], draw: () => 'pass' },
  '403':                       { codes: ['DESTINATION_DENIED'], draw: REFUSED('denied'), real: 'stranger' },
  '404 bucket':                { codes: ['DESTINATION_MISSING'], draw: REFUSED('noBucket'), real: 'absent' },
  '412':                       { codes: ['DESTINATION_EXISTS'], draw: REFUSED('exists') },
  '500':                       { codes: ['DESTINATION_UNAVAILABLE'], draw: REFUSED('internal') },
  'SlowDown':                  { codes: ['DESTINATION_UNAVAILABLE'], draw: REFUSED('slowDown') },
  'reset inside a segment':    { codes: ['DESTINATION_UNAVAILABLE'], draw: () => 'reset-in-body' },
  'answer lost after a write': { codes: ['DESTINATION_UNAVAILABLE'], draw: () => 'drop-answer' },
  'accepts, never answers':    { codes: ['DESTINATION_UNAVAILABLE'], draw: either('never-answer', 'never-read') },
  'wrong region':              { codes: ['DESTINATION_REGION'], draw: (random) => either(ANSWERS.redirect, ANSWERS.malformed)(random) },
  'clock skew':                { codes: ['DESTINATION_CLOCK'], draw: REFUSED('skewed') },
  'expired credentials':       { codes: ['DESTINATION_CREDENTIALS'], draw: REFUSED('expired'), real: 'unknown-key' },
  'outage':                    { codes: ['DESTINATION_UNAVAILABLE'], draw: either(ANSWERS.slowDown, ANSWERS.internal, 'reset-in-body', NO_RECEIPTS['a web page']), outageMs: 1500 },
  'a clock to sign for':       { codes: ['DESTINATION_CLOCK'], draw: SKEWED },
  'no receipt':                { codes: ['DESTINATION_UNAVAILABLE'], draw: either(...TELLING) },
  'slow':                      { codes: [], draw: (random) => ({ latencyMs: Math.round(10 + random() ** 2 * 700) }) },
};

export const FAULTS: readonly string[] = Object.keys(CASES);

/** More requests than a capture makes. */
const ALL = 200;
/** Requests of an undisturbed capture, roughly: the first fault is among them. */
const REQUESTS = 8;

/** A fault for capture `index`: every fault in turn, where and how long by chance. */
export function drawPlan(index: number, random: Random, checksKeys: boolean): Plan {
  const fault = FAULTS[index % FAULTS.length] ?? 'no fault';
  const chosen = CASES[fault];
  if (chosen === undefined) return { fault, script: [], codes: [] };
  const { codes, draw, real, outageMs } = chosen;
  if (outageMs !== undefined)
    return { fault, codes, script: [draw(random)], outageMs: Math.round(random() * outageMs) };
  if (real !== undefined && random() < 0.25 && (checksKeys || real === 'absent'))
    return { fault, script: [], codes, real };
  const before = random() < 0.2 ? 0 : Math.floor(random() * REQUESTS);
  const dice = random();
  const times = fault === 'slow' || dice > 0.6 ? ALL : dice < 0.4 ? 1 : 2 + Math.floor(random() * 3);
  return {
    fault,
    codes,
    script: [...Array<Fault>(before).fill('pass'), ...Array.from({ length: times }, () => draw(random))],
  };
}

/** mulberry32: small and seeded. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
