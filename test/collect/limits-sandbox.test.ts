/** Limits of what is collected of the sandbox: control groups, mount namespaces, sockets. */
import assert from 'node:assert/strict';
import { closeSync, mkdirSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { recovered } from '../../src/collect/recovered.ts';
import { system } from '../../src/collect/system.ts';
import type { Entry } from '../../src/contracts/evidence.ts';
import { MountBook } from '../../src/proc/mount-book.ts';
import { snapshotProcesses } from '../../src/proc/snapshot.ts';
import { missing, requirePeer } from '../peers.ts';
import { python } from '../proc/actors.ts';
import { makeContext } from './context.ts';
import { entriesOf, contextOf } from './volatile.ts';
import type { ProcessRecord, ProcessTable } from '../../src/contracts/process-table.ts';
import { folder } from './limits-folder.ts';

describe('a limit counts what it left, of the sandbox', () => {
  it('control groups: 32', async () => {
    const proc = join(folder, 'groups');
    mkdirSync(join(proc, 'self'), { recursive: true });
    writeFileSync(
      join(proc, 'self', 'cgroup'),
      Array.from({ length: 41 }, (_, index) => `${index + 1}:name=group${index}:/\n`).join(''),
    );
    writeFileSync(join(proc, 'self', 'mountinfo'), '');
    const entries = await entriesOf(system, contextOf(proc));
    const found = entries.find(({ path }) => path === 'cgroups-beyond-the-limit');
    assert.deepEqual(
      [found?.outcome, found?.reason],
      ['skipped', '9 more control groups of this process were not looked at'],
    );
  });

  it('mount namespaces: 64', () => {
    const book = new MountBook();
    for (let pid = 1; pid <= 70; pid += 1)
      for (let again = 0; again < 2; again += 1) book.of(join(folder, `nowhere/${pid}`));
    assert.equal(book.unread(), 6);
  });

  it('mount namespaces, and the manifest has the number', async (t) => {
    if (process.getuid?.() !== 0) {
      missing(t, 'root, to make mount namespaces');
      return;
    }
    if (!requirePeer(t, 'python3')) return;
    await python(
      t,
      `
import ctypes, os, signal, sys, time
libc = ctypes.CDLL(None); ready = os.pipe()
for n in range(67):
    if os.fork() == 0:
        libc.prctl(1, signal.SIGKILL); libc.unshare(0x20000)
        d = os.open('%s/held%d' % (sys.argv[1], n), os.O_RDWR | os.O_CREAT); os.unlink('%s/held%d' % (sys.argv[1], n))
        os.write(ready[1], b'x'); time.sleep(600)
held = 0
while held < 67: held += len(os.read(ready[0], 67))
print(flush=True); time.sleep(600)`,
      folder,
    );
    const entries = await entriesOf(recovered, contextOf('/proc', {}, { limits: { fullDetail: 4096 } }));
    for (const entry of entries) if (entry.kind === 'file') closeSync(entry.fd);
    const reason = entries.find(({ path }) => path === 'recovered/mount-namespaces-beyond-the-limit')?.reason ?? '';
    // Other programs of this machine may have namespaces of their own.
    assert.ok(Number(/^(\d+) mount namespaces were not read/u.exec(reason)?.[1]) >= 67 - 64, reason);
  });

  /** What becomes of a table of processes. */
  async function recoveredFrom(table: ProcessTable): Promise<readonly Entry[]> {
    const context = makeContext({});
    return entriesOf(recovered, {
      ...context,
      roots: { ...context.roots, proc: '/proc' },
      processes: () => Promise.resolve(table),
    });
  }

  it('sockets whose queue is asked for descriptors: those of the first processes, where there are more than 32', async (t) => {
    if (!requirePeer(t, 'python3')) return;
    const [child, [fd]] = await python(
      t,
      `
import array, os, socket, time
a, b = socket.socketpair()
a.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [0]))])
print(b.fileno(), flush=True); time.sleep(600)`,
    );
    // As if there were that many: the table holds one process in full, and one in brief.
    const [full, brief] = [
      await snapshotProcesses({ limits: { fullDetail: 4096 } }),
      await snapshotProcesses({ limits: { fullDetail: 0 } }),
    ];
    const mine = ({ processes }: ProcessTable): readonly ProcessRecord[] =>
      processes.filter(({ pid }) => pid === child.pid);
    const asked = await recoveredFrom({ ...full, processes: mine(full) });
    assert.ok(asked.some(({ path }) => path === `recovered/${child.pid}/fd-${fd}-queue`));
    assert.equal(
      asked.some(({ path }) => path === 'recovered/queues-beyond-the-limit'),
      false,
    );
    const unasked = await recoveredFrom({ ...full, processes: [...mine(full), ...mine(brief)] });
    const sockets = readdirSync(`/proc/${child.pid}/fd`).filter((name) =>
      readlinkSync(`/proc/${child.pid}/fd/${name}`).startsWith('socket:'),
    ).length;
    assert.ok(sockets >= 2);
    assert.equal(
      unasked.find(({ path }) => path === 'recovered/queues-beyond-the-limit')?.reason,
      `${sockets} sockets of 1 process were not asked for descriptors in their queues: there are too many processes to read each in full`,
    );
  });
});
