/** The manifests of test/adversary/attacks and test/adversary/benign, and what this machine lacks for them. */
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { hasPeer } from '../../peers.ts';
import type { Attack, Benign } from './case.ts';

export interface Found<T> {
  readonly name: string;
  /** Folder of the manifest. */
  readonly folder: string;
  readonly scenario: T;
}

export async function attacks(): Promise<Found<Attack>[]> {
  return load<Attack>('attacks', 'attack');
}

export async function benign(): Promise<Found<Benign>[]> {
  return load<Benign>('benign', 'benign');
}

async function load<T>(suite: string, name: 'attack' | 'benign'): Promise<Found<T>[]> {
  const found: Found<T>[] = [];
  for (const path of globSync(`test/adversary/${suite}/*/manifest.ts`).sort()) {
    const module = (await import(pathToFileURL(resolve(path)).href)) as Record<string, T | undefined>;
    const scenario = module[name];
    if (scenario === undefined) throw new Error(`${path} exports no ${name}`);
    found.push({ name: basename(dirname(path)), folder: dirname(path), scenario });
  }
  return found;
}

/** What a sandbox with a network of its own needs, where it is missing, in words. */
export function lackingForSandbox(): string | undefined {
  if (process.getuid?.() !== 0) return 'root';
  const programs = ['unshare', 'nsenter', 'setpriv', 'mount', 'bash', 'ip', 'python3'].filter(
    (program) => !hasPeer(program),
  );
  if (programs.length > 0) return programs.join(', ');
  const works =
    spawnSync('unshare', ['--mount', '--pid', '--fork', '--uts', '--ipc', '--net', 'ip', 'link', 'set', 'lo', 'up'])
      .status === 0;
  return works ? undefined : 'namespaces of processes, mounts and networks';
}

const BENIGN = 'test/adversary/benign';
const INSTALL_MS = 600_000;

/** Packages of a workload that are not installed. */
export function lackingPackages({ packages }: Benign): readonly string[] {
  return packages.filter((name) => !existsSync(join(BENIGN, 'node_modules', name, 'package.json')));
}

/** Installs the packages of the benign suite from its lock file, unless they are there. What went wrong, in words. */
export function installPackages(): string | undefined {
  const { dependencies } = JSON.parse(readFileSync(join(BENIGN, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const isThere = ([name, version]: [string, string]): boolean => {
    const path = join(BENIGN, 'node_modules', name, 'package.json');
    return existsSync(path) && (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version === version;
  };
  if (Object.entries(dependencies).every(isThere)) return undefined;
  process.stderr.write('installing the packages of the benign workloads, 340 MB, once\n');
  // None of them needs its install script: the programs are in the packages.
  const { status, stderr } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: BENIGN,
    encoding: 'utf8',
    timeout: INSTALL_MS,
  });
  return status === 0 ? undefined : `npm ci in ${BENIGN} failed: ${stderr.slice(-1000)}`;
}
