/** What a salvage writes: the entries it found, fragments of bodies, and a line about each, in a folder of its own. */
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { readable } from '../../archive/item.ts';
import { folderError } from '../../ship/folder.ts';
import { Extractor, type ExtractLimits } from '../tar/extract.ts';
import type { OpenCapture } from '../store/open.ts';
import type { SalvageRecord } from './contents.ts';
import { salvage, type SalvageOptions, type SalvageResult } from './salvage.ts';
import { fillFolder } from '../store/target.ts';
import { renderShown } from '../view/safe-names.ts';

export interface SalvageFolderResult extends SalvageResult {
  readonly folder: string;
  readonly extracted: { readonly files: number; readonly links: number; readonly notMade: number };
}

/**
 * Salvages into a new folder: `files/` (the entries), `fragments/segment-NNNN.bin` (bodies without a beginning),
 * `salvage.jsonl` (a line for every entry), `not-there.txt` (paths of the inventory), `not-extracted.jsonl`.
 *
 * @throws AmberError CASE_EXISTS, CASE_UNSAFE, DESTINATION_*, and what {@link salvage} throws.
 */
export async function salvageInto(
  capture: OpenCapture,
  target: string,
  options: Omit<SalvageOptions, 'extractor' | 'onFragment'> & { readonly limits: ExtractLimits },
): Promise<SalvageFolderResult> {
  return fillFolder(target, async (folder) => {
    const writer = new Writer(folder);
    try {
      mkdirSync(join(folder, 'files'), { mode: 0o700 });
      let notMade = 0;
      const extractor = new Extractor(
        join(folder, 'files'),
        (entry) => {
          notMade += 1;
          writer.line(
            'not-extracted.jsonl',
            JSON.stringify({ ...entry, path: readable(entry.path), target: readable(entry.target) }),
          );
        },
        options.limits,
      );
      const onRecord = (record: SalvageRecord): void => {
        writer.line('salvage.jsonl', JSON.stringify({ ...record, path: readable(record.path) }));
        options.onRecord(record);
      };
      const onFragment = (segment: number | undefined, bytes: Buffer): void =>
        writer.bytes(
          join('fragments', `segment-${segment === undefined ? 'joined' : String(segment).padStart(4, '0')}.bin`),
          bytes,
        );
      const result = await salvage(capture, { ...options, extractor, onRecord, onFragment });
      extractor.finish();
      for (const path of result.notThere()) writer.line('not-there.txt', renderShown(path));
      return { ...result, folder: target, extracted: { files: extractor.files, links: extractor.links, notMade } };
    } finally {
      writer.close();
    }
  });
}

/** Files that are begun at their first line. */
class Writer {
  readonly #folder: string;
  readonly #files = new Map<string, number>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  line(name: string, text: string): void {
    this.bytes(name, Buffer.from(`${text}\n`));
  }

  bytes(name: string, bytes: Uint8Array): void {
    const path = join(this.#folder, name);
    try {
      let fd = this.#files.get(name);
      if (fd === undefined) {
        if (name.includes('/')) mkdirSync(join(path, '..'), { recursive: true, mode: 0o700 });
        // A fragment is written in one go; of these files there is one a segment, so only the last stays open.
        if (name.includes('/')) this.#closeFragments();
        fd = openSync(path, 'ax', 0o600);
        this.#files.set(name, fd);
      }
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
    } catch (cause) {
      throw folderError(cause, path);
    }
  }

  close(): void {
    for (const fd of this.#files.values()) closeSync(fd);
    this.#files.clear();
  }

  #closeFragments(): void {
    for (const [name, fd] of this.#files) {
      if (!name.includes('/')) continue;
      closeSync(fd);
      this.#files.delete(name);
    }
  }
}
