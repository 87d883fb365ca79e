/** The parts of the layers that are the extension: its launcher and program, and for `any` a Node of its own. */
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { AmberError } from '../../src/errors.ts';
import type { LayerFile, LayerPart } from '../contracts.ts';
import { buildExtension } from './program.ts';
import { stripElf } from './strip-elf.ts';

/** Node of the managed runtimes of Node.js (AWS, "Modifying the runtime environment": /var/lang). */
const RUNTIME_NODE = '/var/lang/bin/node';

/** Run by the runtime's own Node. */
export const nodeExtension: LayerPart = {
  name: 'extension',
  what: 'external extension, run by the Node of the runtime',
  files: async () => [launcher(RUNTIME_NODE, 128), ...(await program())],
};

/** Brings its Node: for runtimes that have none. */
export function anyExtension(architecture: 'x64' | 'arm64'): LayerPart {
  return {
    name: `extension with Node for ${architecture}`,
    what: 'external extension with a Node of its own',
    files: async () => {
      const node = nodePackage(architecture);
      return [
        launcher('$home/node', 256), ...(await program()),
        { path: 'amber/node', bytes: stripElf(readFileSync(join(node, 'bin/node'))), executable: true },
        { path: 'amber/node.LICENSE', bytes: readFileSync(join(node, 'LICENSE')) },
      ];
    },
  };
}

/** @param leastMb - below it a second Node beside the function takes more than it is worth */
export function launcher(node: string, leastMb: number): LayerFile {
  const text = readFileSync(join(import.meta.dirname, 'launcher.sh'), 'utf8').replace('@NODE@', node).replace('@LEAST_MB@', String(leastMb));
  return { path: 'extensions/amber', bytes: Buffer.from(text), executable: true };
}

export async function program(): Promise<readonly LayerFile[]> {
  const folder = mkdtempSync(join(tmpdir(), 'amber-extension-'));
  try {
    await buildExtension(folder);
    return globSync('**/*.*', { cwd: folder }).sort().map((name) => ({ path: `amber/${name}`, bytes: readFileSync(join(folder, name)) }));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The folder of the npm package that holds Node for an architecture, in the version of ours; fetched by npm once. */
function nodePackage(architecture: 'x64' | 'arm64'): string {
  const { version } = JSON.parse(readFileSync('node_modules/node/package.json', 'utf8')) as { version: string };
  const folder = resolve(`node_modules/.cache/node-${version}-${architecture}`);
  const unpacked = join(folder, 'package');
  if (existsSync(join(unpacked, 'LICENSE')) && existsSync(join(unpacked, 'bin/node'))) return unpacked;
  mkdirSync(folder, { recursive: true });
  for (const [command, ...args] of [
    ['npm', 'pack', '--silent', `node-linux-${architecture}@${version}`],
    ['tar', '-xzf', `node-linux-${architecture}-${version}.tgz`, 'package/bin/node', 'package/LICENSE'],
  ] as const) {
    const { status, stderr } = spawnSync(command, args, { cwd: folder, encoding: 'utf8' });
    if (status !== 0) throw new AmberError('BUG', `${command} ${args.join(' ')} failed: ${stderr}`);
  }
  rmSync(join(folder, `node-linux-${architecture}-${version}.tgz`));
  return unpacked;
}
