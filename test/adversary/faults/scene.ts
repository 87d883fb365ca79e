/**
 * What the captures of the fault tests are of: a recorded process table, and a small tree whose every byte is known.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Options } from '../../../src/config/config.ts';
import type { Roots } from '../../../src/contracts/evidence.ts';
import { plant, SANDBOX } from '../../fixtures/proc/sandbox.ts';

export interface PlantedScene {
  readonly roots: Roots;
  /** Path in the sandbox to the bytes of the file. */
  readonly files: ReadonlyMap<string, Buffer>;
  /** The writable tree and the files, folders and links below it: what the inventory has to name. */
  readonly paths: ReadonlySet<string>;
  readonly remove: () => void;
}

/** Small segments, so that a hundred kilobytes are several of them. */
export const SMALL: Options = {
  segmentBytes: '64KiB',
  maxCaptures: '1',
  cooldownMs: '0',
  codeBytes: 'all',
  collect: '-runtime',
};

/** Sizes of the planted files: some share a segment, some need several. */
const SIZES = [40_000, 150_000, 9000, 4000, 30_000, 700, 70_000, 12_000];

export function plantScene(): PlantedScene {
  const base = mkdtempSync(join(tmpdir(), 'amber-faults-'));
  const writable = join(base, 'tmp');
  const code = join(base, 'task');
  for (const folder of [writable, join(writable, 'work'), code]) mkdirSync(folder, { recursive: true });
  const files = new Map<string, Buffer>();
  const write = (path: string, body: Buffer): void => {
    writeFileSync(path, body);
    files.set(path, body);
  };
  for (const [index, size] of SIZES.entries())
    write(join(writable, index % 2 === 0 ? 'work' : '', `file-${index}`), noise(size, `file ${index}`));
  write(join(writable, 'empty'), Buffer.alloc(0));
  write(join(writable, 'a | b\n\u001b[31m'), Buffer.from('an odd name'));
  symlinkSync('/etc/passwd', join(writable, 'link'));
  const paths = new Set([
    writable,
    ...readdirSync(writable, { recursive: true }).map((name) => join(writable, String(name))),
  ]);
  write(join(code, 'handler.mjs'), noise(5000, 'code'));
  return {
    roots: { proc: plant(SANDBOX), writable: [writable], code: [code], etc: base },
    files,
    paths,
    remove: () => rmSync(base, { recursive: true, force: true }),
  };
}

/** Bytes that do not compress, the same in every run. */
function noise(size: number, seed: string): Buffer {
  const blocks = Array.from({ length: Math.ceil(size / 32) }, (_, index) =>
    createHash('sha256').update(`${seed} ${index}`).digest(),
  );
  return Buffer.concat(blocks).subarray(0, size);
}
