/** The package as its users get it: the examples import it by name, and the demo runs the built command. */
import { spawnSync } from 'node:child_process';
import { globSync, statSync } from 'node:fs';

/** What a build writes last. */
const LAST = 'dist/cli/amber.js';
const SOURCES = ['src/**/*.ts', 'layer/**/*.ts', 'package-lock.json'];

function changedMs(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/**
 * Builds dist/ where it is missing or older than its sources. `npm test` calls it before the first file of tests, so
 * that files that run at the same time find it fresh: a build takes away what another one is about to start.
 */
export function buildPackage(): void {
  const built = changedMs(LAST);
  if (globSync(SOURCES).every((path) => changedMs(path) < built)) return;
  const { status } = spawnSync(process.execPath, ['layer/build-package.ts', '--js'], { stdio: 'inherit' });
  if (status !== 0) throw new Error('the package could not be built');
}
