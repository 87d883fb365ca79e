import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { cgroupLimits } from '../../src/collect/system-cgroup.ts';
import { system } from '../../src/collect/system.ts';
import type { Entry } from '../../src/contracts.ts';
import { snapshotProcesses } from '../../src/proc/snapshot.ts';
import { runChild } from './child.ts';
import { drain, makeScene } from './scene.ts';

const folder = mkdtempSync(join(tmpdir(), 'amber-system-'));
after(() => rmSync(folder, { recursive: true }));

const processes = (): ReturnType<typeof snapshotProcesses> => snapshotProcesses();

interface Facts {
  kernel: Record<string, unknown>;
  hardening: Record<string, string>;
  mounts: { device: string; directory: string; type: string; options: string[] }[];
  filesystems: Record<string, { bytes: number; freeBytes: number }>;
  network: Record<string, unknown>;
}

test('it names kernel, mounts, settings and interfaces as the kernel has them', async () => {
  const entries = (await drain(system, { ...makeScene({ writable: ['/tmp'] }), processes })).map(({ entry }) => entry);
  const facts = entries.find((entry) => entry.path === 'live_response/system.json');
  assert.ok(facts?.kind === 'json');
  const value = facts.value as Facts;
  assert.equal(value.kernel['release'], release());
  assert.equal(value.kernel['hostname'], hostname());
  assert.match(String(value.kernel['version']), /^Linux version /u);
  assert.equal(value.hardening['kernel/randomize_va_space'], readFileSync('/proc/sys/kernel/randomize_va_space', 'utf8').trim());
  const proc = value.mounts.find(({ directory }) => directory === '/proc');
  assert.equal(proc?.type, 'proc');
  assert.ok((value.filesystems['/tmp']?.bytes ?? 0) > 0);
  assert.ok('lo' in value.network);
  const passwd = entries.find((entry) => entry.path === '[root]/etc/passwd');
  assert.ok(passwd?.kind === 'bytes');
  assert.equal(Buffer.from(passwd.body).toString(), readFileSync('/etc/passwd', 'utf8'));
  assert.equal(passwd.redaction, 'text');
});

test('files of /etc: a link is followed, a folder and a large file are said to be so, an absent one is missing', async () => {
  const etc = join(folder, 'etc');
  mkdirSync(etc);
  writeFileSync(join(folder, 'os-release'), 'NAME="Amazon Linux"\n');
  symlinkSync('../os-release', join(etc, 'os-release'));
  mkdirSync(join(etc, 'hosts'));
  writeFileSync(join(etc, 'resolv.conf'), Buffer.alloc(300 * 1024, 'x'));
  const scene = makeScene({});
  const entries = (await drain(system, { ...scene, processes, roots: { ...scene.roots, etc } })).map(({ entry }) => entry);
  const at = (name: string): Entry | undefined => entries.find((entry) => entry.path === `[root]/etc/${name}`);
  const release_ = at('os-release');
  assert.ok(release_?.kind === 'bytes');
  assert.equal(Buffer.from(release_.body).toString(), 'NAME="Amazon Linux"\n');
  assert.deepEqual([at('hosts')?.kind, at('hosts')?.outcome], ['absent', 'skipped']);
  const large = at('resolv.conf');
  assert.ok(large?.kind === 'bytes');
  assert.deepEqual([large.outcome, large.body.length], ['truncated', 256 * 1024]);
  assert.deepEqual([at('passwd')?.kind, at('passwd')?.outcome], ['absent', 'missing']);
});

test('limits of the control group, version 2 and version 1, in a container and outside', () => {
  const proc = join(folder, 'proc');
  const [v2, v1] = [join(folder, 'cgroup2'), join(folder, 'memory')];
  for (const path of [join(proc, 'self'), v2, join(v1, 'job')]) mkdirSync(path, { recursive: true });
  writeFileSync(join(v2, 'memory.max'), '134217728\n');
  writeFileSync(join(v2, 'cpu.max'), '7200 100000\n');
  writeFileSync(join(v1, 'job', 'memory.limit_in_bytes'), '268435456\n');
  writeFileSync(join(v1, 'job', 'pids.max'), '1\n');
  writeFileSync(join(proc, 'self', 'cgroup'), '5:memory:/outer/job\n4:cpu,cpuacct:/nowhere\n0::/\n');
  writeFileSync(join(proc, 'self', 'mountinfo'), [
    `30 1 0:26 / ${v2} rw,relatime - cgroup2 cgroup2 rw`, `31 1 0:27 /outer ${v1} rw,relatime shared:1 - cgroup cgroup rw,memory`, '',
  ].join('\n'));
  assert.deepEqual(cgroupLimits(proc), {
    [`${v2}/memory.max`]: '134217728', [`${v2}/cpu.max`]: '7200 100000', [`${v1}/job/memory.limit_in_bytes`]: '268435456',
  });
  assert.deepEqual(cgroupLimits(join(folder, 'nowhere')), {});
});

const COUNT_CHILDREN = `
  import { createRequire, syncBuiltinESMExports } from 'node:module';
  const cp = process.getBuiltinModule('child_process'); let spawned = 0;
  for (const name of ['spawn', 'exec', 'execFile', 'fork', 'spawnSync', 'execSync', 'execFileSync']) {
    const real = cp[name]; cp[name] = function (...args) { spawned += 1; return real.apply(this, args); };
  }
  syncBuiltinESMExports();
  const internal = cp.ChildProcess.prototype.spawn; cp.ChildProcess.prototype.spawn = function (...args) { spawned += 1; return internal.apply(this, args); };
`;

test('no collector of the system starts a process, systeminformation included', () => {
  const { spawned, value } = runChild(`${COUNT_CHILDREN}
    const [entry] = await collect('systemInformation', 'system-information');
    await collect('system', 'system');
    await show({ spawned, value: entry.value });
  `) as { spawned: number; value: { mem: { total: number }; fullLoad: number; fsOpenFiles: { max: number }; dockerInfo: object } };
  assert.equal(spawned, 0);
  const total = Number(/MemTotal:\s+(\d+)/u.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]) * 1024;
  assert.equal(value.mem.total, total);
  assert.ok(value.fullLoad >= 0 && value.fsOpenFiles.max > 0);
});

test('the counter of children counts', () => {
  const { spawned } = runChild(`${COUNT_CHILDREN}
    import { execFileSync, spawn } from 'node:child_process';
    execFileSync('true'); await new Promise((done) => spawn('true').on('exit', done));
    await show({ spawned });`) as { spawned: number };
  assert.ok(spawned >= 2);
});

test('systeminformation is not loaded when there is no time for it', () => {
  const { entry, loaded } = runChild(`
    const [entry] = await collect('systemInformation', 'system-information', { budget: { remainingMs: () => 10 } });
    const { _cache } = (await import('node:module')).default;
    await show({ entry, loaded: Object.keys(_cache).filter((path) => path.includes('systeminformation')) });
  `) as { entry: Entry; loaded: string[] };
  assert.deepEqual([entry.kind, entry.outcome, loaded], ['absent', 'skipped', []]);
});
