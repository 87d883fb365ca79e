/**
 * Unpacks a tar stream into a fresh folder, so that nothing in it can hurt the examiner: nothing is written outside of
 * the folder, nothing is overwritten, no link is there while files are written. Nothing is executable or set-uid, and
 * runs of zeros take no space. What is not made (devices, links that lead out) is told.
 */
import { closeSync, constants, ftruncateSync, futimesSync, mkdirSync, openSync, symlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { BytePath } from '../../contracts/evidence.ts';
import { AmberError, systemCode } from '../../errors.ts';
import { folderError } from '../../ship/folder.ts';
import { isZero } from './read-tar.ts';
import type { TarVisitor } from './read-tar.ts';
import { safeParts, staysInside } from '../view/safe-names.ts';
import type { TarEntry } from './header.ts';
import { many } from '../../many.ts';

export interface ExtractLimits {
  /** Content bytes, zeros included. */
  readonly maxBytes: number;
  readonly maxEntries: number;
}

/** An entry that was not made, or not as the tarball has it. */
export interface NotExtracted {
  readonly path: BytePath;
  readonly type: string;
  readonly target: BytePath;
  readonly reason: string;
  /** It is a danger, not just something that has no place in a folder of files. */
  readonly unsafe: boolean;
}

/** More than a capture can hold: its own limits are 20 GiB and five million entries. */
export const DEFAULT_LIMITS: ExtractLimits = { maxBytes: 24 * 1024 ** 3, maxEntries: 6_000_000 };

/** Links wait until all files are written; so much of them is kept. */
const MAX_LINKS = 200_000;
const MAX_LINK_BYTES = 64 * 1024 * 1024;
const MAX_KNOWN = 10_000;
const HOLE = 64 * 1024;
const KINDS: Readonly<Record<string, string>> = {
  1: 'a hard link',
  3: 'a character device',
  4: 'a block device',
  6: 'a FIFO',
};

export class Extractor implements TarVisitor {
  readonly #target: string;
  readonly #limits: ExtractLimits;
  readonly #tell: (entry: NotExtracted) => void;
  readonly #known = new Set<BytePath>();
  readonly #links: { parts: readonly BytePath[]; target: BytePath; entry: TarEntry }[] = [];
  #linkBytes = 0;
  #entries = 0;
  #bytes = 0;
  #file: { fd: number; at: number; entry: TarEntry } | undefined;
  files = 0;
  links = 0;

  /** `target` is there and empty. `tell` hears of everything that is not made. */
  constructor(target: string, tell: (entry: NotExtracted) => void, limits: ExtractLimits = DEFAULT_LIMITS) {
    this.#target = target;
    this.#limits = limits;
    this.#tell = tell;
  }

  /** @throws AmberError CASE_UNSAFE beyond the limits, DESTINATION_* where the folder cannot be written. */
  entry(entry: TarEntry): void {
    this.#entries += 1;
    this.#bytes += entry.size;
    if (this.#entries > this.#limits.maxEntries)
      throw tooMuch(`${many(this.#limits.maxEntries, 'entry', 'entries')}, the most that are taken from an archive`);
    if (this.#bytes > this.#limits.maxBytes)
      throw tooMuch(
        `${many(this.#limits.maxBytes, 'byte')}, the most that --max-bytes allows; give more, for example ` +
          `--max-bytes 48GiB`,
      );
    const parts = safeParts(entry.path);
    if (typeof parts === 'string') this.#refuse(entry, parts, { unsafe: true });
    else if (entry.type === '0') this.#open(entry, parts);
    else if (entry.type === '5') this.#directory(entry, parts);
    else if (entry.type === '2') this.#link(entry, parts);
    else
      this.#refuse(entry, `${KINDS[entry.type] ?? `an entry of type ${JSON.stringify(entry.type)}`} is not made`, {
        unsafe: entry.type === '1',
      });
  }

  body(piece: Buffer): void {
    const file = this.#file;
    if (file === undefined) return;
    for (let at = 0; at < piece.length; at += HOLE) {
      const part = piece.subarray(at, at + HOLE);
      if (!isZero(part)) writeAll(file.fd, part, file.at + at, this.#target);
    }
    file.at += piece.length;
  }

  end(): void {
    const file = this.#file;
    if (file === undefined) return;
    this.#file = undefined;
    try {
      ftruncateSync(file.fd, file.at);
      setTimes(file.fd, file.entry);
    } finally {
      closeSync(file.fd);
    }
    this.files += 1;
  }

  /** Ends what is open, and makes the links. Call it once, also after an error. */
  finish(): void {
    this.end();
    for (const { parts, target, entry } of this.#links) {
      try {
        this.#parents(parts);
        symlinkSync(Buffer.from(target, 'latin1'), this.#path(parts));
        this.links += 1;
      } catch (cause) {
        this.#refuse(entry, whyNot(cause), { unsafe: systemCode(cause) === 'EEXIST' });
      }
    }
    this.#links.length = 0;
  }

  #open(entry: TarEntry, parts: readonly BytePath[]): void {
    try {
      this.#parents(parts);
      const fd = openSync(
        this.#path(parts),
        constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
        0o600,
      );
      this.#file = { fd, at: 0, entry };
    } catch (cause) {
      this.#fail(entry, cause);
    }
  }

  #directory(entry: TarEntry, parts: readonly BytePath[]): void {
    try {
      this.#parents([...parts, '']);
    } catch (cause) {
      this.#fail(entry, cause);
    }
  }

  #link(entry: TarEntry, parts: readonly BytePath[]): void {
    if (!staysInside(parts, entry.target)) {
      this.#refuse(entry, 'a link that leads out of the folder is not made', { unsafe: false });
      return;
    }
    this.#linkBytes += entry.path.length + entry.target.length;
    if (this.#links.length >= MAX_LINKS || this.#linkBytes > MAX_LINK_BYTES)
      this.#refuse(entry, 'there are too many links', { unsafe: false });
    else this.#links.push({ parts, target: entry.target, entry });
  }

  /** Makes the folders above the last part. No link is there, so none is followed. */
  #parents(parts: readonly BytePath[]): void {
    const folder = parts.slice(0, -1);
    const key = folder.join('/');
    if (this.#known.has(key)) return;
    mkdirSync(this.#path(folder), { recursive: true, mode: 0o700 });
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.add(key);
  }

  #path(parts: readonly BytePath[]): Buffer {
    return Buffer.concat([Buffer.from(join(this.#target, '/'), 'utf8'), Buffer.from(parts.join('/'), 'latin1')]);
  }

  /** A name that cannot be made is told; a folder that cannot be written ends it all. */
  #fail(entry: TarEntry, cause: unknown): void {
    const code = systemCode(cause) ?? '';
    if (!(code in PER_NAME)) throw folderError(cause, this.#target);
    this.#refuse(entry, whyNot(cause), { unsafe: code === 'EEXIST' || code === 'ENOTDIR' });
  }

  #refuse({ path, type, target }: TarEntry, reason: string, { unsafe }: { readonly unsafe: boolean }): void {
    this.#tell({ path, type, target, reason, unsafe });
  }
}

const PER_NAME: Readonly<Record<string, string>> = {
  EEXIST: 'an entry of this name was there already; nothing is overwritten',
  ENOTDIR: 'an entry that is no folder stands where its folder should be',
  ENAMETOOLONG: 'its name is too long for this file system',
  EINVAL: 'this file system does not take its name',
  EILSEQ: 'this file system does not take its name',
};

function whyNot(cause: unknown): string {
  const code = systemCode(cause) ?? '';
  return PER_NAME[code] ?? `it could not be made (${code})`;
}

function tooMuch(limit: string): AmberError {
  return new AmberError('CASE_UNSAFE', `the archive unpacks to more than ${limit}.`);
}

function writeAll(fd: number, bytes: Buffer, position: number, target: string): void {
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at, position + at);
  } catch (cause) {
    throw folderError(cause, target);
  }
}

/** Times of the original, as far as the file system takes them; the exact ones stand in the manifest. */
function setTimes(fd: number, { mtime, atime }: TarEntry): void {
  const seconds = Number(mtime);
  try {
    if (Number.isFinite(seconds)) futimesSync(fd, Number(atime ?? mtime), seconds);
  } catch {
    // A time that the file system does not take is not worth an evidence file.
  }
}
