/**
 * `npm run build`: the npm package into dist/. The library is bundled, because loading thirty small modules would cost
 * an idle function more than reading one file. Dependencies stay imports. The `amber` command is one file with
 * everything in it.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildCommand } from './command.ts';
import { buildLibrary } from './library.ts';

mkdirSync('dist', { recursive: true });
// The layers beside it are built by another command.
for (const name of readdirSync('dist')) {
  if (name !== 'layer') rmSync(join('dist', name), { recursive: true, force: true });
}

await buildLibrary('dist');

mkdirSync('dist/cli', { recursive: true });
await buildCommand('dist/cli');

/** `--js`: the demo and most tests need no type declarations, and those take most of the time. */
const types = process.argv.includes('--js')
  ? { status: 0 }
  : spawnSync(
      process.execPath,
      ['node_modules/rollup/dist/bin/rollup', '--silent', '--config', 'layer/declarations.config.mjs'],
      { stdio: 'inherit' },
    );
process.exitCode = types.status ?? 1;
