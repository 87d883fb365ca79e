/** The extension's program: one file that idles, and what it loads for a capture. */
import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build, type BuildOptions, type Plugin } from 'esbuild';
import { AmberError } from '../../src/errors.ts';
import type { Component } from '../contracts.ts';
import { BUILTINS } from '../library.ts';
import { componentsOf, notices } from '../third-party.ts';

/** What the idle part imports when it is due, by the name of its file. */
const APART: Readonly<Record<string, string>> = {
  capture: 'src/capture/capture.ts',
  beside: 'src/record/beside/beside.ts',
  control: 'src/host/orders/control.ts',
  'event-order': 'src/host/orders/event-order.ts',
  rehearsal: 'src/ship/rehearsal.ts',
  's3-light': 'src/ship/s3-light.ts',
  'anomaly-monitor': 'src/detect/anomaly-monitor.ts',
  slots: 'src/ship/slots.ts',
};

/** The extension speaks to S3 by signed requests alone: what would load the SDK is not there. */
const NO_SDK: Plugin = {
  name: 'no SDK',
  setup: (builder) => {
    builder.onResolve({ filter: /\/s3-sdk\.ts$/ }, ({ path }) => ({ path, namespace: 'no-sdk' }));
    builder.onLoad({ filter: /^/, namespace: 'no-sdk' }, () => ({ contents: 'export const openSdk = undefined;' }));
  },
};

const DUE: Plugin = {
  name: 'what is loaded when it is due, apart',
  setup: (builder) => {
    builder.onResolve({ filter: /\.ts$/ }, ({ path, kind }) => {
      if (kind !== 'dynamic-import') return undefined;
      const name = basename(path, '.ts');
      if (!(name in APART))
        throw new AmberError('BUG', `${path} is loaded when it is due, and layer/extension/program.ts does not say so`);
      return { path: `./${name}.mjs`, external: true };
    });
  },
};

/**
 * Its functions as ones that load it: node:crypto takes 9 ms, and the idle part calls it only when something is due.
 */
const LAZY_CRYPTO: Plugin = {
  name: 'node:crypto when it is called',
  setup: (builder) => {
    builder.onResolve({ filter: /^node:crypto$/ }, ({ path }) => ({ path, namespace: 'lazy', sideEffects: false }));
    builder.onLoad({ filter: /^/, namespace: 'lazy' }, () => {
      const names = Object.entries(process.getBuiltinModule('node:crypto')).flatMap(([name, value]) =>
        typeof value === 'function' && /^[a-z]/u.test(name) ? [name] : [],
      );
      return {
        contents: names
          .map(
            (name) => `export const ${name} = (...given) => process.getBuiltinModule('node:crypto').${name}(...given);`,
          )
          .join('\n'),
      };
    });
  },
};

/**
 * Writes `extension.mjs`, what it loads, and the licences of what is in them into `outdir`.
 *
 * Two builds, not one in chunks, as for the library: what both need stands in both, and init, which the function waits
 * for, reads one file instead of fourteen, of a millisecond each.
 */
export async function buildExtension(outdir: string): Promise<readonly Component[]> {
  const common = {
    metafile: true,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node22.15',
    minifySyntax: true,
    minifyWhitespace: true,
    logLevel: 'warning',
    outdir,
    outExtension: { '.js': '.mjs' },
    external: ['systeminformation'],
  } as const satisfies BuildOptions;
  const [idle, due] = await Promise.all([
    build({
      ...common,
      entryPoints: { extension: 'src/host/extension/main.ts' },
      plugins: [NO_SDK, DUE, LAZY_CRYPTO, BUILTINS],
    }),
    build({
      ...common,
      entryPoints: { ...APART },
      splitting: true,
      chunkNames: 'chunks/[name]-[hash]',
      plugins: [NO_SDK, BUILTINS],
    }),
  ]);
  const all = { inputs: { ...idle.metafile.inputs, ...due.metafile.inputs } };
  writeFileSync(join(outdir, 'THIRD-PARTY.txt'), notices(all));
  return componentsOf(all);
}
