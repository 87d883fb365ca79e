/**
 * A program without what only debuggers read: symbol table, its strings, section headers. The kernel and the loader go
 * by the program headers alone (elf(5)), and linkers put those three last; so the file ends where the last segment
 * does. Needs no strip(1) for another architecture, and gives the same bytes everywhere.
 */
const MAGIC = 0x7f454c46;
const CLASS_64 = 2;
const LITTLE_ENDIAN = 1;

/** @returns the file itself if it is no 64-bit little-endian ELF. */
export function stripElf(file: Buffer): Buffer {
  if (file.readUInt32BE(0) !== MAGIC || file[4] !== CLASS_64 || file[5] !== LITTLE_ENDIAN) return file;
  const headers = Number(file.readBigUInt64LE(0x20));
  const size = file.readUInt16LE(0x36);
  const count = file.readUInt16LE(0x38);
  let end = headers + size * count;
  for (let at = headers; at < headers + size * count; at += size) {
    end = Math.max(end, Number(file.readBigUInt64LE(at + 0x08)) + Number(file.readBigUInt64LE(at + 0x20)));
  }
  const stripped = Buffer.from(file.subarray(0, Math.min(end, file.length)));
  stripped.writeBigUInt64LE(0n, 0x28); // e_shoff
  stripped.writeUInt32LE(0, 0x3c); // e_shnum, e_shstrndx
  return stripped;
}
