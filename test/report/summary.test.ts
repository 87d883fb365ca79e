/** What goes to the log when no destination took the capture. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { CollectorContext } from '../../src/contracts/evidence.ts';
import { snapshotProcesses } from '../../src/proc/snapshot.ts';
import { volatileSummary } from '../../src/report/summary.ts';

test('holds the processes, and the connections with the process that holds them', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = connect(port, '127.0.0.1');
  await once(client, 'connect');
  t.after(() => {
    client.destroy();
    server.close();
  });
  let breaths = 0;
  const budget = { yieldIfDue: () => void (breaths += 1) };
  const scene = {
    captureId: 'one',
    startedMs: 0,
    cause: { trigger: 'call', reason: 'test' },
    invocation: undefined,
    budget,
    processes: () => snapshotProcesses(),
  };
  const summary = (await volatileSummary(scene as unknown as CollectorContext)) as {
    processes: { pid: number; uid?: number; exe?: string; open: string[] }[];
    inet: { remote: { address: string; port: number }; state: string; owners: { pid: number }[] }[];
  };
  const own = summary.processes.find(({ pid }) => pid === process.pid);
  assert.deepEqual([own?.exe, own?.uid], [process.execPath, process.getuid?.()]);
  assert.ok(own?.open.every((file) => !file.startsWith('anon_inode:')));
  const ours = summary.inet.filter(({ remote }) => remote.port === port);
  assert.deepEqual(
    ours.map(({ state, remote, owners }) => [state, remote.address, owners.map(({ pid }) => pid)]),
    [['ESTABLISHED', '127.0.0.1', [process.pid]]],
  );
  assert.ok(breaths > 0);
});
