/** The library as it is published: bundled in chunks, dependencies left as imports. */
import { mkdirSync, mkdtempSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build, type Metafile } from 'esbuild';

export interface Bundle {
  readonly directory: string;
  /** Absolute path of the module that users import. */
  readonly entry: string;
  /** Source files that are loaded with it, before any capture. */
  readonly idle: readonly string[];
}

/** Builds `src/index.ts` into a fresh folder, with the settings of layer/build-package.ts. */
export async function bundleLibrary(): Promise<Bundle> {
  const directory = mkdtempSync(join(tmpdir(), 'amber-bundle-'));
  mkdirSync(join(directory, 'dist'));
  symlinkSync(resolve('node_modules'), join(directory, 'node_modules'));
  const { metafile } = await build({
    entryPoints: { index: 'src/index.ts' }, outdir: join(directory, 'dist'), bundle: true, splitting: true, format: 'esm',
    platform: 'node', target: 'node22.15', packages: 'external', minifySyntax: true, minifyWhitespace: true,
    outExtension: { '.js': '.mjs' }, metafile: true, logLevel: 'silent',
  });
  return { directory, entry: join(directory, 'dist', 'index.mjs'), idle: reachable(metafile) };
}

/** What the entry point pulls in by static imports, packages and built-in modules included. */
function reachable({ outputs }: Metafile): string[] {
  const seen = new Set<string>();
  const found = new Set<string>();
  const visit = (path: string): void => {
    if (seen.has(path)) return;
    seen.add(path);
    const output = outputs[path];
    if (output === undefined) return;
    for (const input of Object.keys(output.inputs)) found.add(input);
    for (const { path: next, kind, external } of output.imports) {
      if (kind !== 'import-statement') continue;
      if (external === true) found.add(next);
      else visit(next);
    }
  };
  const entry = Object.keys(outputs).find((path) => path.endsWith('/index.mjs'));
  if (entry !== undefined) visit(entry);
  return [...found].sort();
}
