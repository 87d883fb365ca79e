/** Runs in namespaces of its own, see detect.ts. Prints one object. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { policyOf } from '../../src/config/detect-policy.ts';
import { judge } from '../../src/detect/judge.ts';
import { openScanner } from '../../src/detect/scan.ts';
import { openProbe } from '../../src/host/monitor/probe.ts';

/** A tmpfs, as quiet as the /tmp of a sandbox. */
spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', '/mnt']);
spawnSync('ip', ['link', 'set', 'lo', 'up']);
const folder = mkdtempSync('/mnt/bench-');
for (let index = 0; index < 200; index += 1) writeFileSync(join(folder, String(index)), 'x'.repeat(500));
// The runtime is read more closely than what it starts: a Node.js process with what it maps, and eight more.
const runtime = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1e6)'], {
  stdio: 'ignore',
  env: { _HANDLER: 'index.handler' },
});
const sleepers = [runtime, ...Array.from({ length: 8 }, () => spawn('sleep', ['600'], { stdio: 'ignore' }))];
const server = createServer().listen(0, '127.0.0.1');
await new Promise((resolve) => server.once('listening', resolve));
const { port } = server.address() as AddressInfo;
// Each connection has two ends, and one socket listens.
for (let index = 0; index < 10; index += 1)
  await new Promise((resolve) => connect(port, '127.0.0.1', () => resolve(undefined)));

const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};
const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] ?? 0;

const scanner = openScanner({
  by: 'extension',
  roots: { proc: '/proc', writable: [folder], code: ['/var/task', '/opt'], etc: '/etc' },
});
const policy = policyOf('high');
const begin = cpuMs();
const baseline = await scanner.scan({ number: 0, startedMs: Date.now() });
judge(baseline, baseline, policy);
const firstMs = cpuMs() - begin;
const looks: number[] = [];
const judgements: number[] = [];
let last = baseline;
for (let count = 1; count <= 60; count += 1) {
  const before = cpuMs();
  last = await scanner.scan({ number: count, startedMs: Date.now() });
  const looked = performance.now();
  judge(last, baseline, policy);
  judgements.push(performance.now() - looked);
  looks.push(cpuMs() - before);
}

/** Microseconds a call, over many: the second half of them, when the code is warm. */
function perCall(call: () => void): number {
  const rounds = 2000;
  const samples: number[] = [];
  for (let batch = 0; batch < 20; batch += 1) {
    const start = performance.now();
    for (let round = 0; round < rounds / 20; round += 1) call();
    samples.push(((performance.now() - start) * 1000) / (rounds / 20));
  }
  return median(samples.slice(10));
}

const probe = openProbe([folder, '/dev/shm'], () => 0);
const idleUs = perCall(() => void probe.moved('all'));
// As if a thread had been started before each call: the list of processes is read, and none is new.
const restless = openProbe([folder, '/dev/shm'], () => 0, { restless: true });
const pidsUs = perCall(() => void restless.moved('all'));
console.log(
  JSON.stringify({
    idleUs,
    pidsUs,
    firstMs,
    lookMs: median(looks.slice(20)),
    judgeMs: median(judgements.slice(20)),
    processes: last.processes.length,
    sockets: last.sockets.length,
    files: last.files.length,
  }),
);
for (const sleeper of sleepers) sleeper.kill('SIGKILL');
process.exit();
