import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  closeSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdtempSync,
  readFileSync,
  readSync,
  rmSync,
  unlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { recovered } from '../../src/collect/recovered.ts';
import type { Entry, FileEntry } from '../../src/contracts/evidence.ts';
import { requirePeer } from '../peers.ts';
import { python, start } from '../proc/actors.ts';
import { entriesOf, contextOf } from './volatile.ts';

const folder = mkdtempSync(join(tmpdir(), 'amber-recovered-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Entries of some processes, by name; descriptors are read and closed as the archive does it. */
async function recover(
  pids: readonly (number | undefined)[],
  facts: Parameters<typeof contextOf>[1] = {},
): Promise<Map<string, { entry: Entry; body?: Buffer }>> {
  const found = new Map<string, { entry: Entry; body?: Buffer }>();
  for (const entry of await entriesOf(recovered, contextOf('/proc', facts))) {
    const body = entry.kind === 'file' ? readAndClose(entry) : undefined;
    if (pids.some((pid) => entry.path.startsWith(`recovered/${pid}/`)))
      found.set(entry.path.slice(10), body === undefined ? { entry } : { entry, body });
  }
  return found;
}

function readAndClose({ fd, stat }: FileEntry): Buffer {
  const buffer = Buffer.alloc(Math.min(Number(stat.size), 4 * 1024 * 1024));
  const count = readSync(fd, buffer, 0, buffer.length, 0);
  closeSync(fd);
  return buffer.subarray(0, count);
}

const reasonOf = (found: { entry: Entry } | undefined): string | undefined => found?.entry.reason;

describe('recovered', () => {
  it('brings back a deleted executable, once for all who run it', async (t) => {
    const path = join(folder, 'implant');
    copyFileSync('/bin/sleep', path);
    const [first, second] = [start(t, path, ['600']), start(t, path, ['601'])];
    await Promise.all([once(first, 'spawn'), once(second, 'spawn')]);
    unlinkSync(path);
    const found = await recover([first.pid, second.pid]);
    assert.deepEqual(
      [...found].filter(([, { entry }]) => entry.kind === 'file').map(([path]) => path),
      [`${first.pid}/exe`],
    );
    const exe = found.get(`${first.pid}/exe`);
    const digest = (body: Buffer | undefined): string =>
      createHash('sha256')
        .update(body ?? '')
        .digest('hex');
    assert.equal(digest(exe?.body), digest(readFileSync('/bin/sleep')));
    assert.deepEqual(exe?.entry.notes?.(), { link: `${path} (deleted)` });
    assert.equal(exe.entry.kind === 'file' && exe.entry.stat.nlink, 0n);
    const other = found.get(`${second.pid}/exe`);
    assert.equal(other?.entry.kind === 'absent' && other.entry.outcome, 'skipped');
    assert.equal(reasonOf(other), `the same file as recovered/${first.pid}/exe`);
  });

  it('brings back deleted files and memfds, however they are open, and no FIFO', async (t) => {
    if (!requirePeer(t, 'python3')) return;
    const [child, [file, wronly, memory, fifo]] = await python(
      t,
      `
import os, sys, time
d = sys.argv[1]
f = os.open(d + '/loot', os.O_RDWR | os.O_CREAT); os.write(f, b'loot' * 1000); os.lseek(f, 1234, 0); os.unlink(d + '/loot')
w = os.open(d + '/log', os.O_WRONLY | os.O_CREAT | os.O_APPEND); os.write(w, b'log'); os.unlink(d + '/log')
m = os.memfd_create('stage2'); os.write(m, b'\\x7fELF' + b'x' * 100)
os.mkfifo(d + '/pipe'); p = os.open(d + '/pipe', os.O_RDWR); os.unlink(d + '/pipe')
print(f, w, m, p, flush=True); time.sleep(600)`,
      folder,
    );
    const found = await recover([child.pid]);
    assert.equal(found.get(`${child.pid}/fd-${file}`)?.body?.toString(), 'loot'.repeat(1000));
    assert.equal(found.get(`${child.pid}/fd-${wronly}`)?.body?.toString(), 'log');
    assert.equal(found.get(`${child.pid}/fd-${memory}`)?.body?.toString('latin1'), `\x7fELF${'x'.repeat(100)}`);
    const pipe = found.get(`${child.pid}/fd-${fifo}`)?.entry;
    assert.deepEqual(pipe?.kind === 'absent' && [pipe.outcome, pipe.reason], ['skipped', 'not a regular file']);
  });

  it('does not take a name for a deletion, and takes a file whose other name still stands', async (t) => {
    if (!requirePeer(t, 'python3')) return;
    const [child, [named, linked]] = await python(
      t,
      `
import os, sys, time
n = os.open(sys.argv[1] + '/mine (deleted)', os.O_RDWR | os.O_CREAT)
l = os.open(sys.argv[1] + '/linked', os.O_RDWR | os.O_CREAT)
print(n, l, flush=True); time.sleep(600)`,
      folder,
    );
    linkSync(join(folder, 'linked'), join(folder, 'elsewhere'));
    unlinkSync(join(folder, 'linked'));
    const found = await recover([child.pid]);
    assert.equal(found.has(`${child.pid}/fd-${named}`), false);
    assert.equal(found.get(`${child.pid}/fd-${linked}`)?.entry.kind, 'file');
  });

  it('brings back or names what is only mapped any more', async (t) => {
    if (!requirePeer(t, 'python3')) return;
    const [child, [from, named]] = await python(
      t,
      `
import ctypes, os, sys, time
libc = ctypes.CDLL(None); libc.mmap.restype = ctypes.c_void_p
def mapped(text):
    f = os.open(sys.argv[1] + '/module.so', os.O_RDWR | os.O_CREAT); os.write(f, text); os.unlink(sys.argv[1] + '/module.so')
    return f, libc.mmap(None, ctypes.c_size_t(8192), 1, 2, f, ctypes.c_long(0))
f, address = mapped(b'mapped!' * 1000); os.close(f)
# A second file of the same name that is open must not stand for the first.
g, _ = mapped(b'decoy' * 1000)
print('%x' % address, g, flush=True); time.sleep(600)`,
      folder,
    );
    const found = await recover([child.pid]);
    assert.equal(found.get(`${child.pid}/fd-${named}`)?.body?.toString(), 'decoy'.repeat(1000));
    const maps = [...found].filter(([path]) => path.includes('/map-'));
    assert.equal(maps.length, 2);
    const [, item] = maps.find(([path]) => path.includes(`/map-${from}-`)) ?? [];
    if (item?.entry.kind === 'file') assert.equal(item.body?.toString(), 'mapped!'.repeat(1000));
    else assert.match(reasonOf(item) ?? '', /map_files needs CAP_CHECKPOINT_RESTORE/u);
    const [, other] = maps.find(([path]) => !path.includes(`/map-${from}-`)) ?? [];
    assert.equal(reasonOf(other), `the same file as recovered/${child.pid}/fd-${named}`);
  });

  it('takes small content first, and no decoy above half of the bytes that are left', async (t) => {
    if (!requirePeer(t, 'python3')) return;
    const [child, [sparse, large, small]] = await python(
      t,
      `
import os, time
a = os.memfd_create('decoy'); os.truncate(a, 10 << 30)
b = os.memfd_create('large'); os.truncate(b, 1 << 20)
c = os.memfd_create('small'); os.write(c, b'payload')
print(a, b, c, flush=True); time.sleep(600)`,
    );
    const budget = { ...contextOf().budget, remainingBytes: () => 1 << 30 };
    const found = await recover([child.pid], { budget });
    const files = [...found].filter(([, { entry }]) => entry.kind === 'file').map(([path]) => path);
    assert.deepEqual(files, [`${child.pid}/fd-${small}`, `${child.pid}/fd-${large}`]);
    const decoy = found.get(`${child.pid}/fd-${sparse}`)?.entry;
    assert.deepEqual(decoy?.kind === 'absent' && [decoy.outcome, decoy.reason, decoy.stat?.size], [
      'skipped',
      'it has 10737418240 bytes: more than half of what the byte budget has left',
      10n << 30n,
    ]);
  });

  it('opens nothing else when a descriptor is swapped after the look', async (t) => {
    if (!requirePeer(t, 'python3')) return;
    const marker = join(folder, 'swapped');
    const [child, [fd]] = await python(
      t,
      `
import os, signal, sys, time
d = sys.argv[1]
m = os.memfd_create('bait'); os.write(m, b'bait')
os.mkfifo(d + '/trap'); p = os.open(d + '/trap', os.O_RDWR)
def swap(*_):
    os.dup2(p, m); open(sys.argv[2], 'w').close()
signal.signal(signal.SIGUSR1, swap)
print(m, flush=True)
while True: time.sleep(1)`,
      folder,
      marker,
    );
    const quiet = contextOf().budget;
    const remainingBytes = (): number => {
      if (!existsSync(marker)) process.kill(child.pid ?? 0, 'SIGUSR1');
      for (const until = Date.now() + 5000; !existsSync(marker) && Date.now() < until; );
      return 1 << 30;
    };
    const found = await recover([child.pid], { budget: { ...quiet, remainingBytes } });
    assert.ok(existsSync(marker));
    const bait = found.get(`${child.pid}/fd-${fd}`)?.entry;
    assert.deepEqual(bait?.kind === 'absent' && [bait.outcome, bait.reason], [
      'skipped',
      'not a regular file any more',
    ]);
  });

  it('leaves no descriptor open', async () => {
    const open = async (): Promise<number> => (await import('node:fs')).readdirSync('/proc/self/fd').length;
    await recover([]);
    const before = await open();
    await recover([]);
    assert.equal(await open(), before);
  });
});
