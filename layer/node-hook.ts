/**
 * The part of the layer that stands in front of a Node function: handler redirect, preload, exec wrapper, and the
 * library.
 */
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, type BuildOptions } from 'esbuild';
import { VERSION } from '../src/version.ts';
import type { LayerFile, LayerPart } from './contracts.ts';
import { execWrapper } from './exec-wrapper.ts';
import { BUILTINS, buildLibrary } from './library.ts';
import { componentsOf } from './third-party.ts';

/** A package among those that Lambda finds by NODE_PATH: a function may import `lambda-amber` from it, too. */
const PACKAGE = 'nodejs/node_modules/lambda-amber';

/** Read at every cold start. */
const IDLE: Readonly<Record<string, 'hook' | 'library'>> = {
  'handler.mjs': 'hook',
  'preload.cjs': 'hook',
  'index.js': 'library',
};

const SMALL: BuildOptions = {
  bundle: true,
  platform: 'node',
  target: 'node22.15',
  minify: true,
  keepNames: false,
  logLevel: 'warning',
};

export const nodeHook: LayerPart = {
  name: 'node-hook',
  what: 'handler redirect, preload, exec wrapper and library of Node functions',
  files: async () => {
    const folder = mkdtempSync(join(tmpdir(), 'amber-node-hook-'));
    try {
      const [{ due }] = await Promise.all([buildLibrary(folder, { complete: true }), buildHook(folder)]);
      const license = { path: `${PACKAGE}/LICENSE`, bytes: readFileSync('LICENSE'), components: componentsOf(due) };
      return [...readPackage(folder), license, described(), execWrapper()];
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};

async function buildHook(outdir: string): Promise<void> {
  const library = {
    name: 'library apart',
    setup: (builder: Parameters<typeof BUILTINS.setup>[0]): void => {
      builder.onResolve({ filter: /\/index\.ts$/ }, ({ kind }) =>
        kind === 'dynamic-import' ? { path: './index.js', external: true } : undefined,
      );
    },
  };
  await Promise.all([
    // Exactly one file of this name: clients look for .js before .mjs (datadog-lambda-js issue 782).
    build({
      ...SMALL,
      format: 'esm',
      entryPoints: { handler: 'layer/handler.ts' },
      outdir,
      outExtension: { '.js': '.mjs' },
      plugins: [library, BUILTINS],
    }),
    build({
      ...SMALL,
      format: 'cjs',
      entryPoints: { preload: 'layer/preload.ts' },
      outdir,
      outExtension: { '.js': '.cjs' },
    }),
  ]);
}

function readPackage(folder: string): LayerFile[] {
  return globSync('**/*.*', { cwd: folder })
    .sort()
    .map((name) => {
      const file = { path: `${PACKAGE}/${name}`, bytes: readFileSync(join(folder, name)) };
      const idle = IDLE[name];
      return idle === undefined ? file : { ...file, idle };
    });
}

function described(): LayerFile {
  const text = JSON.stringify({
    name: 'lambda-amber',
    version: VERSION,
    type: 'module',
    main: './index.cjs',
    exports: { '.': { import: './index.js', require: './index.cjs' }, './package.json': './package.json' },
  });
  return { path: `${PACKAGE}/package.json`, bytes: Buffer.from(`${text}\n`) };
}
