/** The format of a ring in numbers, and the closed list of kinds: see contracts/recorded.ts. */
import type { RecordedKind, SlotSchema } from '../contracts/recorded.ts';

export const SCHEMA: SlotSchema = 1;
export const SLOT_BYTES = 512;
export const SLOTS = 512;
export const RING_BYTES: number = SLOT_BYTES * SLOTS;
/** Whose blocks are taken at the beginning. Those of all would be half a millisecond of every cold start. */
export const FILLED_BYTES: number = RING_BYTES / 4;

/** The last byte of a slot. */
export const NEWLINE = 0x0a;
export const BLANK = 0x20;

/** Events of a kind at once, and how many more each second allows. */
export interface Allowance {
  readonly burst: number;
  readonly perSecond: number;
}

const RARE: Allowance = { burst: 32, perSecond: 0.5 };
const USUAL: Allowance = { burst: 64, perSecond: 2 };

/**
 * Every kind, and how much of the ring a flood of it may take. A third of the slots is more than any kind alone gets.
 */
export const KINDS: Readonly<Record<RecordedKind, Allowance>> = {
  begin: RARE,
  away: RARE,
  limit: RARE,
  spawn: { burst: 128, perSecond: 4 },
  execve: RARE,
  fork: USUAL,
  connect: USUAL,
  datagram: RARE,
  resolve: USUAL,
  request: USUAL,
  listen: RARE,
  worker: RARE,
  vm: RARE,
  code: USUAL,
  addon: RARE,
  module: USUAL,
  read: USUAL,
  write: USUAL,
  signal: RARE,
  unpickle: RARE,
  heap: RARE,
  builtin: RARE,
  method: RARE,
  prototype: RARE,
  variable: RARE,
  hook: RARE,
  inspector: RARE,
};

export function isKind(name: unknown): name is RecordedKind {
  return typeof name === 'string' && Object.hasOwn(KINDS, name);
}
