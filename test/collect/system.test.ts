import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { planCollectors } from '../../src/collect/plan.ts';
import { differencesOf } from '../../src/collect/second-opinion.ts';
import { cgroupLimits } from '../../src/collect/system-cgroup.ts';
import { systemInformation } from '../../src/collect/system-information.ts';
import { system } from '../../src/collect/system.ts';
import { resolveConfig } from '../../src/config/config.ts';
import type { Entry } from '../../src/contracts/evidence.ts';
import { snapshotProcesses } from '../../src/proc/snapshot.ts';
import { runChild } from './child.ts';
import { drain, makeContext } from './context.ts';

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
  const entries = (await drain(system, { ...makeContext({ writable: ['/tmp'] }), processes })).map(
    ({ entry }) => entry,
  );
  const facts = entries.find((entry) => entry.path === 'live_response/system.json');
  assert.ok(facts?.kind === 'json');
  const value = facts.value as Facts;
  assert.equal(value.kernel['release'], release());
  assert.equal(value.kernel['hostname'], hostname());
  assert.match(String(value.kernel['version']), /^Linux version /u);
  assert.equal(
    value.hardening['kernel/randomize_va_space'],
    readFileSync('/proc/sys/kernel/randomize_va_space', 'utf8').trim(),
  );
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
  const context = makeContext({});
  const entries = (await drain(system, { ...context, processes, roots: { ...context.roots, etc } })).map(
    ({ entry }) => entry,
  );
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
  writeFileSync(
    join(proc, 'self', 'mountinfo'),
    [
      `30 1 0:26 / ${v2} rw,relatime - cgroup2 cgroup2 rw`,
      `31 1 0:27 /outer ${v1} rw,relatime shared:1 - cgroup cgroup rw,memory`,
      '',
    ].join('\n'),
  );
  assert.deepEqual(cgroupLimits(proc), {
    [`${v2}/memory.max`]: '134217728',
    [`${v2}/cpu.max`]: '7200 100000',
    [`${v1}/job/memory.limit_in_bytes`]: '268435456',
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

/** What was connected to, a socket of the container engine included. */
const COUNT_CONNECTIONS = `
  const { Socket } = process.getBuiltinModule('net'); let connected = 0;
  const connect = Socket.prototype.connect; Socket.prototype.connect = function (...args) { connected += 1; return connect.apply(this, args); };
`;

interface Opinion {
  readonly mem: { readonly total: number };
  readonly fullLoad: number;
  readonly fsOpenFiles: { readonly max: number };
  readonly compared: readonly string[];
  readonly differences: readonly object[];
}

const FIGURES = [
  'mem.total',
  'mem.free',
  'mem.available',
  'mem.buffers',
  'mem.cached',
  'mem.slab',
  'mem.swaptotal',
  'fullLoad',
  'fsOpenFiles.allocated',
  'fsOpenFiles.max',
];

test('no collector of the system starts a process or connects, systeminformation included', () => {
  const { spawned, connected, lines, value } = runChild(`${COUNT_CHILDREN}${COUNT_CONNECTIONS}
    const lines = await collect('systemInformation', 'system-information');
    // Without the process table: where reads of it hang, it is read by a child of its own, which other tests are about.
    const table = { takenMs: 0, self: process.pid, bootMs: 0, ticksPerSecond: 100, system: new Map(), processes: [] };
    await collect('system', 'system', { scene: { processes: async () => table } });
    await show({ spawned, connected, lines: lines.length, value: lines[0].value });
  `) as { spawned: number; connected: number; lines: number; value: Opinion };
  assert.deepEqual([spawned, connected], [0, 0]);
  const total = Number(/MemTotal:\s+(\d+)/u.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]) * 1024;
  assert.equal(value.mem.total, total);
  assert.ok(value.fullLoad >= 0 && value.fsOpenFiles.max > 0);
  assert.deepEqual(Object.keys(value), ['mem', 'fullLoad', 'fsOpenFiles', 'compared', 'differences']);
  assert.deepEqual([value.compared, value.differences, lines], [FIGURES, [], 1]);
});

test('what systeminformation reads in another way than we do is a line each', async () => {
  const proc = join(folder, 'doctored');
  mkdirSync(join(proc, 'sys/fs'), { recursive: true });
  const real = readFileSync('/proc/meminfo', 'utf8');
  const total = Number(/MemTotal:\s+(\d+)/u.exec(real)?.[1]);
  writeFileSync(
    join(proc, 'meminfo'),
    real.replace(/MemTotal:.*/u, `MemTotal: ${total + 4} kB`).replace(/Cached:.*/u, `Cached: ${total * 3} kB`),
  );
  writeFileSync(join(proc, 'stat'), 'cpu  0 0 0 100 0 0 0 0 0 0\n');
  writeFileSync(join(proc, 'sys/fs/file-nr'), `0\t0\t7\n`);
  const context = makeContext({});
  const [document, ...lines] = (await drain(systemInformation, { ...context, roots: { ...context.roots, proc } })).map(
    ({ entry }) => entry,
  );
  assert.equal(document?.path, 'live_response/systeminformation.json');
  const told = new Map(lines.map((line) => [line.path.slice('live_response/systeminformation.json/'.length), line]));
  for (const figure of ['mem.total', 'mem.cached', 'fullLoad', 'fsOpenFiles.max'])
    assert.ok(told.has(figure), [...told.keys()].join(' '));
  const line = told.get('mem.total');
  assert.deepEqual([line?.kind, line?.outcome], ['absent', 'failed']);
  assert.equal(
    line?.reason,
    `two readings of mem.total differ: systeminformation has ${total * 1024}, our parser has ${(total + 4) * 1024}, and 0 is allowed`,
  );
  assert.deepEqual(line.notes?.(), {
    figure: 'mem.total',
    systeminformation: total * 1024,
    own: (total + 4) * 1024,
    tolerance: 0,
  });
  const moving = Math.round((total + 4) * 1024 * 0.02);
  assert.equal(told.get('mem.cached')?.notes?.()['tolerance'], moving);
});

test('a figure that moves may lie between both of our readings, and a tolerance beyond', () => {
  const own = (allocated: number): Map<string, number> =>
    new Map([
      ['fsOpenFiles.allocated', allocated],
      ['fsOpenFiles.max', 9],
    ]);
  const differs = (allocated: unknown, max: unknown = 9): unknown =>
    differencesOf(
      { mem: { error: 'no answer' }, fullLoad: Number.NaN, fsOpenFiles: { allocated, max } },
      own(5000),
      own(9000),
    );
  const both = ['fsOpenFiles.allocated', 'fsOpenFiles.max'];
  for (const fine of [5000, 9000, 7000, 3976, 10_024])
    assert.deepEqual(differs(fine), { compared: both, differences: [] });
  for (const off of [3975, 10_025]) {
    assert.deepEqual(differs(off), {
      compared: both,
      differences: [{ figure: 'fsOpenFiles.allocated', theirs: off, ours: 9000, tolerance: 1024 }],
    });
  }
  assert.deepEqual(differs('7000', 8), {
    compared: ['fsOpenFiles.max'],
    differences: [{ figure: 'fsOpenFiles.max', theirs: 8, ours: 9, tolerance: 0 }],
  });
});

test('where systeminformation is not installed, one line says so', () => {
  const entries = runChild(`
    const { registerHooks } = await import('node:module');
    registerHooks({ resolve: (name, context, next) => next(name === 'systeminformation' ? 'systeminformation-that-is-not-here' : name, context) });
    await show(await collect('systemInformation', 'system-information'));
  `) as Entry[];
  assert.deepEqual(
    entries.map(({ kind, outcome, reason }) => [kind, outcome, reason]),
    [['absent', 'missing', 'the package systeminformation is not installed here']],
  );
});

test('the counter of children counts', () => {
  const { spawned } = runChild(`${COUNT_CHILDREN}
    import { execFileSync, spawn } from 'node:child_process';
    execFileSync('true'); await new Promise((done) => spawn('true').on('exit', done));
    await show({ spawned });`) as { spawned: number };
  assert.ok(spawned >= 2);
});

for (const [name, facts, reason] of [
  [
    'when less than 5 s are left',
    { budget: { remainingMs: 4999 }, env: { AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '1769' } },
    'less than 5000 ms were left',
  ],
  [
    'with less than a core',
    { budget: { remainingMs: 60_000 }, env: { AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '1768' } },
    'the function has 99 % of a core, and a whole one is asked for',
  ],
  [
    'with 128 MB',
    { budget: { remainingMs: 60_000 }, env: { AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128' } },
    'the function has 7 % of a core, and a whole one is asked for',
  ],
] as const) {
  test(`systeminformation is not loaded ${name}`, () => {
    const { entries, loaded } = runChild(`
      const entries = await collect('systemInformation', 'system-information', { budget: { remainingMs: () => ${facts.budget.remainingMs} }, scene: { env: ${JSON.stringify(facts.env)} } });
      const { _cache } = (await import('node:module')).default;
      await show({ entries, loaded: Object.keys(_cache).filter((path) => path.includes('systeminformation')) });
    `) as { entries: Entry[]; loaded: string[] };
    assert.deepEqual(
      entries.map(({ kind, outcome, reason }) => [kind, outcome, reason]),
      [['absent', 'skipped', reason]],
    );
    assert.deepEqual(loaded, []);
  });
}

test('with 5 s and a core left it is loaded, and our list of loaded modules would show it', () => {
  const { entries, loaded } = runChild(`
    const entries = await collect('systemInformation', 'system-information', { budget: { remainingMs: () => 5000 }, scene: { env: { AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '1769' } } });
    const { _cache } = (await import('node:module')).default;
    await show({ entries, loaded: Object.keys(_cache).filter((path) => path.includes('systeminformation')) });
  `) as { entries: Entry[]; loaded: string[] };
  assert.deepEqual([entries[0]?.kind, loaded.length > 0], ['json', true]);
});

test('systeminformation is asked last of what runs by default', () => {
  assert.equal(planCollectors(resolveConfig({}, {})).at(-1)?.name, 'systeminformation');
});
