/**
 * Zips that are the same for the same files: sorted names, one time for all, two modes, no attributes of this machine.
 */
import { ZipFile } from 'yazl';
import type { LayerFile } from './contracts.ts';

/**
 * The first moment that a zip can name, as local time: the format has no time zone (APPNOTE.TXT 4.4.6), so the bytes
 * are the same in each. The extra field with UTC seconds that yazl would add is left out for that reason.
 */
const TIME = new Date(1980, 0, 1);

const PROGRAM = 0o100755;
const PLAIN = 0o100644;

/**
 * Gives the bytes of the zip. Modes are kept by Lambda: a program that is not executable cannot be started from /opt.
 */
export async function zip(files: readonly LayerFile[]): Promise<Buffer> {
  const archive = new ZipFile();
  const inOrder = [...files].sort((one, other) => (one.path < other.path ? -1 : 1));
  for (const { path, bytes, executable } of inOrder) {
    const content = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    archive.addBuffer(content, path, {
      mtime: TIME,
      mode: executable === true ? PROGRAM : PLAIN,
      forceDosTimestamp: true,
      compressionLevel: 9,
    });
  }
  archive.end();
  const chunks: Buffer[] = [];
  for await (const chunk of archive.outputStream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
