import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { appendFileSync, copyFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { executables } from '../../src/collect/executables.ts';
import { processes } from '../../src/collect/processes.ts';
import { plant, SANDBOX } from '../fixtures/proc/sandbox.ts';
import { start } from '../proc/actors.ts';
import { contextOf, valueOf } from './volatile.ts';

interface Row {
  readonly pid: number;
  readonly children: number[];
  readonly exe?: { path: string; deleted?: boolean; sha256?: string; reason?: string; size?: number; links?: number };
  readonly [field: string]: unknown;
}

interface Processes {
  readonly processes: Row[];
  readonly vanished: number[];
  readonly self: number;
}

const folder = mkdtempSync(join(tmpdir(), 'amber-processes-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const sleepHash = createHash('sha256').update(readFileSync('/bin/sleep')).digest('hex');

function program(name: string): string {
  copyFileSync('/bin/sleep', join(folder, name));
  return join(folder, name);
}

describe('processes', () => {
  it('says who started what, with which digest, as whom and in which limits', async (t) => {
    const child = start(t, program('worker'), ['600'], { cwd: folder });
    await once(child, 'spawn');
    const { processes: rows, self } = await valueOf<Processes>(
      processes,
      contextOf('/proc', {}, { limits: { fullDetail: 4096 } }),
    );
    const row = rows.find(({ pid }) => pid === child.pid);
    assert.deepEqual(row?.exe && { path: row.exe.path, sha256: row.exe.sha256, links: row.exe.links }, {
      path: join(folder, 'worker'),
      sha256: sleepHash,
      links: 1,
    });
    assert.deepEqual(row?.['argv'], [join(folder, 'worker'), '600']);
    assert.deepEqual(row['cwd'], { path: folder });
    assert.equal(row['ppid'], process.pid);
    assert.equal(row['uid'], process.getuid?.());
    assert.deepEqual(row['failures'], []);
    assert.match(JSON.stringify(row['limits']), /"Max open files":\{"soft":"\d+"/u);
    assert.match(JSON.stringify(row['namespaces']), /"pid":"pid:\[\d+\]"/u);
    assert.match(String(row['CapEff']), /^[0-9a-f]{16}$/u);
    assert.ok(Math.abs(Date.parse(String(row['start'])) - Date.now()) < 60_000);
    assert.equal(self, process.pid);
    assert.ok(rows.find(({ pid }) => pid === process.pid)?.children.includes(child.pid ?? 0));
  });

  it('hashes what a deleted executable was', async (t) => {
    const path = program('implant');
    // A tail makes it a file of its own.
    appendFileSync(path, 'implant');
    const expected = createHash('sha256').update(readFileSync(path)).digest('hex');
    const child = start(t, path, ['600']);
    await once(child, 'spawn');
    unlinkSync(path);
    const row = (await valueOf<Processes>(processes, contextOf())).processes.find(({ pid }) => pid === child.pid);
    assert.deepEqual([row?.exe?.path, row?.exe?.deleted, row?.exe?.links, row?.exe?.sha256], [path, true, 0, expected]);
  });

  it('leaves large executables to executables.jsonl, which has every digest once', async (t) => {
    const path = program('large');
    truncateSync(path, 20 * 1024 * 1024);
    const expected = createHash('sha256').update(readFileSync(path)).digest('hex');
    const children = [start(t, path, ['600']), start(t, path, ['601'])];
    await Promise.all(children.map((child) => once(child, 'spawn')));
    const context = contextOf();
    const row = (await valueOf<Processes>(processes, context)).processes.find(({ pid }) => pid === children[0]?.pid);
    assert.equal(row?.exe?.sha256, undefined);
    assert.equal(row?.exe?.reason, 'not hashed here: larger than 16777216 bytes');
    const files = await valueOf<{ path: string; pids: number[]; sha256?: string }[]>(executables, context);
    const found = files.filter((file) => file.path === path);
    assert.deepEqual(
      found.map(({ sha256, pids }) => [sha256, pids]),
      [[expected, children.map(({ pid }) => pid)]],
    );
    assert.equal(
      files.find(({ pids }) => pids.includes(process.pid))?.sha256,
      createHash('sha256').update(readFileSync(process.execPath)).digest('hex'),
    );
  });

  it('keeps hostile names of a recorded tree without loss', async () => {
    const { processes: rows, vanished } = await valueOf<Processes>(processes, contextOf(plant(SANDBOX)));
    assert.deepEqual(vanished, [31]);
    const [rapid, node, implant, zombie] = rows;
    assert.equal(implant?.['comm'], ') R 1 1 (\n0 (x');
    // Bytes that are no UTF-8 stand as lone surrogates, as Python's surrogateescape has it.
    assert.deepEqual(implant['argv'], ['./kworker/0:1', '-e', '', '\udcff\udcfe']);
    assert.deepEqual([implant['NoNewPrivs'], implant['Seccomp'], implant['TracerPid']], ['0', '2', '0']);
    assert.deepEqual([rapid?.children, node?.children, implant.children], [[9], [17], [23]]);
    assert.deepEqual(implant.exe, { path: '/tmp/.x', deleted: true, reason: 'missing (ENOENT)' });
    assert.deepEqual([zombie?.['state'], zombie?.exe], ['Z', undefined]);
    assert.equal(rapid?.['start'], '2026-11-24T05:26:40.010Z');
  });

  it('stops hashing when the time is nearly over', async (t) => {
    const child = start(t, program('late'), ['600']);
    await once(child, 'spawn');
    const context = contextOf();
    const late = { ...context, budget: { ...context.budget, remainingMs: () => 50 } };
    const row = (await valueOf<Processes>(processes, late)).processes.find(({ pid }) => pid === child.pid);
    assert.equal(row?.exe?.reason, 'not hashed: the time of the capture is nearly over');
  });
});
