/** Limits driven over: each one says in the manifest what it left. */
import assert from 'node:assert/strict';
import { closeSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { startSummary } from '../../src/collect/memory-summary.ts';
import { recovered } from '../../src/collect/recovered.ts';
import { runtime } from '../../src/collect/runtime.ts';
import { extraGlobals, processListeners } from '../../src/collect/runtime/globals.ts';
import { comparedIntrinsics, freshRealm } from '../../src/collect/runtime/realm.ts';
import { system } from '../../src/collect/system.ts';
import { writable } from '../../src/collect/writable.ts';
import type { Entry, Finding } from '../../src/contracts/evidence.ts';
import { firstOf } from '../../src/detect/finding.ts';
import { parseFdInfo } from '../../src/proc/fdinfo.ts';
import { requirePeer } from '../peers.ts';
import { python } from '../proc/actors.ts';
import { drain, makeContext } from './context.ts';
import { entriesOf, contextOf } from './volatile.ts';
import { folder } from './limits-folder.ts';

async function recoveredOf(pid: number | undefined): Promise<readonly Entry[]> {
  const entries = await entriesOf(recovered, contextOf('/proc', {}, { limits: { fullDetail: 4096 } }));
  for (const entry of entries) if (entry.kind === 'file') closeSync(entry.fd);
  return entries.filter(({ path }) => path.startsWith(`recovered/${pid}/`) || path.startsWith('recovered/sysv'));
}

describe('a limit counts what it left', () => {
  it('of deleted files that are only mapped: 1,024 of a process', async (t) => {
    if (!requirePeer(t, 'python3')) return;
    const [child] = await python(
      t,
      `
import ctypes, os, sys, time
libc = ctypes.CDLL(None); libc.mmap.restype = ctypes.c_void_p
for n in range(1100):
    f = os.open(sys.argv[1] + '/m', os.O_RDWR | os.O_CREAT); os.write(f, b'x'); os.unlink(sys.argv[1] + '/m')
    libc.mmap(None, ctypes.c_size_t(4096), 1, 2, f, ctypes.c_long(0)); os.close(f)
print(flush=True); time.sleep(600)`,
      folder,
    );
    const found = await recoveredOf(child.pid);
    assert.equal(found.filter(({ path }) => /\/map-[0-9a-f]{6,}-/u.test(path)).length, 1024);
    assert.equal(
      found.find(({ path }) => path.endsWith('map-beyond-the-limit'))?.reason,
      '76 more deleted files that are only mapped were not looked at',
    );
  });

  it('of files in use that the inventory does not have: 1,000', async () => {
    writeFileSync(join(folder, 'there'), '');
    const descriptors = Array.from({ length: 1501 }, (_, fd) => ({
      fd,
      link: { target: `${folder}/gone-${fd}`, deleted: false },
    }));
    const drained = await drain(writable, makeContext({ writable: [folder], processes: [{ descriptors }] }));
    assert.equal(drained.filter(({ entry }) => entry.path.includes('/gone-')).length, 1000);
    assert.equal(
      drained.find(({ entry }) => entry.path === 'files-in-use/beyond-the-limit')?.entry.reason,
      '501 more files in use that the inventory does not have were not taken',
    );
  });

  it('of names of files in use: 10,000', async () => {
    const descriptors = Array.from({ length: 10_007 }, (_, fd) => ({
      fd,
      link: { target: `${folder}/gone-${fd}`, deleted: false },
    }));
    const drained = await drain(writable, makeContext({ writable: [folder], processes: [{ descriptors }] }));
    const reasons = drained
      .filter(({ entry }) => entry.path === 'files-in-use/beyond-the-limit')
      .map(({ entry }) => entry.reason);
    assert.deepEqual(reasons, [
      '9000 more files in use that the inventory does not have were not taken',
      '7 further names of files in use were not looked at',
    ]);
  });

  it('of unusual mappings, lines of fdinfo and findings of one kind', () => {
    const summary = startSummary({ whole: true });
    for (let at = 1; at <= 600; at += 1)
      summary.add({ range: `${at}000-${at}fff`, perms: 'rwxp', offset: '0', dev: '00:00', inode: '0', path: '' });
    assert.equal(summary.finish().moreUnusual, 88);
    const info = parseFdInfo(Buffer.from(`pos:\t0\n${'tfd: 1\n'.repeat(70)}`));
    assert.equal(info.details.at(-1), 'and 6 more lines');
    const one = { key: 'k', evidence: ['what was seen'] } as unknown as Finding;
    assert.deepEqual(
      firstOf(
        Array.from({ length: 20 }, () => one),
        16,
      ).at(-1)?.evidence,
      ['what was seen', '4 further findings of this kind were left out'],
    );
  });
});

describe('what cannot be had is named', () => {
  it('attached System V memory is brought back or denied, detached memory is a line', async (t) => {
    if (!requirePeer(t, 'python3')) return;
    const [child, [attached, detached]] = await python(
      t,
      `
import ctypes, time
libc = ctypes.CDLL(None); libc.shmat.restype = ctypes.c_void_p
a = libc.shmget(0, ctypes.c_size_t(8192), 0o1600); p = libc.shmat(a, None, 0)
ctypes.memmove(p, b'system five', 11)
d = libc.shmget(0, ctypes.c_size_t(4096), 0o1600)
print(a, d, flush=True)
time.sleep(600)`,
    );
    t.after(() =>
      python(
        t,
        `import ctypes, sys\nfor i in sys.argv[1:]: ctypes.CDLL(None).shmctl(int(i), 0, None)\nprint(flush=True)`,
        attached ?? '',
        detached ?? '',
      ),
    );
    const found = await recoveredOf(child.pid);
    const segment = found.find(({ notes }) => String(notes?.()['link']).startsWith('/SYSV'));
    assert.ok(segment);
    if (process.getuid?.() === 0) assert.equal(segment.kind, 'file', segment.reason);
    else assert.match(segment.reason ?? '', /its pages are in the memory of the process/u);
    assert.match(
      found.find(({ path }) => path === `recovered/sysv-${detached}`)?.reason ?? '',
      /^System V memory of 4096 bytes that no process has attached/u,
    );
    assert.equal(
      found.some(({ path }) => path === `recovered/sysv-${attached}`),
      false,
    );
  });

  it('descriptors in the queue of a socket are a line', async (t) => {
    if (!requirePeer(t, 'python3')) return;
    const [child, [fd]] = await python(
      t,
      `
import array, os, socket, time
a, b = socket.socketpair()
m = os.memfd_create('hidden'); os.write(m, b'hidden')
a.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [m, m]))]); os.close(m)
print(b.fileno(), flush=True); time.sleep(600)`,
    );
    const found = await recoveredOf(child.pid);
    const reason = found.find(({ path }) => path === `recovered/${child.pid}/fd-${fd}-queue`)?.reason;
    assert.match(reason ?? '', /^2 descriptors wait in the queue of this socket/u);
  });

  it('extended attributes are a line', async () => {
    const entries = await entriesOf(system, contextOf('/proc'));
    const line = entries.find(({ path }) => path === 'extended-attributes');
    assert.deepEqual([line?.outcome, line?.byDesign], ['skipped', 'never-read']);
  });
});

describe('a limit counts what it left, of what is asked of the process itself', () => {
  it('globals, listeners and patches: 500 each', (t) => {
    const realm = freshRealm();
    const before = {
      globals: extraGlobals(realm).found.length,
      listeners: Object.keys(processListeners(realm).found).length,
    };
    const names = Array.from({ length: 510 }, (_, index) => `amberLimit${index}`);
    const silent = (): void => undefined;
    for (const name of names) {
      Object.defineProperty(globalThis, name, { value: 1, configurable: true });
      Object.defineProperty(Math, name, { value: silent, configurable: true });
      process.on(name, silent);
    }
    t.after(() => {
      for (const name of names) {
        Reflect.deleteProperty(globalThis, name);
        Reflect.deleteProperty(Math, name);
        process.off(name, silent);
      }
    });
    const [globals, listeners] = [extraGlobals(realm), processListeners(realm)];
    assert.deepEqual([globals.found.length, globals.beyond], [500, before.globals + 10]);
    assert.deepEqual([Object.keys(listeners.found).length, listeners.beyond], [500, before.listeners + 10]);
    const patches = comparedIntrinsics(realm);
    assert.equal(
      patches.filter(({ name }) => name.startsWith('Math.amberLimit')).length,
      500 - patches.filter(({ name }) => !name.startsWith('Math.amberLimit') && !name.startsWith('and ')).length,
    );
    assert.match(patches.at(-1)?.name ?? '', /^and \d+ more$/u);
    assert.equal(500 + Number(/\d+/u.exec(patches.at(-1)?.name ?? '')?.[0]), 510 + comparedWithout(realm, names));
  });

  it('and the manifest has the number', async (t) => {
    const names = Array.from({ length: 600 }, (_, index) => `amberManifest${index}`);
    const silent = (): void => undefined;
    for (const name of names) {
      Object.defineProperty(globalThis, name, { value: 1, configurable: true });
      process.on(name, silent);
    }
    t.after(() => {
      for (const name of names) {
        Reflect.deleteProperty(globalThis, name);
        process.off(name, silent);
      }
    });
    const realm = freshRealm();
    const entries = await entriesOf(runtime, contextOf('/proc'));
    for (const [what, count] of [
      ['globals', extraGlobals(realm).beyond],
      ['listeners', processListeners(realm).beyond],
    ] as const) {
      const found = entries.find(({ path }) => path === `live_response/runtime-${what}-beyond-the-limit`);
      assert.ok(count >= 100);
      assert.deepEqual([found?.outcome, found?.reason], ['skipped', `${count} more ${what} are not listed`]);
    }
  });

  /** Patches that are there without those of a test. */
  function comparedWithout(realm: ReturnType<typeof freshRealm>, names: readonly string[]): number {
    const added = names.map((name) => [name, Object.getOwnPropertyDescriptor(Math, name)] as const);
    for (const name of names) Reflect.deleteProperty(Math, name);
    const count = comparedIntrinsics(realm).length;
    for (const [name, property] of added) if (property !== undefined) Object.defineProperty(Math, name, property);
    return count;
  }
});
