/**
 * A victim in a sandbox like Lambda's (test/sandbox/lambda-root.ts): own processes, own network of one device, frozen
 * between invocations, and the Runtime API behind 127.0.0.1:9001. Needs root.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { rootCommand, type Place } from '../../sandbox/lambda-root.ts';
import { makeTask } from '../../sandbox/lambda-task.ts';
import { startSandbox, type Result, type Sandbox } from '../../sandbox/sandbox.ts';
import type { Attack, Benign, Runtime, Scenario } from './case.ts';
import { EXTENSION, extensionLayer, hostExtension } from './extension.ts';
import { makeFreezer } from './freezer.ts';
import { makeQuota } from './quota.ts';
import { networkSetup, RUNTIME_API, type Arrival } from './network.ts';
import { runtimeFor } from './runtimes.ts';

export interface StageOptions {
  /** Folder of the manifest. */
  readonly folder: string;
  readonly scenario: Scenario;
  readonly runtime: Runtime;
  readonly generation?: 'v3' | 'v4';
  /** The handler is wrapped with `withCapture`. */
  readonly wrapped: boolean;
  /** Amber's extension stands beside it. */
  readonly extended: boolean;
}

export interface Stage {
  readonly sandbox: Sandbox;
  /** One invocation, from thaw to freeze. */
  readonly invoke: (event: unknown) => Promise<Result>;
  /** The end of the sandbox, where an extension hears of it. Nothing is to be asked of it afterwards. */
  readonly shutdown: () => Promise<void>;
  readonly thaw: () => void;
  /** What arrived outside of the sandbox. */
  readonly arrivals: readonly Arrival[];
  /** The folder that the function sees as /mnt/evidence. */
  readonly evidence: string;
  readonly close: () => Promise<void>;
}

/**
 * How long a sandbox sleeps between two invocations: the extension looks once a second. And how long it may take to be
 * asleep.
 */
const FROZEN_MS = 150;
const FROZEN_EXTENDED_MS = 1050;
const IDLE_MS = 4000;

export async function openStage(options: StageOptions): Promise<Stage> {
  const { scenario, runtime, generation } = options;
  const installed = runtimeFor(runtime, generation);
  const home = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'amber-stage-'));
  chmodSync(home, 0o755);
  const [root, task, evidence] = ['root', 'task', 'evidence'].map((name) => join(home, name)) as [
    string,
    string,
    string,
  ];
  for (const path of [root, task, evidence]) mkdirSync(path);
  chmodSync(evidence, 0o777);
  await furnish(task, options);
  const host = options.extended ? hostExtension(join(home, 'inward.sock')) : undefined;
  const layers = options.extended ? [await extensionLayer()] : [];
  const group = `amber-${process.pid}-${home.slice(-6)}`;
  const freezer = makeFreezer(group);
  const quota = scenario.cpuShare === undefined ? undefined : makeQuota(group, scenario.cpuShare);
  const ready = join(home, 'network-is-ready');
  const place: Place = {
    root,
    task,
    evidence,
    node: installed.client.node || process.execPath,
    procs: [...(freezer?.procs ?? []), ...(quota?.procs ?? [])],
    program: installed.program,
    binds: [{ from: installed.folder, to: '/var/runtime' }, ...makeOpt(join(home, 'opt'), options, layers)],
    visible: ['/usr/bin', '/bin'],
    setup: [...networkSetup(), `for turn in {1..600}; do [ -e ${ready} ] && break; sleep 0.05; done`],
    wrapper: scenario.env?.['AWS_LAMBDA_EXEC_WRAPPER'],
    beside: [...(scenario.beside ?? []), ...(options.extended ? EXTENSION : [])],
  };
  const command = (handler: string): readonly string[] => rootCommand(place, installed.client.args(handler));
  const sandbox = await startSandbox({
    client: { ...installed.client, node: command('')[0] ?? '', args: (handler) => command(handler).slice(1) },
    handler: scenario.entry ?? (runtime === 'node' ? 'index.handler' : 'handler.handler'),
    taskRoot: task,
    timeoutMs: scenario.timeoutMs ?? 10_000,
    memoryMb: scenario.memoryMb ?? 1024,
    ...(host === undefined ? {} : { neighbour: host.neighbour, onInvoke: host.onInvoke }),
    env: {
      AWS_LAMBDA_RUNTIME_API: RUNTIME_API,
      LAMBDA_TASK_ROOT: '/var/task',
      PATH: '/var/lang/bin:/usr/local/bin:/usr/bin:/bin:/opt/bin',
      AMBER_DESTINATION: 'file:///mnt/evidence',
      ...('level' in scenario ? { AMBER_DETECT: (scenario as Attack).level } : {}),
      ...installed.env,
      ...scenario.env,
    },
  });
  const arrivals: Arrival[] = [];
  const pipe = await pipeTo(join(home, 'api.sock'), sandbox.api.address);
  const network = await startNetwork(sandbox.pid, home, arrivals);
  writeFileSync(ready, '');
  let polls = 1;
  return {
    sandbox,
    arrivals,
    evidence,
    thaw: () => freezer?.thaw(),
    invoke: async (event) => {
      freezer?.thaw();
      const result = await sandbox.invoke(event);
      if (result.kind === 'exit' || result.kind === 'timeout') return result;
      polls += 1;
      // Frozen once the runtime and the extension have asked for the next invocation, as the platform does.
      await Promise.race([sandbox.api.polled(polls), sleep(IDLE_MS, undefined, { ref: false })]);
      await host?.idle();
      await freezer?.freeze();
      await sleep(host === undefined ? FROZEN_MS : FROZEN_EXTENDED_MS);
      return result;
    },
    shutdown: async () => {
      freezer?.thaw();
      const before = manifests(evidence);
      await host?.shutdown(() => manifests(evidence) > before);
    },
    close: async () => {
      freezer?.thaw();
      await sandbox.stop();
      network.kill('SIGKILL');
      pipe.close();
      await freezer?.remove();
      await quota?.remove();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

function manifests(evidence: string): number {
  return globSync(`${evidence}/**/manifest.json`).length;
}

async function furnish(task: string, { folder, runtime, wrapped, scenario }: StageOptions): Promise<void> {
  const script = wrapped
    ? "import { withCapture } from 'lambda-amber';\nimport { handler as work } from './handler.mjs';\nexport const handler = withCapture(work);\n"
    : "export { handler } from './handler.mjs';\n";
  if (runtime === 'node') {
    await makeTask(task, script);
    rmSync(join(task, 'node_modules/@aws-sdk')); // a link to this machine's SDK, which is not seen here
  }
  for (const name of readdirSync(folder)) {
    if (/\.(?:m?js|cjs|py|json)$/u.test(name)) cpSync(join(folder, name), join(task, name));
  }
  for (const path of scenario.files ?? []) cpSync(resolve(folder, path), join(task, basename(path)));
  for (const name of packagesOf(scenario)) linkPackage(task, name);
  const packages = join(folder, 'packages', runtime);
  if (existsSync(packages))
    cpSync(packages, runtime === 'node' ? join(task, 'node_modules') : task, { recursive: true });
}

/** Packages of test/adversary/benign stand where layers put them, and are found through the function's own folder. */
const BENIGN_PACKAGES = 'test/adversary/benign/node_modules';
const LAYER_PACKAGES = '/opt/nodejs/node_modules';

function packagesOf(scenario: Scenario): readonly string[] {
  return 'packages' in scenario ? (scenario as Benign).packages : [];
}

function linkPackage(task: string, name: string): void {
  const link = join(task, 'node_modules', name);
  mkdirSync(dirname(link), { recursive: true });
  symlinkSync(join(LAYER_PACKAGES, name), link);
}

/** /opt as the platform makes it: the layers' files over one another. */
function makeOpt(
  opt: string,
  { folder, scenario }: StageOptions,
  layers: readonly string[],
): NonNullable<Place['binds']> {
  mkdirSync(opt);
  const own = scenario.opt === undefined ? [] : [resolve(folder, scenario.opt)];
  for (const layer of [...own, ...layers]) cpSync(layer, opt, { recursive: true });
  for (const [name, program] of Object.entries(scenario.programs ?? {})) {
    mkdirSync(join(opt, 'bin'), { recursive: true });
    cpSync(program, join(opt, 'bin', name), { dereference: true });
  }
  const binds = [{ from: opt, to: '/opt' }];
  if (packagesOf(scenario).length === 0) return binds;
  mkdirSync(join(opt, 'nodejs/node_modules'), { recursive: true });
  return [...binds, { from: resolve(BENIGN_PACKAGES), to: LAYER_PACKAGES }];
}

/** A socket in the file system, which reaches the Runtime API from another network namespace. */
async function pipeTo(path: string, address: string): Promise<Server> {
  const [host, port] = address.split(':');
  const server = createServer((socket) => {
    const api = connect(Number(port), host).on('error', () => socket.destroy());
    socket
      .on('error', () => api.destroy())
      .on('close', () => api.destroy())
      .pipe(api)
      .pipe(socket);
  });
  await new Promise<void>((done) => server.listen(path, done));
  return server;
}

async function startNetwork(pid: number, home: string, arrivals: Arrival[]): Promise<ChildProcess> {
  const namespace = `/proc/${pid}/ns/net`;
  const ours = readlinkSync('/proc/self/ns/net');
  for (let turn = 0; turn < 200 && readlinkSync(namespace) === ours; turn += 1) await sleep(10);
  const child = spawn(
    'nsenter',
    [
      `--net=${namespace}`,
      process.execPath,
      '--disable-warning=ExperimentalWarning',
      resolve('test/adversary/detection/network.ts'),
      join(home, 'api.sock'),
      join(home, 'inward.sock'),
    ],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let rest = '';
  await new Promise<void>((done, failed) => {
    child.once('exit', (code) => failed(new Error(`the network of the sandbox ended with ${code}`)));
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const one = JSON.parse(line) as Arrival | { readonly at: 'ready' };
        if (one.at === 'ready') done();
        else arrivals.push(one);
      }
    });
  });
  return child;
}
