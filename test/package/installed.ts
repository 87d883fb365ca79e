/**
 * The package as npm gives it to a user: packed from what git tracks, and installed into a project that holds nothing
 * else.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

export interface Installed {
  /** Folder of everything here; the caller removes it. */
  readonly home: string;
  readonly tarball: string;
  /** The project. */
  readonly project: string;
}

/** Where bundlers, Jest and older TypeScript lie. */
export const PEERS: string = resolve('test/package/peers/node_modules');
const NODE_24 = dirname(resolve('node_modules/.bin/node'));

/**
 * A copy of the tracked files in their present state, packed by npm, which builds it first. Away from the checkout:
 * nothing is found in its folders.
 */
export function pack(): { readonly home: string; readonly tarball: string } {
  const home = mkdtempSync(join(tmpdir(), 'amber-package-'));
  const clone = join(home, 'clone');
  const tracked = execFileSync('git', ['ls-files', '-z', '-co', '--exclude-standard'], { encoding: 'utf8' }).split(
    '\0',
  );
  for (const name of tracked.filter((one) => one !== '' && existsSync(one))) cpSync(name, join(clone, name));
  // Links where the folder lies on the same disk: 400 MB are else copied.
  const own = join(clone, 'node_modules');
  if (spawnSync('cp', ['-al', 'node_modules', own]).status !== 0) execFileSync('cp', ['-a', 'node_modules/.', own]);
  const { status, stderr } = npm(['pack', '--silent', '--pack-destination', home], clone);
  const [tarball] = globSync('*.tgz', { cwd: home });
  if (status !== 0 || tarball === undefined) throw new Error(`npm pack failed: ${stderr}`);
  return { home, tarball: join(home, tarball) };
}

/** Installed with its dependencies by npm; undefined where the registry cannot be asked. */
export function install(): Installed | undefined {
  const packed = pack();
  const project = join(packed.home, 'project');
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{"private":true}\n');
  const { status } = npm(['install', '--silent', '--ignore-scripts', '--prefer-offline', packed.tarball], project);
  if (status === 0) return { ...packed, project };
  rmSync(packed.home, { recursive: true });
  return undefined;
}

/** With the Node of the tests before that of the machine. */
function npm(args: readonly string[], cwd: string): { status: number | null; stderr: string } {
  return spawnSync('npm', args, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, PATH: `${NODE_24}:${process.env['PATH'] ?? ''}` },
  });
}

/** Bytes of what npm has put into the project. */
export function packagesOf({ project }: Installed): readonly string[] {
  return readdirSync(join(project, 'node_modules'))
    .filter((name) => !name.startsWith('.'))
    .sort();
}
