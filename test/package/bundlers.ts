/** The bundlers that functions are bundled with, each with the bytes that a bundle may have. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { build, type BuildOptions } from 'esbuild';
import { BUNDLE_BYTES, BUNDLE_BYTES_DEVELOPMENT, BUNDLE_BYTES_UNPACKED } from '../budgets.ts';
import { PEERS } from './installed.ts';

type Bundler = (entry: string, outdir: string) => Promise<void>;

const byEsbuild =
  (options: BuildOptions): Bundler =>
  async (entry, outdir) => {
    await build({
      entryPoints: { index: entry },
      bundle: true,
      platform: 'node',
      target: 'node22',
      outdir,
      outExtension: { '.js': options.format === 'cjs' ? '.cjs' : '.mjs' },
      logLevel: 'error',
      ...options,
    });
  };

interface Rollup {
  readonly rollup: (
    options: object,
  ) => Promise<{ readonly write: (options: object) => Promise<unknown>; readonly close: () => Promise<void> }>;
}

const fromPeers = createRequire(join(PEERS, 'x.js'));
const byRollup =
  (format: 'es' | 'cjs'): Bundler =>
  async (entry, outdir) => {
    const { rollup } = fromPeers('rollup') as Rollup;
    const plugins = ['node-resolve', 'commonjs'].map((name) => {
      const made = fromPeers(`@rollup/plugin-${name}`) as { default?: (options: object) => object } & ((
        options: object,
      ) => object);
      return (made.default ?? made)(name === 'node-resolve' ? { preferBuiltins: true } : {});
    });
    const bundle = await rollup({ input: { index: entry }, plugins, external: /^node:/u });
    await bundle.write({ dir: outdir, format, entryFileNames: format === 'cjs' ? '[name].cjs' : '[name].mjs' });
    await bundle.close();
  };

type Webpack = (
  options: object,
  done: (error: Error | null, stats: { hasErrors: () => boolean; toString: () => string } | undefined) => void,
) => void;

const byWebpack =
  (mode: 'production' | 'development'): Bundler =>
  async (entry, outdir) =>
    new Promise((done, fail) => {
      const webpack = fromPeers('webpack') as Webpack;
      const output = { path: outdir, filename: 'index.cjs', library: { type: 'commonjs2' } };
      webpack(
        { mode, target: 'node22', entry, output, context: join(outdir, '..'), devtool: false },
        (error, stats) => {
          if (error !== null || stats?.hasErrors() !== false) fail(error ?? new Error(stats?.toString()));
          else done();
        },
      );
    });

const EXTERNAL_SDK = { external: ['@aws-sdk/*'] };
export const BUNDLERS: readonly (readonly [name: string, bundler: Bundler, most: number])[] = [
  ['esbuild, esm', byEsbuild({ format: 'esm' }), BUNDLE_BYTES],
  ['esbuild, cjs', byEsbuild({ format: 'cjs' }), BUNDLE_BYTES],
  ['esbuild, esm, minified', byEsbuild({ format: 'esm', minify: true }), BUNDLE_BYTES],
  ['esbuild, cjs, minified', byEsbuild({ format: 'cjs', minify: true }), BUNDLE_BYTES],
  ['esbuild, esm, SDK external', byEsbuild({ format: 'esm', ...EXTERNAL_SDK }), BUNDLE_BYTES],
  ['esbuild, cjs, minified, SDK external', byEsbuild({ format: 'cjs', minify: true, ...EXTERNAL_SDK }), BUNDLE_BYTES],
  // Own conditions take away `module` (esbuild, "Conditions"): then it bundles what Node would load. That works, at a
  // price.
  [
    'esbuild, cjs, conditions of its own',
    byEsbuild({ format: 'cjs', minify: true, conditions: ['mine'] }),
    BUNDLE_BYTES_UNPACKED,
  ],
  ['rollup, es', byRollup('es'), BUNDLE_BYTES],
  ['rollup, cjs', byRollup('cjs'), BUNDLE_BYTES],
  ['webpack, production', byWebpack('production'), BUNDLE_BYTES],
  ['webpack, development', byWebpack('development'), BUNDLE_BYTES_DEVELOPMENT],
];
