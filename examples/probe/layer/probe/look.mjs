// What of a sandbox nobody can know without an account: looked at by the function and, from beside it, by the
// extension. Reads /proc and lists folders; starts nothing, changes nothing, and shows no content of memory and no
// variable.
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, readSync, statfsSync, statSync } from 'node:fs';
import os from 'node:os';

const attempt = (read) => {
  try {
    return read();
  } catch (error) {
    return { error: error.code ?? error.name };
  }
};
const text = (path) => attempt(() => readFileSync(path, 'utf8').trim());

/** `who`: function or extension. Gives plain JSON. */
export function look(who) {
  return {
    probe: who,
    at: new Date().toISOString(),
    runtime: process.env.AWS_EXECUTION_ENV ?? null,
    memoryMb: Number(process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE ?? 0),
    initialization: process.env.AWS_LAMBDA_INITIALIZATION_TYPE ?? null,
    node: process.version,
    machine: { arch: process.arch, kernel: os.release(), cpus: os.cpus().length, model: os.cpus()[0]?.model ?? null },
    me: {
      pid: process.pid,
      ppid: process.ppid,
      uid: process.getuid(),
      gid: process.getgid(),
      groups: process.getgroups(),
      ...status('self'),
    },
    hardening: {
      ptraceScope: text('/proc/sys/kernel/yama/ptrace_scope'),
      dmesgRestrict: text('/proc/sys/kernel/dmesg_restrict'),
      kptrRestrict: text('/proc/sys/kernel/kptr_restrict'),
      perfEventParanoid: text('/proc/sys/kernel/perf_event_paranoid'),
      userNamespaces: text('/proc/sys/user/max_user_namespaces'),
      hidepid: mountOptions('/proc'),
    },
    processes: processes(),
    programs: programs(),
    tcp: tcp(),
    tmp: attempt(() => {
      const { type, bsize, blocks, bavail } = statfsSync('/tmp');
      return { type: `0x${type.toString(16)}`, bytes: bsize * blocks, free: bsize * bavail };
    }),
    cgroup: { cpuMax: text('/sys/fs/cgroup/cpu.max'), memoryMax: text('/sys/fs/cgroup/memory.max') },
    extensions: attempt(() => readdirSync('/opt/extensions')),
  };
}

function status(pid) {
  const lines = text(`/proc/${pid}/status`);
  if (typeof lines !== 'string') return { status: lines };
  const wanted = ['CapEff', 'CapBnd', 'NoNewPrivs', 'Seccomp', 'Seccomp_filters', 'NSpid', 'TracerPid'];
  return Object.fromEntries(
    wanted.map((name) => [name, new RegExp(`^${name}:\\s*(.*)$`, 'mu').exec(lines)?.[1] ?? null]),
  );
}

/** Every process, and which of its files can be read from here. */
function processes() {
  const pids = attempt(() =>
    readdirSync('/proc')
      .filter((name) => /^\d+$/u.test(name))
      .map(Number),
  );
  if (!Array.isArray(pids)) return pids;
  return pids.slice(0, 64).map((pid) => ({
    pid,
    name: text(`/proc/${pid}/comm`),
    exe: attempt(() => readlinkSync(`/proc/${pid}/exe`)),
    uid: attempt(() => statSync(`/proc/${pid}`).uid),
    mem: attempt(() => memory(pid)),
    environ: attempt(() => readFileSync(`/proc/${pid}/environ`).length),
    maps: attempt(() => readFileSync(`/proc/${pid}/maps`).length),
    descriptors: attempt(() => readdirSync(`/proc/${pid}/fd`).length),
    root: attempt(() => readlinkSync(`/proc/${pid}/root`)),
  }));
}

/** Bytes that could be read at the start of the first readable mapping. */
function memory(pid) {
  const first = readFileSync(`/proc/${pid}/maps`, 'latin1')
    .split('\n')
    .find((line) => / r/u.test(line));
  if (first === undefined) return { error: 'NO_MAPPING' };
  const fd = openSync(`/proc/${pid}/mem`, 'r');
  try {
    return readSync(fd, Buffer.alloc(16), 0, 16, BigInt(`0x${first.slice(0, first.indexOf('-'))}`));
  } finally {
    closeSync(fd);
  }
}

/** The names of what can be started, by folder of PATH. */
function programs() {
  const folders = [...new Set([...(process.env.PATH ?? '').split(':'), '/usr/bin', '/usr/sbin'])].filter(
    (folder) => folder !== '',
  );
  const all = folders.map((folder) => [folder, attempt(() => readdirSync(folder).sort())]);
  const wanted = [
    'bash',
    'sh',
    'ps',
    'ss',
    'netstat',
    'lsof',
    'ip',
    'tar',
    'gzip',
    'zstd',
    'find',
    'curl',
    'wget',
    'python3',
    'perl',
    'gdb',
    'strace',
    'unshare',
    'nsenter',
    'dd',
    'xxd',
    'base64',
    'openssl',
    'aws',
    'rpm',
    'microdnf',
  ];
  const names = new Set(all.flatMap(([, found]) => (Array.isArray(found) ? found : [])));
  return {
    has: wanted.filter((name) => names.has(name)),
    hasNot: wanted.filter((name) => !names.has(name)),
    folders: Object.fromEntries(all.map(([folder, found]) => [folder, Array.isArray(found) ? found.length : found])),
  };
}

/** The size of the hash table decides what a read of /proc/net/tcp costs: the kernel walks all of it. */
function tcp() {
  const times = [];
  let lines = 0;
  for (let run = 0; run < 5; run += 1) {
    const started = performance.now();
    const found = text('/proc/net/tcp');
    times.push(performance.now() - started);
    lines = typeof found === 'string' ? found.split('\n').length - 1 : found;
  }
  return {
    hashEntries: text('/proc/sys/net/ipv4/tcp_ehash_entries'),
    childEntries: text('/proc/sys/net/ipv4/tcp_child_ehash_entries'),
    sockets: lines,
    readMs: Number(times.sort((one, other) => one - other)[2].toFixed(3)),
  };
}

function mountOptions(point) {
  const mounts = text('/proc/self/mounts');
  return typeof mounts === 'string'
    ? (mounts
        .split('\n')
        .map((line) => line.split(' '))
        .find(([, where]) => where === point)?.[3] ?? null)
    : mounts;
}
