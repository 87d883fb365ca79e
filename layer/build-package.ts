/**
 * `npm run build`: the npm package into dist/. The library is bundled, because loading thirty small modules would cost an
 * idle function more than reading one file. Dependencies stay imports. The `amber` command is one file with everything in it.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, rmSync } from 'node:fs';
import { build } from 'esbuild';
import { buildLibrary } from './library.ts';

rmSync('dist', { recursive: true, force: true });

await buildLibrary('dist');

if (existsSync('src/cli/amber.ts')) {
  await build({
    entryPoints: { amber: 'src/cli/amber.ts' },
    outdir: 'dist/cli',
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node22.15',
    minifySyntax: true,
    minifyWhitespace: true,
    // The SDK's CommonJS parts call require(), which an ES module does not have.
    banner: { js: "import { createRequire as amberRequire } from 'node:module'; const require = amberRequire(import.meta.url);" },
  });
  chmodSync('dist/cli/amber.js', 0o755);
}

/** `--js`: the demo and the tests need no type declarations, and those take most of the time. */
const types = process.argv.includes('--js') ? { status: 0 } : spawnSync(process.execPath, [
  'node_modules/typescript/bin/tsc', '--noEmit', 'false', '--emitDeclarationOnly', '--outDir', 'dist', '--rootDir', 'src',
  '--rewriteRelativeImportExtensions', '-p', 'layer/tsconfig.package.json',
], { stdio: 'inherit' });
process.exitCode = types.status ?? 1;
