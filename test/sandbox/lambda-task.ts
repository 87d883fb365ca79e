/** /var/task of a function that has Amber from npm: the published library, and the packages that it imports. */
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { madeLibrary } from '../bench/bundle.ts';

/** What `capture.js` imports, where no S3 is needed. */
const PACKAGES = ['uuid', '@scure/base', 'aws4', 'systeminformation'];

/** The SDK, as the managed runtime brings it: from outside of the function's folder, which is {@link SDK_HOME}. */
export const SDK_HOME: string = resolve('node_modules');

/** Makes the folder: `index.mjs` is the function. */
export async function makeTask(folder: string, script: string): Promise<void> {
  const modules = join(folder, 'node_modules');
  mkdirSync(modules, { recursive: true });
  const own = join(modules, 'lambda-amber');
  cpSync((await madeLibrary()).folder, join(own, 'dist'), { recursive: true });
  writeFileSync(
    join(own, 'package.json'),
    JSON.stringify({ name: 'lambda-amber', type: 'module', exports: { '.': './dist/index.js' } }),
  );
  symlinkSync(join(SDK_HOME, '@aws-sdk'), join(modules, '@aws-sdk'));
  for (const name of PACKAGES) cpSync(resolve('node_modules', name), join(modules, name), { recursive: true });
  writeFileSync(join(folder, 'index.mjs'), script);
}
