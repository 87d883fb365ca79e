import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it, type TestContext } from 'node:test';
import { missing, requirePeer } from '../peers.ts';
import { start } from './actors.ts';

interface Seen {
  readonly ms: number;
  readonly longestHoldMs: number;
  readonly hanging: number;
  readonly victim: { failures: string[]; comm: string; files: string[] };
  /** Other processes of which a read timed out. */
  readonly others: string[];
  readonly later: number;
}

const LOOK = `
import { snapshotProcesses } from '${join(import.meta.dirname, '../../src/proc/snapshot.ts')}';
import { sharedPool } from '${join(import.meta.dirname, '../../src/proc/bounded-pool.ts')}';
const victim = Number(process.argv[1]);
let longest = 0, last = performance.now(), on = true;
const tick = () => { const now = performance.now(); longest = Math.max(longest, now - last); last = now; if (on) setImmediate(tick); };
tick();
const before = performance.now();
const { processes } = await snapshotProcesses();
on = false;
const ms = performance.now() - before;
const again = performance.now();
await snapshotProcesses();
const record = processes.find(({ pid }) => pid === victim);
process.stdout.write(JSON.stringify({
  ms, longestHoldMs: longest, hanging: sharedPool.hanging(), later: performance.now() - again,
  victim: { failures: record.failures, comm: record.comm, files: [...record.files].filter(([, read]) => read.ok).map(([name]) => name) },
  others: processes.filter(({ pid, failures }) => pid !== victim && failures.some((line) => line.includes('timed-out'))).map(({ pid, failures }) => pid + ': ' + failures),
}) + '\\n', () => process.exit(3));
`;

/** A process that holds the lock of its address space for ever; see the script. */
async function startVictim(t: TestContext): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'amber-fuse-'));
  const server = start(t, 'python3', [join(import.meta.dirname, '../fixtures/proc/fuse-victim.py'), folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(async () => {
    // The end of the server aborts the file system, which lets all hung readers go.
    server.kill('SIGKILL');
    if (server.exitCode === null && server.signalCode === null) await once(server, 'exit');
    spawnSync('umount', ['-l', folder]);
    rmdirSync(folder);
  });
  const [line] = (await once(createInterface(server.stdout!), 'line')) as [string];
  return Number(line);
}

describe('a process that really hangs its readers', () => {
  it('costs a quarter of a second, nobody else anything, and the main thread nothing', async (t) => {
    if (process.getuid?.() !== 0 || !existsSync('/dev/fuse')) return missing(t, 'root and /dev/fuse') as never;
    if (!requirePeer(t, 'python3', 'umount')) return;
    const victim = await startVictim(t);
    // In a process of its own: were the main thread to hang, it would be the one of this test.
    const looker = spawn(
      process.execPath,
      ['--no-warnings', '--input-type=module-typescript', '-e', LOOK, String(victim)],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    t.after(() => void looker.kill('SIGKILL'));
    const timer = setTimeout(() => looker.kill('SIGKILL'), 30_000);
    const ended = once(looker, 'exit').then(([code]) => code as number);
    const [line] = (await Promise.race([
      once(createInterface(looker.stdout), 'line'),
      once(looker, 'exit').then(() => {
        throw new Error('it hung');
      }),
    ])) as [string];
    const seen = JSON.parse(line) as Seen;
    assert.ok(seen.ms < 5000, `${seen.ms} ms`);
    assert.ok(
      seen.victim.failures.some((failure) => failure.startsWith('environ: timed-out (no answer within 250 ms)')),
      seen.victim.failures.join(),
    );
    assert.ok(['stat', 'status'].every((name) => seen.victim.files.includes(name)));
    assert.deepEqual(seen.others, []);
    assert.equal(seen.hanging, 0, 'a child of its own hangs instead of our threads');
    assert.equal(await ended, 3, 'process.exit() returns');
    assert.ok(seen.later < 5000, `${seen.later} ms`);
    clearTimeout(timer);
  });
});
