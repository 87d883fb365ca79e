/** Connections that others hold, and what moves about a runtime: its output, a tracer, code of writable places. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { followConnections } from '../../../src/record/beside/connections.ts';
import { openJournal, type Journal } from '../../../src/record/beside/journal.ts';
import { watchSurroundings } from '../../../src/record/beside/surroundings.ts';
import { hasPeer, missing } from '../../peers.ts';
import { openShell, until } from './shell.ts';

const subjects = (journal: Journal, kind: string): string[] =>
  journal.all().flatMap((one) => (one.kind === kind ? [one.subject] : []));

test('a connection of another process is told with its holder, and that to the Runtime API is not', async (t) => {
  const ports = await Promise.all([listen(t), listen(t)]);
  const [port, api] = ports;
  const shell = openShell(t);
  await shell.say(':');
  const journal = openJournal();
  const connections = followConnections({ journal, api: `127.0.0.1:${api}`, everyMs: 1, charge: () => undefined });
  t.after(() => connections.close());
  connections.look([shell.pid]);
  await sleep(100);
  await shell.say(`exec 5<>/dev/tcp/127.0.0.1/${api}; exec 6<>/dev/tcp/127.0.0.1/${port}`);
  await until(() => {
    connections.look([shell.pid]);
    return subjects(journal, 'connect').includes(`127.0.0.1:${port}`);
  });
  const event = journal.all().find(({ subject }) => subject === `127.0.0.1:${port}`);
  assert.equal(event?.pid, shell.pid);
  assert.equal(event.detail?.['state'], 'ESTABLISHED');
  assert.ok(!subjects(journal, 'connect').includes(`127.0.0.1:${api}`));
});

async function listen(t: TestContext): Promise<number> {
  const server = createServer(() => undefined);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => server.close());
  server.unref();
  return (server.address() as AddressInfo).port;
}

test('output that is led elsewhere is told once', async (t) => {
  const shell = openShell(t);
  await shell.say(':');
  const journal = openJournal();
  const surroundings = watchSurroundings(journal, ['/tmp']);
  surroundings.look([shell.pid]);
  assert.deepEqual(subjects(journal, 'stdio'), []);
  await shell.say('exec 1>/dev/null; exec 2>&-');
  surroundings.look([shell.pid]);
  surroundings.look([shell.pid]);
  const told = subjects(journal, 'stdio');
  assert.equal(told.length, 2);
  assert.match(told[0] ?? '', /^fd 1: (?:pipe|socket):\[\d+\] -> \/dev\/null$/u);
  assert.match(told[1] ?? '', /^fd 2: .* -> closed$/u);
});

test('a tracer and code that is deleted are told', async (t) => {
  if (!hasPeer('python3')) return void missing(t, 'python3');
  const folder = mkdtempSync(join(tmpdir(), 'amber-mapped-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const library = join(folder, 'library.so');
  writeFileSync(library, Buffer.alloc(4096));
  const target = spawn(
    'python3',
    [
      '-c',
      `import mmap,sys;f=open(${JSON.stringify(library)},'rb');m=mmap.mmap(f.fileno(),4096,flags=mmap.MAP_PRIVATE,prot=mmap.PROT_READ|mmap.PROT_EXEC);print('ready',flush=True);sys.stdin.read()`,
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  t.after(() => target.kill('SIGKILL'));
  await once(target.stdout, 'data');
  unlinkSync(library);
  const pid = target.pid ?? 0;
  const journal = openJournal();
  const surroundings = watchSurroundings(journal, [folder]);
  surroundings.look([pid]);
  await until(() => subjects(journal, 'mapped').length > 0);
  assert.deepEqual(subjects(journal, 'mapped'), [`${library} (deleted)`]);
  const PTRACE_ATTACH = 16;
  const tracer = spawn(
    'python3',
    [
      '-c',
      `import ctypes,sys;print(ctypes.CDLL(None).ptrace(${PTRACE_ATTACH},${pid},0,0),flush=True);sys.stdin.read()`,
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  t.after(() => tracer.kill('SIGKILL'));
  const [answer] = (await once(tracer.stdout, 'data')) as [Buffer];
  if (answer.toString().trim() !== '0') {
    t.skip('not run: needs the right to trace');
    return;
  }
  surroundings.look([pid]);
  assert.match(subjects(journal, 'traced')[0] ?? '', new RegExp(`^pid ${tracer.pid} .*python`, 'u'));
});
