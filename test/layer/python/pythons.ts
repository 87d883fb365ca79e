/** The Pythons of this machine, of every version that Lambda has a managed runtime of; and AWS's client for each. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { TestContext } from 'node:test';
import { pythonOf as pythonAt } from '../../../layer/pythons.ts';
import { missing } from '../../peers.ts';
import type { Client } from '../../sandbox/clients.ts';

/** Python 3.14 is rarely installed: where it is, this variable names it. */
export const PYTHON_3_14 = 'PYTHON_3_14';
export const VERSIONS = ['3.10', '3.11', '3.12', '3.13', '3.14'] as const;
export type PythonVersion = (typeof VERSIONS)[number];

const INSTALL_MS = 180_000;

/** What a test needs where this is absent. */
export function needs(version: PythonVersion): string {
  return version === '3.14' ? `${PYTHON_3_14}=/path/to/python3.14` : `python${version}`;
}

/** The program of this version, if it runs. */
export function pythonOf(version: PythonVersion): string | undefined {
  return pythonAt(version, version === '3.14' ? process.env[PYTHON_3_14] : undefined);
}

/** Says that a version is not run. Where none is there, it is a peer that is missing: no registry has all of them. */
export function absent(t: TestContext, version: PythonVersion, beside = ''): false {
  const what = needs(version) + beside;
  if (VERSIONS.every((one) => pythonOf(one) === undefined)) return missing(t, what);
  t.skip(`not run: needs ${what}`);
  return false;
}

/** The folder of awslambdaric for this version: installed once, beside other caches. */
export function ricOf(version: PythonVersion): string | undefined {
  const program = pythonOf(version);
  if (program === undefined) return undefined;
  const wanted = /^awslambdaric==.+$/mu.exec(readFileSync('test/peers/requirements.txt', 'utf8'))?.[0] ?? '';
  const folder = resolve(`node_modules/.cache/amber-python-${version}-${wanted}`);
  if (existsSync(join(folder, 'awslambdaric'))) return folder;
  const made = `${folder}-${process.pid}`;
  mkdirSync(made, { recursive: true });
  const args = ['-m', 'pip', 'install', '--quiet', '--no-compile', '--root-user-action=ignore', '--target', made];
  const { status, stderr } = spawnSync(program, [...args, wanted], { encoding: 'utf8', timeout: INSTALL_MS });
  if (status !== 0) {
    process.stderr.write(`${wanted} for Python ${version} is not there:\n${stderr}`.slice(-2000));
    rmSync(made, { recursive: true });
    return undefined;
  }
  try {
    renameSync(made, folder);
  } catch {
    // Another test file was faster.
    rmSync(made, { recursive: true });
  }
  return folder;
}

/** AWS's client for Python, as a process of its own. The handler comes from `_HANDLER`, as in the managed runtimes. */
export function pythonClient(version: PythonVersion): { client: Client; ric: string } | undefined {
  const program = pythonOf(version);
  const ric = ricOf(version);
  if (program === undefined || ric === undefined) return undefined;
  const start = 'import os,sys;from awslambdaric.__main__ import main;main([sys.argv[0],os.environ["_HANDLER"]])';
  const client: Client = {
    name: `awslambdaric on Python ${version}`,
    generation: 'v4',
    real: true,
    node: program,
    executionEnv: `AWS_Lambda_python${version}`,
    args: () => ['-B', '-c', start],
  };
  return { client, ric };
}
