/** The library as it is published, in a fresh folder. It is built once for all test files. */
import { cpSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { buildLibrary } from '../../layer/library.ts';
import { madeOnce, type Made } from '../made-once.ts';

export interface Bundle {
  readonly directory: string;
  /** Absolute path of the module that users import. */
  readonly entry: string;
  /** Source files that are loaded with it, before any capture, and modules that it imports statically. */
  readonly idle: readonly string[];
}

/** Its files, in a folder that nobody changes, and {@link Bundle.idle}. */
export function madeLibrary(): Promise<Made<readonly string[]>> {
  return madeOnce('library', async (dist) => {
    const { idle } = await buildLibrary(dist);
    return Object.values(idle.outputs).flatMap(({ inputs, imports }) => [
      ...Object.keys(inputs),
      ...imports.filter(({ kind }) => kind === 'import-statement').map(({ path }) => path),
    ]);
  });
}

export async function bundleLibrary(): Promise<Bundle> {
  const { folder, told } = await madeLibrary();
  const directory = mkdtempSync(join(tmpdir(), 'amber-bundle-'));
  writeFileSync(join(directory, 'package.json'), '{"type":"module"}');
  symlinkSync(resolve('node_modules'), join(directory, 'node_modules'));
  cpSync(folder, join(directory, 'dist'), { recursive: true });
  return { directory, entry: join(directory, 'dist', 'index.js'), idle: told };
}
