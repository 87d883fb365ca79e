/** The extension's program: one file that idles, and chunks that it loads for a capture. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { BUILTINS, notices } from '../library.ts';

/** The extension speaks to S3 by signed requests alone: what would load the SDK is not there. */
const NO_SDK: Plugin = {
  name: 'no SDK',
  setup: (builder) => {
    builder.onResolve({ filter: /\/s3-sdk\.ts$/ }, ({ path }) => ({ path, namespace: 'no-sdk' }));
    builder.onLoad({ filter: /^/, namespace: 'no-sdk' }, () => ({ contents: 'export const openSdk = undefined;' }));
  },
};

/** Writes `extension.mjs`, its chunks, and the licences of what is in them into `outdir`. */
export async function buildExtension(outdir: string): Promise<void> {
  const { metafile } = await build({
    metafile: true, bundle: true, format: 'esm', platform: 'node', target: 'node22.15', minifySyntax: true, minifyWhitespace: true, logLevel: 'warning', splitting: true,
    entryPoints: { extension: 'src/host/extension-main.ts' }, outdir, outExtension: { '.js': '.mjs' }, chunkNames: 'chunks/[name]-[hash]',
    external: ['systeminformation'], plugins: [NO_SDK, BUILTINS],
  });
  writeFileSync(join(outdir, 'THIRD-PARTY.txt'), notices(metafile));
}
