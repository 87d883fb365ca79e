/** What /var/runtime holds: the runtime clients of test/sandbox, where Lambda has its own. */
import { chmodSync, cpSync, existsSync, globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ensureClients, ric3, ric4, standIn, type Client } from '../../sandbox/clients.ts';
import type { Runtime } from './case.ts';

const CLIENTS = resolve('test/sandbox/clients/node_modules');

/** A runtime in /var/runtime, and the program in /var/lang/bin that runs it. */
export interface Installed {
  /** In words, for the output. */
  readonly name: string;
  readonly client: Client;
  /** The program as it stands on this machine, where it is not node. */
  readonly program?: { readonly name: string; readonly path: string };
  /** Seen as /var/runtime. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
}

const made = new Map<string, Installed>();

/** The runtime of victims: nodejs24.x (nodejs22.x with `generation` v3), or Python. Installed once in this process. */
export function runtimeFor(runtime: Runtime, generation: 'v3' | 'v4' = 'v4'): Installed {
  const key = `${runtime}-${generation}`;
  const known = made.get(key);
  if (known !== undefined) return known;
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'amber-runtime-'));
  chmodSync(folder, 0o755);
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const installed = runtime === 'python' ? python(folder) : node(folder, generation);
  made.set(key, installed);
  return installed;
}

function node(folder: string, generation: 'v3' | 'v4'): Installed {
  if (!ensureClients()) {
    cpSync(resolve('test/sandbox/js-client.mjs'), join(folder, 'index.mjs'));
    return { name: standIn.name, client: { ...standIn, args: () => ['/var/runtime/index.mjs'] }, folder, env: {} };
  }
  cpSync(join(CLIENTS, '@aws/lambda-invoke-store'), join(folder, 'node_modules/@aws/lambda-invoke-store'), {
    recursive: true,
  });
  if (generation === 'v3') {
    for (const part of ['bin', 'dist', 'package.json'])
      cpSync(join(CLIENTS, 'ric3', part), join(folder, part), { recursive: true });
    const args = (handler: string): readonly string[] => [
      ...ric3.args(handler).slice(0, 2),
      '/var/runtime/bin/index.mjs',
      handler,
    ];
    return { name: ric3.name, client: { ...ric3, args }, folder, env: {} };
  }
  for (const part of ['index.mjs', 'rapid-client.node', 'package.json'])
    cpSync(join(CLIENTS, 'ric4', part), join(folder, part));
  return { name: ric4.name, client: { ...ric4, args: () => ['/var/runtime/index.mjs'] }, folder, env: {} };
}

/** awslambdaric from the tests' virtual environment if it is there, else a small client of ours. */
function python(folder: string): Installed {
  const path = pythonPath();
  const name = path.split('/').at(-1) ?? 'python3';
  const [ric] = globSync('test/peers/venv/lib/python3*/site-packages/awslambdaric');
  const client: Client = {
    name: '',
    generation: 'v4',
    real: ric !== undefined,
    node: '',
    executionEnv: `AWS_Lambda_${name.replace(/^python/u, 'python')}`,
    args: (handler) => ['/var/runtime/bootstrap.py', handler],
  };
  const env = { PYTHONDONTWRITEBYTECODE: '1', PYTHONPATH: '/var/runtime' };
  mkdirSync(folder, { recursive: true });
  if (ric === undefined) {
    cpSync(resolve('test/adversary/detection/bootstrap.py'), join(folder, 'bootstrap.py'));
    return { name: `stand-in client on ${name}`, client, program: { name, path }, folder, env };
  }
  for (const part of globSync(`${resolve(ric, '..')}/{awslambdaric,snapshot_restore_py,simplejson,runtime_client*}`)) {
    cpSync(part, join(folder, part.split('/').at(-1) ?? ''), { recursive: true });
  }
  writeFileSync(
    join(folder, 'bootstrap.py'),
    'import os\nimport sys\n\nsys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])\nfrom awslambdaric.__main__ import main\n\nif __name__ == "__main__":\n    main(sys.argv)\n',
  );
  return { name: `awslambdaric on ${name}`, client, program: { name, path }, folder, env };
}

function pythonPath(): string {
  const [path] = globSync('/usr/bin/python3.[0-9]*')
    .filter((one) => /python3\.\d+$/u.test(one))
    .sort();
  if (path === undefined) throw new Error('needs python3 in /usr/bin');
  return path;
}
