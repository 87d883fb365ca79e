/**
 * The ring of a process that is armed, made without the code that writes events: an idle function makes none. Where
 * this way is barred, undefined: then the recorder makes its ring by all that it knows (ring.ts).
 */
import { FILLED_BYTES, RING_BYTES, SCHEMA, SLOT_BYTES } from './format.ts';
import { kept } from './kept.ts';
import { FOLDERS, OWNER_ONLY, tmpfileFlag, type Place } from './place.ts';

const { closeSync, constants, existsSync, fstatSync, ftruncateSync, now, openSync, writeSync } = kept;

/** A ring whose first event stands in it. */
export interface BegunRing {
  readonly place: Place;
  readonly timeMs: number;
}

export function beginRing(language: string, folders: readonly string[] = FOLDERS): BegunRing | undefined {
  for (const folder of folders) {
    // To fail at opening what is not there costs ten times the question.
    if (!existsSync(folder)) continue;
    let fd = -1;
    try {
      fd = openSync(folder, constants.O_RDWR | tmpfileFlag(), OWNER_ONLY);
      ftruncateSync(fd, RING_BYTES);
      const timeMs = now();
      const { ino: inode, dev: device, birthtimeMs: bornMs, nlink } = fstatSync(fd);
      // The blocks of the first events are taken now: a full /tmp does not silence them.
      if (nlink === 0 && writeSync(fd, firstSlots(language, timeMs), 0, FILLED_BYTES, 0) === FILLED_BYTES)
        return { place: { fd, inode, device, bornMs, bytes: RING_BYTES, folder }, timeMs };
    } catch {
      // Another way is tried, and says why.
    }
    if (fd >= 0) closeSync(fd);
    return undefined;
  }
  return undefined;
}

/** As encode.ts writes it: a test holds both against each other. */
function firstSlots(language: string, timeMs: number): Buffer {
  const slots = Buffer.alloc(FILLED_BYTES);
  const head = `{"v":${SCHEMA},"n":1,"t":${timeMs},"i":0,"p":${process.pid},"k":"begin","c":1`;
  slots.write(`${`${head},"d":{"ring":1,"why":"init"},"s":"${language}"}`.padEnd(SLOT_BYTES - 1)}\n`, 0, 'latin1');
  return slots;
}
