/**
 * Where the processes of a sandbox run. As root: a PID, mount and IPC namespace of its own that outlives every reset,
 * with a tmpfs on /tmp, folders of this machine on /opt, /var/task and /mnt/evidence, and uid 993, gid 990 without
 * capabilities. Elsewhere: plain processes, and a folder that stands for /tmp.
 *
 * Source of uid and gid, and of one process group for each process: RIE
 * internal/lambda-managed-instances/supervisor/local/ process.go, internal/lambda/supervisor/local_supervisor.go
 * (Setpgid, kill of the group).
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasPeer } from '../peers.ts';
import type { Exit } from './sandbox.ts';
import { innerPidOf, letGo, onlyChild, pidNamespace, pids, send } from './pids.ts';

export interface GroundOptions {
  /** Seen as /opt. */
  readonly opt?: string | undefined;
  /** Seen as /var/task. */
  readonly task?: string | undefined;
  /** Files of this machine by the path below /var under which they are seen; with `task` alone. */
  readonly files?: Readonly<Record<string, string>> | undefined;
  /** Further folders, read-only, by the name below /mnt under which the sandbox sees them; in namespaces only. */
  readonly mounts?: Readonly<Record<string, string>> | undefined;
  /** Size of /tmp. */
  readonly tmpMb?: number | undefined;
  /** False: plain processes, even as root. */
  readonly namespace?: boolean | undefined;
  /** Files of control groups that every process joins. */
  readonly procs?: readonly string[] | undefined;
}

/** A process of the sandbox, the head of a process group. */
export interface SandboxProcess {
  /** As this machine sees it. */
  readonly pid: number;
  /** As the sandbox sees it. */
  readonly innerPid: number;
  readonly exited: Promise<Exit>;
  readonly hasExited: () => boolean;
  /** Signals the group. */
  readonly signal: (name: NodeJS.Signals) => void;
  readonly stdout: () => string;
  readonly stderr: () => string;
}

export interface LaunchOptions {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** As root: for a program that drops privileges itself. */
  readonly root?: boolean;
  /** Gets every piece of stdout and stderr, as the log does. */
  readonly onOutput?: (text: string) => void;
}

export interface Ground {
  /** True: pids, mounts and the uid are the sandbox's own. */
  readonly isolated: boolean;
  /** /tmp of the sandbox as this machine sees it, and as the sandbox does. */
  readonly tmp: string;
  readonly innerTmp: string;
  /** A folder that the sandbox sees as `innerEvidence`. */
  readonly evidence: string;
  readonly innerEvidence: string;
  readonly launch: (options: LaunchOptions) => Promise<SandboxProcess>;
  /** All processes, children that left their group included. */
  readonly freeze: () => void;
  readonly thaw: () => void;
  readonly close: () => void;
}

const [UID, GID] = [993, 990];
const NEEDED = ['unshare', 'nsenter', 'setpriv', 'setsid', 'mount', 'bash'] as const;

/** Not with a checkout below /tmp, which the /tmp of the sandbox hides from it. */
export function canIsolate(): boolean {
  return process.getuid?.() === 0 && !process.cwd().startsWith('/tmp/') && NEEDED.every(hasPeer);
}

export async function makeGround(options: GroundOptions): Promise<Ground> {
  const home = mkdtempSync(join(tmpdir(), 'amber-ground-'));
  const evidence = join(home, 'evidence');
  mkdirSync(evidence);
  chmodSync(home, 0o755);
  chmodSync(evidence, 0o777);
  return options.namespace !== false && canIsolate()
    ? isolatedGround(home, evidence, options)
    : plainGround(home, evidence);
}

async function isolatedGround(home: string, evidence: string, options: GroundOptions): Promise<Ground> {
  const holder = spawn(
    'unshare',
    ['--mount', '--pid', '--ipc', '--fork', '--kill-child=SIGKILL', 'bash', '-c', holderScript(evidence, options)],
    { stdio: ['pipe', 'pipe', 'ignore'] },
  );
  await new Promise<void>((resolve, reject) => {
    holder.stdout.once('data', () => resolve());
    holder.once('exit', (code) => reject(new Error(`the namespace could not be made: ${code}`)));
  });
  const init = onlyChild(holder.pid ?? 0) ?? 0;
  const namespace = readlinkSync(`/proc/${init}/ns/pid`);
  const members = (): number[] => pids().filter((pid) => pid !== init && pidNamespace(pid) === namespace);
  const wrappers: ChildProcess[] = [];
  let frozen = false;
  // nsenter stops itself when its child is stopped, and continues the child when it is continued: so never while
  // frozen.
  const wake = setInterval(() => {
    if (!frozen) wrappers.forEach((one) => one.exitCode === null && one.signalCode === null && one.kill('SIGCONT'));
  }, 5).unref();
  const join993 = (options.procs ?? []).map((file) => `echo 0 > '${file}'; `).join('');
  return {
    isolated: true,
    tmp: `/proc/${init}/root/tmp`,
    innerTmp: '/tmp',
    evidence,
    innerEvidence: '/mnt/evidence',
    launch: async ({ command, env, cwd, root, onOutput }) => {
      const drop =
        root === true
          ? []
          : ['setpriv', `--reuid=${UID}`, `--regid=${GID}`, '--clear-groups', '--bounding-set=-all', '--no-new-privs'];
      // env -i at the end: what finds the programs here is not the environment of the sandbox.
      const inner = [
        'setsid',
        ...drop,
        'env',
        '-i',
        `--chdir=${cwd}`,
        ...Object.entries(env).map(([key, value]) => `${key}=${value}`),
        ...command,
      ];
      const script = `${join993}exec nsenter --target=${init} --mount --pid --ipc -- "$@"`;
      const child = spawn('bash', ['-c', script, 'bash', ...inner], { stdio: ['ignore', 'pipe', 'pipe'] });
      wrappers.push(child);
      return launched(child, onOutput, true);
    },
    freeze: () => {
      frozen = true;
      members().forEach((pid) => send(pid, 'SIGSTOP'));
    },
    thaw: () => {
      frozen = false;
      members().forEach((pid) => send(pid, 'SIGCONT'));
    },
    close: () => {
      clearInterval(wake);
      send(init, 'SIGKILL');
      [holder, ...wrappers].forEach(letGo);
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** The first process of the namespace: it adopts orphans and reaps them, as the platform's init does. */
function holderScript(evidence: string, { opt, task, files, tmpMb, mounts }: GroundOptions): string {
  const bind = (from: string, to: string): string =>
    `mkdir -p ${to}; mount --bind '${from}' ${to}; mount -o remount,bind,ro ${to}`;
  return [
    'set -eu',
    'mount --make-rprivate /',
    'mount -t tmpfs -o size=1m,mode=755 mnt /mnt',
    `mkdir /mnt/evidence; mount --bind '${evidence}' /mnt/evidence`,
    ...Object.entries(mounts ?? {}).map(([name, from]) => bind(from, `/mnt/${name}`)),
    ...(opt === undefined ? [] : [bind(opt, '/opt')]),
    // Last the mounts that hide where the sources of others lie.
    ...(task === undefined
      ? []
      : [
          `mkdir /mnt/task; mount --bind '${task}' /mnt/task; mount -t tmpfs -o size=1m,mode=755 var /var; mkdir -p /var/task; mount --bind /mnt/task /var/task; mount -o remount,bind,ro /var/task; umount /mnt/task; rmdir /mnt/task`,
        ]),
    ...Object.entries(task === undefined ? {} : (files ?? {})).map(
      ([path, from]) => `mkdir -p $(dirname ${path}); touch ${path}; mount --bind '${from}' ${path}`,
    ),
    `mount -t tmpfs -o size=${tmpMb ?? 512}m,nr_inodes=0,mode=700,uid=${UID},gid=${GID} tmp /tmp`,
    'mount -t tmpfs -o size=64m,mode=1777 shm /dev/shm',
    'mount -t proc proc /proc',
    'echo ready',
    // A read that never ends: bash reaps whoever dies meanwhile.
    'while read -r _ || sleep 1; do :; done',
  ].join('\n');
}

function plainGround(home: string, evidence: string): Ground {
  const tmp = join(home, 'tmp');
  mkdirSync(tmp);
  const heads: SandboxProcess[] = [];
  const all = (name: NodeJS.Signals): void => heads.forEach((head) => head.signal(name));
  return {
    isolated: false,
    tmp,
    innerTmp: tmp,
    evidence,
    innerEvidence: evidence,
    launch: async ({ command: [program = '', ...args], env, cwd, onOutput }) => {
      const made = await launched(
        spawn(program, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] }),
        onOutput,
        false,
      );
      heads.push(made);
      return made;
    },
    freeze: () => all('SIGSTOP'),
    thaw: () => all('SIGCONT'),
    close: () => {
      all('SIGCONT');
      all('SIGKILL');
      rmSync(home, { recursive: true, force: true });
    },
  };
}

async function launched(
  child: ChildProcess,
  onOutput: ((text: string) => void) | undefined,
  nested: boolean,
): Promise<SandboxProcess> {
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
      onOutput?.(text);
    });
  }
  let exit: Exit | undefined;
  const exited = new Promise<Exit>((resolve) => {
    child.once('error', () => resolve((exit = { code: 127, signal: null })));
    child.once('exit', (code, signal) => {
      exit = { code, signal };
      // What it said last is still in the pipe; a child of its own may hold that open for good.
      for (const end of [new Promise((done) => child.once('close', done)), sleep(250)])
        void end.then(() => resolve({ code, signal }));
    });
  });
  let pid = child.pid ?? 0;
  for (let tries = 0; nested && tries < 500 && exit === undefined; tries += 1) {
    const inner = onlyChild(pid);
    if (inner !== undefined && pidNamespace(inner) !== pidNamespace(pid)) {
      pid = inner;
      break;
    }
    await sleep(1);
  }
  return {
    pid,
    innerPid: innerPidOf(pid),
    exited,
    hasExited: () => exit !== undefined,
    signal: (name) => {
      if (exit === undefined && !send(-pid, name)) send(pid, name);
    },
    stdout: () => output.stdout,
    stderr: () => output.stderr,
  };
}
