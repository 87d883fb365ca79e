/** The ring of a process: 512 slots in a file without a name, or in memory where no folder takes one. */
import { encodeSlot, type Draft } from './encode.ts';
import { FILLED_BYTES, RING_BYTES, SLOT_BYTES, SLOTS } from './format.ts';
import { kept } from './kept.ts';
import { isInPlace, leave, makePlace, type NoPlace, type Place } from './place.ts';

const { readSync, writeSync } = kept;

/** `lost`: somebody has closed its descriptor, or put another file in its place. */
export type Written = 'written' | 'failed' | 'lost';

export interface Ring {
  /** Where it lies; without a file, why. Then it ends with the process. */
  readonly place: Place | NoPlace;
  /** Writes an event into the slot of its sequence. Never throws, and never into a file that is not the ring. */
  readonly write: (event: Draft) => Written;
  /** The bytes as they stand there now; none of a ring that is lost. */
  readonly bytes: () => Uint8Array;
}

export function openRing(folders?: readonly string[]): Ring {
  const page = Buffer.alloc(SLOT_BYTES);
  const place = filled(makePlace(RING_BYTES, folders));
  return 'refused' in place ? inMemory(place, Buffer.alloc(RING_BYTES), page) : ringIn(place, page);
}

/** The blocks of the first events are taken now: a full /tmp does not silence them. */
function filled(place: Place | NoPlace): Place | NoPlace {
  if ('refused' in place) return place;
  try {
    if (writeSync(place.fd, Buffer.alloc(FILLED_BYTES), 0, FILLED_BYTES, 0) === FILLED_BYTES) return place;
  } catch {
    // said below
  }
  leave(place);
  return { refused: `${place.folder}: no space` };
}

function offsetOf(sequence: number): number {
  return ((sequence - 1) % SLOTS) * SLOT_BYTES;
}

function inMemory(place: NoPlace, memory: Buffer, page: Buffer): Ring {
  return {
    place,
    write: (event) => {
      encodeSlot(page, event);
      memory.set(page, offsetOf(event.sequence));
      return 'written';
    },
    bytes: () => Uint8Array.from(memory),
  };
}

/** The ring in a file that is there. */
export function ringIn(place: Place, page: Buffer = Buffer.alloc(SLOT_BYTES)): Ring {
  return {
    place,
    write: (event) => {
      encodeSlot(page, event);
      if (!isInPlace(place)) return 'lost';
      try {
        return writeSync(place.fd, page, 0, SLOT_BYTES, offsetOf(event.sequence)) === SLOT_BYTES ? 'written' : 'failed';
      } catch {
        return 'failed';
      }
    },
    bytes: () => {
      if (!isInPlace(place)) return new Uint8Array(0);
      const bytes = Buffer.alloc(RING_BYTES);
      return bytes.subarray(0, readSync(place.fd, bytes, 0, RING_BYTES, 0));
    },
  };
}
