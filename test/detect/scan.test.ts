/**
 * What a look reads: of a recorded tree, of a hostile one, and of this very machine; and what it does not read twice.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import type { Observation, ObservedProcess } from '../../src/contracts/evidence.ts';
import { observeProcesses } from '../../src/detect/observe-processes.ts';
import { openScanner, type SandboxScanner, type ScannerOptions } from '../../src/detect/scan.ts';
import { IMPLANT_COMM, plant, SANDBOX } from '../fixtures/proc/sandbox.ts';

const INVOCATION = { number: 1, startedMs: 0 };

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'amber-look-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function lookout(writable: string, options: Partial<ScannerOptions> = {}): SandboxScanner {
  // A busy machine must not end a look early.
  return openScanner({
    by: 'process',
    roots: { proc: '/proc', writable: [writable], code: [], etc: '/nowhere' },
    ...options,
    limits: { totalMs: 60_000, ...options.limits },
  });
}

describe('a recorded sandbox', () => {
  const look = async (): Promise<Observation> =>
    openScanner({
      by: 'process',
      roots: { proc: plant(SANDBOX), writable: ['/tmp/amber-not-there'], code: [], etc: '/nowhere' },
    }).scan(INVOCATION);

  test('its processes have their roles, their links and what is mapped', async () => {
    const { processes } = await look();
    assert.deepEqual(
      processes.map(({ pid, role }) => [pid, role]),
      [
        [9, 'runtime'],
        [1, 'init'],
        [17, 'other'],
        [23, 'other'],
      ],
    );
    const implant = processes.find(({ pid }) => pid === 17);
    assert.equal(implant?.comm, IMPLANT_COMM);
    assert.equal(implant.exe, '/tmp/.x');
    assert.ok(implant.exeDeleted);
    assert.deepEqual(implant.sockets, ['5003']);
    assert.equal(processes.find(({ pid }) => pid === 1)?.env?.['AWS_ACCESS_KEY_ID'], 'ASIAEXAMPLE');
    assert.ok(!JSON.stringify(processes).includes('hidden-secret'));
  });

  test('its sockets have their owners', async () => {
    const { sockets } = await look();
    const pool = sockets.find(({ remotePort }) => remotePort === 4444);
    assert.deepEqual([pool?.remoteAddress, pool?.pids], ['93.181.216.5', [17]]);
  });
});

describe('a process that executes a program while it is read', () => {
  const limits = { processes: 64, descriptors: 64, slowMs: 1000 };
  const become = (root: string, name: string): void => {
    rmSync(join(root, '17/exe'));
    symlinkSync(`/usr/bin/${name}`, join(root, '17/exe'));
    rmSync(join(root, '17/cmdline'));
    writeFileSync(join(root, '17/cmdline'), `${name}\0-i\0`);
  };
  const read = async (changes: number): Promise<readonly [string | undefined, string | undefined]> => {
    const root = plant(SANDBOX);
    let left = changes;
    // Asked when its executable is known and its arguments are not.
    const always = (pid: number): boolean => {
      if (pid === 17 && left > 0) become(root, `name-${left--}`);
      return false;
    };
    const { processes } = await observeProcesses(
      { root, writable: ['/tmp'], stopped: () => false, always },
      limits,
      new Map(),
    );
    const one = processes.find(({ pid }) => pid === 17);
    return [one?.exe, one?.argv[0]];
  };

  test('is seen as what it has become, whole', async () => {
    assert.deepEqual(await read(1), ['/usr/bin/name-1', 'name-1']);
    assert.deepEqual(await read(2), ['/usr/bin/name-1', 'name-1']);
  });

  test('is not read for ever', async () => {
    assert.equal((await read(1000))[1], 'name-998');
  });
});

describe('writable trees', () => {
  test('what a file is, and not what its name says', async (t) => {
    const tree = folder(t);
    writeFileSync(join(tree, 'photo.jpg'), '\x7fELF\x02');
    writeFileSync(join(tree, 'notes.txt'), '#!/bin/sh\n');
    writeFileSync(join(tree, 'config'), 'aws_access_key_id = AKIAABCDEFGHIJKLMNOP\n');
    symlinkSync('/var/runtime/x', join(tree, 'link'));
    spawnSync('mkfifo', [join(tree, 'pipe')]);
    const { files } = await lookout(tree).scan(INVOCATION);
    const of = (name: string): unknown => files.find(({ path }) => path === join(tree, name));
    assert.partialDeepStrictEqual(of('photo.jpg'), { magic: 'elf', type: 'file' });
    assert.partialDeepStrictEqual(of('notes.txt'), { magic: 'script' });
    assert.partialDeepStrictEqual(of('config'), { magic: 'text', accessKeys: ['AKIAABCDEFGHIJKLMNOP'] });
    assert.partialDeepStrictEqual(of('link'), { type: 'link', target: '/var/runtime/x' });
    assert.partialDeepStrictEqual(of('pipe'), { type: 'other', magic: 'unread' });
  });

  test('what Python runs of a file by itself: lines of a .pth file, a module at the root of an archive', async (t) => {
    const tree = folder(t);
    const member = (name: string): Buffer =>
      Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.alloc(26, 10), Buffer.from(name)]);
    writeFileSync(join(tree, 'code.pth'), '# paths\nimport os; os.environ\n');
    writeFileSync(join(tree, 'paths.pth'), '/opt/python\nimports\n');
    writeFileSync(join(tree, 'code.txt'), 'import os\n');
    writeFileSync(join(tree, 'hook.zip'), Buffer.concat([member('first.py'), member('sitecustomize.py')]));
    writeFileSync(join(tree, 'tracer.zip'), member('tracer/sitecustomize.py'));
    const { files } = await lookout(tree).scan(INVOCATION);
    assert.deepEqual(
      files
        .filter(({ startsCode }) => startsCode)
        .map(({ path }) => path.slice(tree.length + 1))
        .sort(),
      ['code.pth', 'hook.zip'],
    );
  });

  test('no file is opened twice while it is the same, and is when it has changed', async (t) => {
    const tree = folder(t);
    const path = join(tree, 'file');
    writeFileSync(path, 'text');
    const eye = lookout(tree);
    assert.equal((await eye.scan(INVOCATION)).files[0]?.magic, 'text');
    chmodSync(path, 0o000);
    const denied = process.getuid?.() !== 0;
    const second = await eye.scan(INVOCATION);
    assert.equal(second.files[0]?.magic, denied ? 'unread' : 'text', 'chmod changes the ctime, so it is asked again');
    chmodSync(path, 0o600);
    writeFileSync(path, '\x7fELF');
    utimesSync(path, 1, 1);
    assert.equal((await eye.scan(INVOCATION)).files[0]?.magic, 'elf');
  });

  test('beyond the limits things are counted and left for the next look', async (t) => {
    const tree = folder(t);
    for (let index = 0; index < 40; index += 1) writeFileSync(join(tree, String(index)), 'x');
    const few = lookout(tree, { limits: { heads: 10 } });
    const first = await few.scan(INVOCATION);
    assert.equal(first.files.filter(({ magic }) => magic === 'text').length, 10);
    assert.match(first.notInspected.join(), /30 files/u);
    const second = await few.scan(INVOCATION);
    assert.equal(second.files.filter(({ magic }) => magic === 'text').length, 20);
    const { files, notInspected: left } = await lookout(tree, { limits: { paths: 11 } }).scan(INVOCATION);
    assert.equal(files.length, 10);
    assert.match(left.join(), /30 paths/u);
  });

  test('a folder that becomes a link leads nowhere', async (t) => {
    const [tree, outside] = [folder(t), folder(t)];
    writeFileSync(join(outside, 'secret'), 'text');
    mkdirSync(join(tree, 'a'));
    const eye = lookout(tree);
    await eye.scan(INVOCATION);
    rmSync(join(tree, 'a'), { recursive: true });
    symlinkSync(outside, join(tree, 'a'));
    assert.deepEqual(
      (await eye.scan(INVOCATION)).files.map(({ path, type }) => [path, type]),
      [[join(tree, 'a'), 'link']],
    );
  });
});

describe('this machine', () => {
  test('a child with its arguments, its stdio and its parent; looks do not overlap', async (t) => {
    const tree = folder(t);
    const child = spawn('sleep', ['300'], { stdio: ['pipe', 'ignore', 'ignore'] });
    t.after(() => child.kill('SIGKILL'));
    const eye = lookout(tree);
    const [{ processes }] = await Promise.all([eye.scan(INVOCATION), eye.scan(INVOCATION)]);
    const seen = processes.find(({ pid }) => pid === child.pid);
    assert.deepEqual(seen?.argv, ['sleep', '300']);
    assert.equal(seen.ppid, process.pid);
    assert.equal(seen.role, 'other');
    assert.match(seen.stdio?.[0] ?? '', /^(?:socket|pipe):/u);
    assert.equal(seen.stdio?.[1], '/dev/null');
    assert.ok(Math.abs(seen.startMs - statSync(`/proc/${String(child.pid)}`).ctimeMs) < 60_000);
    assert.equal(processes.find(({ pid }) => pid === process.pid)?.role, 'runtime');
  });

  test('a process that has slept since the last look is not read again, and one that has done anything is', async (t) => {
    const child = spawn('sh', { stdio: ['pipe', 'ignore', 'ignore'] });
    t.after(() => child.kill('SIGKILL'));
    const eye = lookout(folder(t));
    const seen = async (): Promise<ObservedProcess | undefined> =>
      (await eye.scan(INVOCATION)).processes.find(({ pid }) => pid === child.pid);
    const until = async (
      holds: (one: ObservedProcess | undefined) => boolean,
    ): Promise<ObservedProcess | undefined> => {
      for (let turn = 0; turn < 500; turn += 1) {
        const one = await seen();
        if (holds(one)) return one;
      }
      return seen();
    };
    const known = await until((one) => one?.exe?.endsWith('sh') === true && one.state === 'S');
    for (let looks = 0; looks < 5; looks += 1) await seen();
    // Its lists are those that were read before, if the kernel counts.
    const counts = /^[1-9]/u.test(readFileSync(`/proc/${String(child.pid)}/schedstat`, 'latin1'));
    if (counts) assert.equal((await seen())?.stdio, (await seen())?.stdio);
    assert.deepEqual(known?.peeks, []);
    const secret = `/proc/${String(process.pid)}/environ`;
    child.stdin.write(`exec 7< ${secret}\n`);
    assert.deepEqual((await until((one) => one?.peeks.length === 1))?.peeks, [secret]);
    child.stdin.write('exec sleep 300\n');
    assert.match(
      (
        await until((one) => one?.exe?.includes('sleep') === true || one?.exe?.includes('coreutils') === true)
      )?.argv.join(' ') ?? '',
      /sleep 300/u,
    );
  });

  test('a process that executes its own program once more is read anew, its environment included', async (t) => {
    const child = spawn('sh', { stdio: ['pipe', 'ignore', 'ignore'] });
    t.after(() => child.kill('SIGKILL'));
    const eye = lookout(folder(t));
    const seen = async (): Promise<ObservedProcess | undefined> =>
      (await eye.scan(INVOCATION)).processes.find(({ pid }) => pid === child.pid);
    let before = await seen();
    for (let turn = 0; turn < 500 && before?.exe?.endsWith('sh') !== true; turn += 1) before = await seen();
    child.stdin.write('export NODE_OPTIONS=--require=/tmp/hook.cjs\nexec sh\n');
    let after = await seen();
    for (
      let turn = 0;
      turn < 500 && (after?.layout === before?.layout || after?.env?.['NODE_OPTIONS'] === undefined);
      turn += 1
    )
      after = await seen();
    assert.deepEqual([after?.pid, after?.startTicks, after?.exe], [before?.pid, before?.startTicks, before?.exe]);
    assert.notEqual(after?.layout, before?.layout);
    assert.equal(after?.env?.['NODE_OPTIONS'], '--require=/tmp/hook.cjs');
    assert.equal(before?.env?.['NODE_OPTIONS'], undefined);
  });

  test('only our own sandbox is looked at: not what other parents of this machine run', async (t) => {
    const { processes } = await lookout(folder(t)).scan(INVOCATION);
    if (process.ppid === 1) return;
    assert.ok(
      processes.every(
        ({ pid, ppid }) => pid === process.ppid || ppid === process.ppid || processes.some((one) => one.pid === ppid),
      ),
    );
  });
});
