/** /var/task of a function that has Amber from npm: the published library, and the packages that it imports. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { buildLibrary } from '../../layer/library.ts';

/** What `capture.js` imports, where no S3 is needed. */
const PACKAGES = ['uuid', '@scure/base', 'aws4', 'systeminformation'];

let built: Promise<string> | undefined;

/** Builds the library once in a process, in a folder that goes with it. */
function library(): Promise<string> {
  return (built ??= (async () => {
    const folder = mkdtempSync(join(tmpdir(), 'amber-library-'));
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
    await buildLibrary(join(folder, 'dist'));
    writeFileSync(
      join(folder, 'package.json'),
      JSON.stringify({ name: 'lambda-amber', type: 'module', exports: { '.': './dist/index.js' } }),
    );
    return folder;
  })());
}

/** The SDK, as the managed runtime brings it: from outside of the function's folder, which is {@link SDK_HOME}. */
export const SDK_HOME: string = resolve('node_modules');

/** Makes the folder: `index.mjs` is the function. */
export async function makeTask(folder: string, script: string): Promise<void> {
  const modules = join(folder, 'node_modules');
  mkdirSync(modules, { recursive: true });
  cpSync(await library(), join(modules, 'lambda-amber'), { recursive: true });
  symlinkSync(join(SDK_HOME, '@aws-sdk'), join(modules, '@aws-sdk'));
  for (const name of PACKAGES) cpSync(resolve('node_modules', name), join(modules, name), { recursive: true });
  writeFileSync(join(folder, 'index.mjs'), script);
}
