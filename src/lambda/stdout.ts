/**
 * Standard output, as long as it is the one that the process began with. Code that closes descriptor 1 makes the next
 * file or socket that is opened number 1: a log line would then be written into the evidence.
 */
import { AmberError } from '../errors.ts';

interface Place {
  readonly dev: number;
  readonly ino: number;
}

const BEGAN: unique symbol = Symbol.for('lambda-amber.stdout');

// Not imported: an import of node:fs makes Node build node:fs/promises and all streams, 10 ms for a function that is
// idle.
const fs = process.getBuiltinModule('node:fs');

function place(): Place | undefined {
  try {
    const { dev, ino } = fs.fstatSync(1);
    return { dev, ino };
  } catch {
    return undefined;
  }
}

// The copy of this module that a capture loads later finds what the first one saw, when the handler was wrapped.
const home = globalThis as { [BEGAN]?: Place | undefined };
if (!(BEGAN in home)) Object.defineProperty(home, BEGAN, { value: place() });

/**
 * Writes to descriptor 1 and gives the number of bytes that were taken.
 *
 * @throws the system's error (EAGAIN for a full pipe), or AmberError DESTINATION_UNAVAILABLE where it is another file
 *   now.
 */
export function writeStdout(bytes: Uint8Array): number {
  const began = home[BEGAN];
  const now = place();
  if (began === undefined || began.dev !== now?.dev || began.ino !== now.ino) {
    throw new AmberError('DESTINATION_UNAVAILABLE', 'Standard output is not what it was when the process began.');
  }
  return fs.writeSync(1, bytes);
}
