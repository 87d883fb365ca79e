import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runChild } from './child.ts';

interface Patch {
  name: string;
  fact: string;
  detail?: string;
  source?: string;
}
interface Runtime {
  process: { argv: string[]; node: { argv: string[] }; pid: number };
  inspectorUrl?: string;
  activeResources: Record<string, number>;
  tampering: {
    patched: Patch[];
    globals: { name: string; type: string; of?: string }[];
    listeners: Record<string, number>;
    notKnown?: string[];
  };
  modules: { commonjs: { path: string; loaded: boolean; writable?: boolean }[]; builtin: string[]; notKnown: string[] };
}
interface Entry {
  kind: string;
  path: string;
  outcome?: string;
  reason?: string;
  value: unknown;
}

const LOAD_ALL = ['fs', 'http', 'https', 'net', 'tls', 'dns', 'child_process', 'module', 'crypto', 'vm']
  .map((name) => `import 'node:${name}';`)
  .join('');

function run(code: string, ...flags: string[]): { runtime: Runtime; report: Entry | undefined } {
  const entries = runChild(
    `${LOAD_ALL}${code}; await show(await collect('runtime', 'runtime'));process.exit();`,
    ...flags,
  ) as Entry[];
  const runtime = entries.find((entry) => entry.path === 'live_response/runtime.json')?.value as Runtime;
  return { runtime, report: entries.find((entry) => entry.path === 'live_response/diagnostic-report.json') };
}

test('an untouched process shows no patch, no added global, no environment', () => {
  const { runtime, report } = run(`process.env.PLANTED = 'planted-secret-value'`, '--max-old-space-size=500');
  assert.deepEqual(runtime.tampering.patched, []);
  assert.equal(runtime.tampering.notKnown, undefined);
  assert.ok(
    runtime.tampering.globals.every(
      ({ name, of }) => name.startsWith('Symbol(undici.globalDispatcher.') && of === 'Agent',
    ),
  );
  assert.equal(runtime.process.node.argv[0], '--max-old-space-size=500');
  assert.ok(runtime.modules.builtin.includes('child_process'));
  assert.match(runtime.modules.notKnown.join(), /ES modules/u);
  assert.equal(report?.kind, 'json');
  const value = report.value as Record<string, unknown>;
  assert.equal(value['environmentVariables'], undefined);
  assert.ok(Array.isArray(value['libuv']) && value['libuv'].length > 0);
  assert.ok(Array.isArray((value['header'] as Record<string, unknown>)['argv']));
  assert.equal((value['header'] as Record<string, unknown>)['commandLine'], undefined);
  assert.doesNotMatch(JSON.stringify(report), /planted-secret-value/u);
});

test('patched intrinsics are named', () => {
  const { runtime } = run(`
    JSON.parse = JSON.parse.bind(JSON);
    Array.prototype.last = function last() {};
    Function.prototype.toString = new Proxy(Function.prototype.toString, {});
    delete String.prototype.at;
    const then = Promise.prototype.then;
    Object.defineProperty(Promise.prototype, 'then', { configurable: true, get() { return then; } });
    Object.defineProperty(Object, 'keys', { value: Object.keys, writable: false });
    Error.prepareStackTrace = () => 'mine';
    Error.stackTraceLimit = 50;
  `);
  const facts = Object.fromEntries(runtime.tampering.patched.map(({ name, fact }) => [name, fact]));
  assert.deepEqual(facts, {
    'JSON.parse': 'replaced',
    'Array.prototype.last': 'added',
    'Function.prototype.toString': 'proxy',
    'String.prototype.at': 'removed',
    'Promise.prototype.then': 'accessor',
    'Object.keys': 'differs',
    'Error.prepareStackTrace': 'added',
    'Error.stackTraceLimit': 'differs',
  });
  assert.equal(
    runtime.tampering.patched.find(({ name }) => name === 'Array.prototype.last')?.source,
    'function last() {}',
  );
});

test('a function of Node that was wrapped is found by where it is defined, even under its own name and text head', () => {
  const { runtime } = run(`
    const fs = process.getBuiltinModule('fs'), https = process.getBuiltinModule('https'), cp = process.getBuiltinModule('child_process');
    const readFile = fs.readFile;
    fs.readFile = function readFile_(path, options, callback) { return readFile(path, options, callback); };
    Object.defineProperty(fs.readFile, 'name', { value: 'readFile' });
    https.request = Object.assign(https.request.bind(https), { __original: 1 });
    cp.spawn = new Proxy(cp.spawn, {});
    process.getBuiltinModule('module')._load = ((load) => function (...args) { return load.apply(this, args); })(process.getBuiltinModule('module')._load);
    globalThis.fetch = async function () {};
    const net = process.getBuiltinModule('net'), connect = net.connect;
    Object.defineProperty(net, 'connect', { configurable: true, get() { globalThis.getterRan = true; return connect; } });
  `);
  const facts = runtime.tampering.patched.map(({ name, fact }) => `${name} ${fact}`).sort();
  assert.deepEqual(facts, [
    'child_process.spawn proxy',
    'fetch replaced',
    'fs.readFile foreign',
    'https.request foreign',
    'https.request wrapped',
    'module._load foreign',
    'net.connect accessor',
  ]);
  assert.match(
    runtime.tampering.patched.find(({ name }) => name === 'fs.readFile')?.detail ?? '',
    /defined in script \d+:\d+:\d+, its siblings in \d+/u,
  );
  assert.equal(
    runtime.tampering.globals.some(({ name }) => name === 'getterRan'),
    false,
    'no getter was run',
  );
});

test('added globals, listeners and modules from /tmp are named, values are not', () => {
  const { runtime } = run(
    `
    globalThis.exfiltrate = function sendAll() {}; globalThis.token = 'planted-secret-value';
    Object.defineProperty(globalThis, 'lazy', { enumerable: true, configurable: true, get() { throw new Error('ran'); } });
    globalThis.trap = new Proxy({}, { getOwnPropertyDescriptor() { throw new Error('ran'); } });
    process.on('uncaughtException', () => {}); process.on('SIGTERM', () => {});
    const { writeFileSync } = await import('node:fs'); const { createRequire } = await import('node:module');
    const file = '/tmp/amber-dropped-' + process.pid + '.cjs';
    writeFileSync(file, ''); createRequire(file)(file); process.getBuiltinModule('fs').unlinkSync(file);
  `.replace(
      /$/u,
      `; const facts = { writable: ['/tmp'] }; await show(await collect('runtime', 'runtime', facts)); process.exit();`,
    ),
  );
  const added = runtime.tampering.globals.filter(({ name }) => !name.startsWith('Symbol(undici.'));
  const globals = Object.fromEntries(added.map(({ name, type }) => [name, type]));
  assert.deepEqual(globals, { exfiltrate: 'function', token: 'string', lazy: 'accessor', trap: 'proxy' });
  assert.equal(runtime.tampering.listeners['uncaughtException'], 1);
  assert.equal(runtime.tampering.listeners['SIGTERM'], 1);
  const dropped = runtime.modules.commonjs.find(({ path }) => path.startsWith('/tmp/amber-dropped-'));
  assert.equal(dropped?.writable, true);
  assert.equal(dropped.loaded, true);
  assert.doesNotMatch(JSON.stringify(runtime), /planted-secret-value/u);
});

test('the settings of the report are put back, and a replaced prepareStackTrace is not run', () => {
  const result = runChild(`
    process.report.excludeNetwork = false; process.report.excludeEnv = false;
    let ran = 0; Error.prepareStackTrace = () => { ran += 1; return ''; };
    const { diagnosticReport } = await import(at('../../src/collect/runtime/report.ts'));
    ran = 0;
    const read = diagnosticReport([]);
    await show({ ok: read.ok, ran, network: process.report.excludeNetwork, env: process.report.excludeEnv });
  `);
  assert.deepEqual(result, { ok: true, ran: 0, network: false, env: false });
});

test('with a worker inside a blocking call the report is left out instead of hanging', () => {
  const report = runChild(`
    import { Worker } from 'node:worker_threads'; import { execFileSync } from 'node:child_process'; import { unlinkSync, writeFileSync } from 'node:fs';
    const fifo = '/tmp/amber-fifo-' + process.pid; execFileSync('mkfifo', [fifo]);
    const code = 'const w = process.getBuiltinModule("worker_threads"); w.parentPort.postMessage(1); process.getBuiltinModule("fs").readFileSync(w.workerData)';
    const worker = new Worker(code, { eval: true, workerData: fifo });
    await new Promise((up) => worker.once('message', up)); worker.unref();
    const entries = await collect('runtime', 'runtime');
    await show(entries.find(({ path }) => path === 'live_response/diagnostic-report.json'));
    writeFileSync(fifo, ''); unlinkSync(fifo);
  `) as Entry;
  assert.equal(report.kind, 'absent');
  assert.match(report.reason ?? '', /worker/u);
});

test('without workers the report is there although the module was loaded', () => {
  const { report } = run(`await import('node:worker_threads')`);
  assert.equal(report?.kind, 'json');
});
