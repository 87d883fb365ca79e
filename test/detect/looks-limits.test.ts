/** Limits of a look driven over: each says what it left, in numbers. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { Roots } from '../../src/contracts/evidence.ts';
import { openScanner } from '../../src/detect/scan.ts';
import { observeProcesses } from '../../src/detect/observe-processes.ts';
import { observeSockets } from '../../src/detect/observe-sockets.ts';
import { makeFinding } from '../../src/detect/finding.ts';
import { ownFactsOf, type OwnRecords } from '../../src/detect/own.ts';
import { shellChild } from '../../src/detect/shell-child.ts';
import { many } from '../../src/many.ts';
import { currentBuiltins } from '../../src/host/monitor/builtins.ts';
import { openChangeMonitor } from '../../src/host/monitor/change-monitor.ts';
import { requirePeer } from '../peers.ts';
import { python } from '../proc/actors.ts';

const folder = mkdtempSync(join(tmpdir(), 'amber-look-limits-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const INVOCATION = { number: 1, startedMs: Date.now() };
const LIMITS = { processes: 4096, descriptors: 256, slowMs: 1000 };

/** A tree of procfs that holds these files, and nothing else. */
function recorded(name: string, files: Readonly<Record<string, string>>): string {
  const root = join(folder, name);
  for (const [path, body] of Object.entries(files)) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), body);
  }
  return root;
}

describe('a look counts what it left', () => {
  test('of names of extensions: 64', async () => {
    const opt = join(folder, 'opt');
    mkdirSync(join(opt, 'extensions'), { recursive: true });
    for (let number = 0; number < 71; number += 1) writeFileSync(join(opt, 'extensions', `e${number}`), '');
    const roots: Roots = { proc: recorded('empty', { uptime: '1 1\n' }), etc: '/nowhere', writable: [], code: [opt] };
    const { extensions, notInspected: left } = await openScanner({ by: 'extension', roots }).scan(INVOCATION);
    assert.equal(extensions.length, 64);
    assert.deepEqual(left, [`7 names in ${opt}/extensions beyond the limit of 64 were not looked at`]);
  });

  test('of children: the last 256 starts, and 64 between two looks', async () => {
    const records: OwnRecords = { env: {}, children: [], builtins: currentBuiltins(), currentBuiltins };
    const facts = ownFactsOf(records);
    const start = (count: number): void => {
      for (let number = 0; number < count; number += 1)
        records.children.push({ child: { spawnfile: 'true', spawnargs: ['true'], pid: number }, atMs: number });
    };
    start(256);
    assert.deepEqual((await facts()).left, []);
    start(13);
    const { spawned, left } = await facts();
    assert.equal(spawned.length, 256);
    assert.deepEqual(left, ['13 earlier starts of child processes are no longer in the list of the last 256']);
    records.missed = 5;
    assert.deepEqual(
      (await facts()).left?.[1],
      '5 starts of child processes were not noted: too many came between two looks',
    );
    const roots: Roots = { proc: recorded('none', { uptime: '1 1\n' }), etc: '/nowhere', writable: [], code: [] };
    assert.deepEqual((await openScanner({ by: 'process', roots, own: facts }).scan(INVOCATION)).notInspected.length, 2);
  });

  test('of children that a host has heard of and had no room for', async () => {
    let noted: OwnRecords | undefined;
    const changeMonitor = openChangeMonitor(
      () => ({ moved: () => undefined, seen: () => undefined }),
      process.env,
      (records) => {
        noted = records;
        return Promise.reject(new Error('not asked to look'));
      },
      { ask: () => undefined, begin: () => true, fault: () => undefined },
    );
    await changeMonitor.anomalyMonitor().catch(() => undefined);
    const ended = Array.from(
      { length: 70 },
      () => new Promise((resolve) => spawn('true', { stdio: 'ignore' }).once('exit', resolve)),
    );
    await Promise.all(ended);
    assert.deepEqual([noted?.children.length, noted?.missed], [64, 6]);
  });

  test('of the arguments of a start: 32, and 2048 characters', async () => {
    const records: OwnRecords = { env: {}, children: [], builtins: currentBuiltins(), currentBuiltins };
    const child = (...spawnargs: string[]): void =>
      void records.children.push({ child: { spawnfile: 'x', spawnargs: ['x', ...spawnargs] }, atMs: 1 });
    child(...Array.from({ length: 40 }, () => 'a'));
    child('b'.repeat(2100), 'c');
    child('c');
    const starts = (await ownFactsOf(records)()).spawned.map(({ argv, left }) => [argv.join(' '), left]);
    assert.deepEqual(starts, [
      [['x', ...Array.from({ length: 31 }, () => 'a')].join(' '), '9 arguments'],
      [`x ${'b'.repeat(2047)}`, '54 characters'],
      ['x c', undefined],
    ]);
  });

  test('of the descriptors and the mapped files of a process: 256 and 16', async (t) => {
    if (!requirePeer(t, 'python3')) return;
    const [child] = await python(
      t,
      `
import ctypes, os, sys, time
libc = ctypes.CDLL(None); libc.mmap.restype = ctypes.c_void_p
held = []
for n in range(300): held.append(os.open('/dev/null', os.O_RDONLY))
for n in range(21):
    p = sys.argv[1] + '/code%d' % n
    f = os.open(p, os.O_RDWR | os.O_CREAT, 0o755); os.write(f, b'x' * 4096)
    libc.mmap(None, ctypes.c_size_t(4096), 5, 2, f, ctypes.c_long(0)); os.close(f)
print(len(os.listdir('/proc/self/fd')) - 1, flush=True); time.sleep(600)`,
      folder,
    );
    const place = { root: '/proc', writable: [folder], stopped: () => false, always: () => false };
    let known: Awaited<ReturnType<typeof observeProcesses>>['known'] = new Map();
    // The second and the third time it has not run since, and is not read again.
    for (let look = 0; look < 3; look += 1) {
      const seen = await observeProcesses(place, LIMITS, known);
      known = seen.known;
      const one = [...known].find(([owner]) => owner.startsWith(`${child.pid}:`))?.[1];
      assert.deepEqual([one?.mapped.length, one?.mappedBeyond], [16, 5]);
      assert.ok(one !== undefined && one.descriptorsBeyond >= 300 + 3 - 256);
      const sum = (counts: readonly number[]): string => `${counts.reduce((total, count) => total + count, 0)}`;
      const over = [...known.values()].filter(({ descriptorsBeyond }) => descriptorsBeyond > 0);
      assert.ok(
        seen.left.includes(
          `${sum(over.map(({ descriptorsBeyond }) => descriptorsBeyond))} descriptors of ` +
            `${many(over.length, 'process', 'processes')} were not looked at: the limit of a process is 256`,
        ),
        seen.left.join('\n'),
      );
      assert.ok(
        seen.left.includes('5 mapped files of 1 process were not looked at: the limit of a process is 16'),
        seen.left.join('\n'),
      );
    }
  });

  test('of the environment of a process: 256 KiB', async (t) => {
    const env = Object.fromEntries(Array.from({ length: 4 }, (_, number) => [`LARGE${number}`, 'x'.repeat(100_000)]));
    const child = spawn('sleep', ['600'], { stdio: 'ignore', env });
    t.after(() => child.kill('SIGKILL'));
    await new Promise((resolve) => child.once('spawn', resolve));
    const place = { root: '/proc', writable: [], stopped: () => false, always: () => false };
    let known: Awaited<ReturnType<typeof observeProcesses>>['known'] = new Map();
    for (let look = 0; look < 3; look += 1) {
      const seen = await observeProcesses(place, LIMITS, known);
      known = seen.known;
      assert.deepEqual([...known].find(([owner]) => owner.startsWith(`${child.pid}:`))?.[1].cut, ['environ']);
      assert.match(seen.left.join('\n'), /^environ of \d+ process(?:es)?: only the first 262144 bytes were read$/mu);
    }
  });

  test('of processes that the time of a look does not reach', async () => {
    let asked = 0;
    const place = { root: '/proc', writable: [], stopped: () => (asked += 1) > 1, always: () => false };
    const { left, processes } = await observeProcesses(place, LIMITS, new Map());
    assert.ok(processes.length <= 8);
    assert.match(left.join('\n'), /^\d+ processes were not reached in the time of the look$/mu);
  });

  test('of sockets: 2,048, also at a look that reads no table again', async () => {
    const row = (number: number): string =>
      `${String(number).padStart(4)}: 0100007F:1F90 ` +
      `0100007F:${(number % 65_535).toString(16).toUpperCase().padStart(4, '0')} 01 00000000:00000000 ` +
      `00:00000000 00000000     0        0 ${number + 1} 1 0\n`;
    const table = (count: number): string =>
      `  sl  local_address rem_address\n${Array.from({ length: count }, (_, number) => row(number)).join('')}`;
    const sockstat = (tcp: number): string => `sockets: used 9\nTCP: inuse ${tcp} orphan 0\nUDP: inuse 0 mem 0\n`;
    const root = recorded('sockets', {
      'self/net/sockstat': sockstat(2060),
      'self/net/sockstat6': 'TCP6: inuse 0\nUDP6: inuse 0\n',
      'self/net/tcp': table(2060),
    });
    const first = await observeSockets(root, [], undefined);
    assert.equal(first.sockets.length, 2048);
    assert.deepEqual(first.left, ['12 sockets beyond the limit of 2048 were not looked at']);
    assert.deepEqual((await observeSockets(root, [], first)).left, first.left);
    writeFileSync(join(root, 'self/net/sockstat'), sockstat(30_000));
    writeFileSync(join(root, 'self/net/tcp'), table(30_000));
    const cut = await observeSockets(root, [], first);
    assert.match(
      cut.left.join('\n'),
      /^\d+ sockets beyond the limit of 2048 were not looked at\nnet\/tcp: only its first 1048576 bytes were read$/u,
    );
  });

  test('of pieces of evidence: 8 of a finding', () => {
    const { evidence } = makeFinding(shellChild, {
      title: 't',
      severity: 'low',
      subject: { pid: 1 },
      evidence: Array.from({ length: 11 }, (_, number) => `piece ${number}`),
    });
    assert.deepEqual([evidence.length, evidence.at(-1)], [9, '3 further pieces of evidence were left out']);
  });

  test('of access key ids in a file: 4', async () => {
    const tree = join(folder, 'keys');
    mkdirSync(tree);
    const keys = Array.from({ length: 6 }, (_, number) => `AKIA${String.fromCharCode(65 + number).repeat(16)}`);
    writeFileSync(join(tree, 'loot'), keys.join('\n'));
    closeSync(openSync(join(tree, 'loot'), 'r'));
    const roots: Roots = { proc: recorded('nobody', { uptime: '1 1\n' }), etc: '/nowhere', writable: [tree], code: [] };
    const { files } = await openScanner({ by: 'extension', roots }).scan(INVOCATION);
    assert.deepEqual([files[0]?.accessKeys?.length, files[0]?.moreAccessKeys], [4, 2]);
  });
});
