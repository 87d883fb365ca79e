/** Trees to archive. Made once a run, on tmpfs, so that no disk is measured. */
import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  statfsSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { randomBytes, randomFillSync } from 'node:crypto';
import { join } from 'node:path';

const MIB = 1024 * 1024;

/** tmpfs, where there is one with room. */
export function workplace(): string {
  try {
    const { bavail, bsize } = statfsSync('/dev/shm');
    if (bavail * bsize > 3 * 1024 ** 3) return '/dev/shm';
  } catch {
    // No /dev/shm: the folder for temporary files will do.
  }
  return tmpdir();
}

function once(folder: string, name: string, make: (directory: string) => void): string {
  const directory = join(folder, name);
  if (!existsSync(directory)) {
    mkdirSync(directory);
    make(directory);
  }
  return directory;
}

/** W1: one file that does not compress. */
export function oneLargeFile(folder: string, mib: number): string {
  return once(folder, `w1-${mib}`, (directory) => {
    const fd = openSync(join(directory, 'large'), 'w');
    const block = Buffer.alloc(MIB);
    for (let written = 0; written < mib; written += 1) writeSync(fd, randomFillSync(block));
    closeSync(fd);
  });
}

/** W2: `count` files of 4 KiB in 100 directories; random bytes. */
export function manySmallFiles(folder: string, count: number): string {
  return once(folder, `w2-${count}`, (directory) => {
    const block = Buffer.alloc(4096);
    for (let index = 0; index < 100; index += 1) mkdirSync(join(directory, `d${index}`));
    for (let index = 0; index < count; index += 1)
      writeFileSync(join(directory, `d${index % 100}`, `f${index}`), randomFillSync(block));
  });
}

/** A file that claims so many GiB and holds nothing. */
export function sparseFile(folder: string, gib: number): string {
  return once(folder, `sparse-${gib}`, (directory) => {
    const fd = openSync(join(directory, 'sparse'), 'w');
    ftruncateSync(fd, gib * 1024 * MIB);
    closeSync(fd);
  });
}

/**
 * W4: 28 MB in 42 files, like /tmp of a function that was attacked: 14 MB of programs, 7 MB of text, 7 MB that do not
 * compress.
 */
export function attackedTmp(folder: string): string {
  return once(folder, 'w4', (directory) => {
    for (const name of ['.cache', '.x11', 'work']) mkdirSync(join(directory, name));
    const program = openSync(process.execPath, 'r');
    for (let index = 0; index < 8; index += 1) {
      const body = Buffer.alloc(Math.round(1.75 * MIB));
      readSync(program, body, 0, body.length, (8 + index * 8) * MIB);
      writeFileSync(join(directory, '.x11', `tool-${index}`), body, { mode: 0o755 });
    }
    closeSync(program);
    for (let index = 0; index < 24; index += 1)
      writeFileSync(join(directory, 'work', `request-${index}.log`), logText(index, Math.round((7 * MIB) / 24)));
    for (let index = 0; index < 10; index += 1)
      writeFileSync(join(directory, '.cache', `blob-${index}.gz`), randomBytes(Math.round(0.7 * MIB)));
  });
}

function logText(file: number, bytes: number): string {
  let text = '';
  for (let line = 0; text.length < bytes; line += 1) {
    text += `2026-08-01T12:${String(line % 60).padStart(2, '0')}:07.${String((line * 7919) % 1000).padStart(3, '0')}Z INFO request ${(line * 2654435761 + file) >>> 0} GET /orders/${(line * 40503) % 100003} 200 ${(line * 31) % 997} ms\n`;
  }
  return text.slice(0, bytes);
}
