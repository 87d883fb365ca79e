import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { procfs } from '../../src/collect/procfs.ts';
import type { Entry } from '../../src/contracts/evidence.ts';
import { plant, SANDBOX } from '../fixtures/proc/sandbox.ts';
import { start } from '../proc/actors.ts';
import { entriesOf, contextOf } from './volatile.ts';

function byPath(entries: readonly Entry[]): Map<string, Entry> {
  const map = new Map(entries.map((entry) => [entry.path, entry]));
  assert.equal(map.size, entries.length, 'no path twice');
  return map;
}

function textOf(entry: Entry | undefined): string | undefined {
  return entry?.kind === 'bytes' ? Buffer.from(entry.body).toString('latin1') : undefined;
}

describe('procfs', () => {
  it('gives files raw and links as links, under [root]/proc', async () => {
    const root = plant(SANDBOX);
    const entries = byPath(await entriesOf(procfs, contextOf(root)));
    assert.equal(textOf(entries.get('[root]/proc/17/environ')), SANDBOX['17/environ']);
    assert.equal(textOf(entries.get('[root]/proc/net/tcp')), SANDBOX['9/net/tcp']);
    assert.equal(textOf(entries.get('[root]/proc/uptime')), SANDBOX['uptime']);
    const links = [...entries.values()].flatMap((entry) =>
      entry.kind === 'link' && entry.path.startsWith('[root]/proc/9/') ? [[entry.path.slice(14), entry.target]] : [],
    );
    assert.deepEqual(Object.fromEntries(links), {
      exe: '/var/lang/bin/node',
      cwd: '/var/task',
      root: '/',
      'ns/cgroup': 'cgroup:[4026531835]',
      'ns/ipc': 'ipc:[4026531839]',
      'ns/mnt': 'mnt:[4026532177]',
      'ns/net': 'net:[4026531840]',
      'ns/pid': 'pid:[4026532178]',
      'ns/time': 'time:[4026531834]',
      'ns/user': 'user:[4026531837]',
      'ns/uts': 'uts:[4026531838]',
      'fd/0': '/dev/null',
      'fd/3': 'anon_inode:[eventpoll]',
      'fd/18': 'socket:[5001]',
      'fd/19': 'socket:[5002]',
      'fd/20': '/tmp/dropped (deleted)',
      'fd/21': '/memfd:stage2 (deleted)',
      'fd/22': '/tmp/\xff\x1b[31m\ny',
    });
    assert.ok(['etc', 'var', 'opt'].every((folder) => entries.get(`[root]/${folder}`)?.kind === 'directory'));
    assert.deepEqual(
      [...entries.values()].map((entry) => entry.source).filter((source) => !source.startsWith(root)),
      ['/etc', '/var', '/opt'],
    );
  });

  it('names how each file is searched for secrets', async () => {
    const entries = await entriesOf(procfs, contextOf(plant(SANDBOX)));
    const redactions = Object.fromEntries(
      entries.flatMap((entry) =>
        entry.kind === 'bytes' && entry.path.startsWith('[root]/proc/9/')
          ? [[entry.path.slice(14), entry.redaction]]
          : [],
      ),
    );
    assert.deepEqual(redactions, {
      stat: 'text',
      status: 'text',
      limits: 'content',
      cgroup: 'text',
      statm: 'content',
      comm: 'text',
      mountinfo: 'text',
      environ: 'environ',
      cmdline: 'cmdline',
      maps: 'text',
      io: 'content',
      smaps_rollup: 'content',
    });
    const kernel = entries.find(({ path }) => path === '[root]/proc/cmdline');
    assert.equal(kernel?.kind === 'bytes' && kernel.redaction, 'text');
  });

  it('has a line for what is not there', async () => {
    const context = contextOf(plant(SANDBOX), {}, { limits: { descriptors: 1, processes: 4 } });
    const absent = (await entriesOf(procfs, context)).flatMap((entry) =>
      entry.kind === 'absent' ? [[entry.path, entry.outcome, entry.reason]] : [],
    );
    assert.ok(absent.some(([path, outcome]) => path === '[root]/proc/9/wchan' && outcome === 'missing'));
    assert.deepEqual(
      absent.find(([path]) => path === '[root]/proc/9/fd'),
      ['[root]/proc/9/fd', 'skipped', '6 descriptors beyond the limit'],
    );
    assert.deepEqual(
      absent.find(([path]) => path === '[root]/proc'),
      ['[root]/proc', 'skipped', '2 processes were not read: limit on processes'],
    );
    const lost = (await entriesOf(procfs, contextOf(plant(SANDBOX)))).flatMap((entry) =>
      /proc\/3[12]$/u.test(entry.path) && entry.kind === 'absent' ? [[entry.path, entry.outcome, entry.reason]] : [],
    );
    assert.deepEqual(lost, [
      ['[root]/proc/31', 'missing', 'it ended between listing and reading'],
      ['[root]/proc/32', 'failed', 'its stat has no known form'],
    ]);
  });

  it('marks what was cut', async (t) => {
    const child = start(t, '/bin/sleep', ['600'], {
      env: { LONG: 'x'.repeat(100_000), LONGER: 'y'.repeat(100_000), LONGEST: 'z'.repeat(100_000) },
    });
    const entries = byPath(await entriesOf(procfs, contextOf()));
    const environ = entries.get(`[root]/proc/${child.pid}/environ`);
    assert.deepEqual(environ?.kind === 'bytes' && [environ.outcome, environ.reason, environ.body.length], [
      'truncated',
      'cut at 262144 bytes',
      262_144,
    ]);
    const own = textOf(entries.get(`[root]/proc/${process.pid}/environ`));
    assert.equal(own, readFileSync('/proc/self/environ', 'latin1'));
  });
});
