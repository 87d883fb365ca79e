/** The library as it is published, in a fresh folder. */
import { mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { buildLibrary } from '../../layer/library.ts';

export interface Bundle {
  readonly directory: string;
  /** Absolute path of the module that users import. */
  readonly entry: string;
  /** Source files that are loaded with it, before any capture, and modules that it imports statically. */
  readonly idle: readonly string[];
}

export async function bundleLibrary(): Promise<Bundle> {
  const directory = mkdtempSync(join(tmpdir(), 'amber-bundle-'));
  writeFileSync(join(directory, 'package.json'), '{"type":"module"}');
  symlinkSync(resolve('node_modules'), join(directory, 'node_modules'));
  const { idle } = await buildLibrary(join(directory, 'dist'));
  const found = Object.values(idle.outputs).flatMap(({ inputs, imports }) => [
    ...Object.keys(inputs),
    ...imports.filter(({ kind }) => kind === 'import-statement').map(({ path }) => path),
  ]);
  return { directory, entry: join(directory, 'dist', 'index.js'), idle: found };
}
