/** The types of the package as one file that imports nothing but Node's: whoever checks it needs no dependency of ours. */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { rollup } from 'rollup';
import { dts } from 'rollup-plugin-dts';

/** Writes `index.d.ts`, and the same as `index.d.cts` for files that use require(). */
export async function buildDeclarations(outdir: string): Promise<void> {
  const bundle = await rollup({ input: 'src/index.ts', external: /^node:/u, plugins: [dts({ tsconfig: 'layer/tsconfig.package.json' })] });
  const file = join(outdir, 'index.d.ts');
  await bundle.write({ file, format: 'es' });
  await bundle.close();
  copyFileSync(file, join(outdir, 'index.d.cts'));
}
