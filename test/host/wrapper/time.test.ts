/**
 * Time under the real clients: an answer comes before the deadline whatever the capture does, and a sandbox may freeze.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { ensureClient, ric3, ric4, standIn, STARTS_BOTH } from '../../sandbox/clients.ts';
import { HANDLERS } from '../../sandbox/record.ts';
import { startSandbox } from '../../sandbox/sandbox.ts';

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const TIMEOUT_MS = 3000;
const MARGIN_MS = 500;

describe('a destination that accepts and never answers', { skip: STARTS_BOTH }, () => {
  for (const client of [ric3, ric4, standIn]) {
    test(client.name, async (t) => {
      if (!ensureClient(t, client)) return;
      const sockets: Socket[] = [];
      const silent = createServer((socket) => sockets.push(socket.on('error', () => undefined)));
      await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
      t.after(() => {
        for (const socket of sockets) socket.destroy();
        silent.close();
      });
      const sandbox = await startSandbox({
        client,
        handler: 'amber.handlers.asynchronous',
        taskRoot: HANDLERS,
        timeoutMs: TIMEOUT_MS,
        env: {
          AMBER_CAPTURE: 'now',
          AMBER_DETECT: 'off',
          AMBER_DESTINATION: 's3://evidence/amber',
          AMBER_COLLECT: '-writable,-inventory,-timeline,-code,-recovered',
          AMBER_S3_ENDPOINT: `http://127.0.0.1:${String((silent.address() as AddressInfo).port)}`,
          AMBER_S3_PATH_STYLE: '1',
          AMBER_MARGIN_MS: String(MARGIN_MS),
        },
      });
      try {
        await sandbox.ready();
        const first = await sandbox.invoke({ result: 'object' });
        assert.equal(first.kind, 'response');
        // The margin less what a loaded machine may add.
        assert.ok(first.tookMs < TIMEOUT_MS - MARGIN_MS / 2, `${String(first.tookMs)} ms`);
        assert.equal((await sandbox.invoke({ result: 'object' })).kind, 'response');
      } finally {
        await sandbox.stop();
      }
      assert.match(sandbox.stdout(), /"amber":"capture".*"state":"failed"/u);
    });
  }
});

describe('a sandbox that freezes past the deadline of an invocation that has answered', { skip: STARTS_BOTH }, () => {
  for (const [client, event, handler] of [
    [ric3, { style: 'succeed' }, 'plain'],
    [ric4, { result: 'text' }, 'asynchronous'],
  ] as const) {
    test(`${client.name}: captures nothing when it wakes`, async (t) => {
      if (!ensureClient(t, client)) return;
      const sandbox = await startSandbox({
        client,
        handler: `amber.handlers.${handler}`,
        taskRoot: HANDLERS,
        timeoutMs: 1500,
        env: { AMBER_DETECT: 'off', AMBER_DESTINATION: 'file:///tmp/amber-frozen', AMBER_DEADLINE_MS: '500' },
      });
      try {
        await sandbox.ready();
        assert.equal((await sandbox.invoke(event)).kind, 'response');
        await sandbox.api.polled(2);
        sandbox.freeze();
        await sleep(1600);
        sandbox.thaw();
        await sleep(100);
        assert.equal((await sandbox.invoke(event)).kind, 'response');
      } finally {
        await sandbox.stop();
      }
      assert.doesNotMatch(sandbox.stdout(), /"amber"/u);
    });
  }
});

test('an invocation that runs out of time ends the sandbox, and what is near its deadline is captured before', {
  skip: STARTS_BOTH,
}, async (t) => {
  const client = ensureClient({ skip: () => undefined }, ric4) ? ric4 : standIn;
  t.diagnostic(`with the ${client.name}`);
  const folder = mkdtempSync(join(tmpdir(), 'amber-late-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const sandbox = await startSandbox({
    client,
    handler: 'amber.handlers.asynchronous',
    taskRoot: HANDLERS,
    timeoutMs: 4000,
    env: {
      AMBER_DETECT: 'off',
      AMBER_DESTINATION: `file://${folder}`,
      AMBER_DEADLINE_MS: '3000',
      AMBER_COLLECT: '-writable,-inventory,-timeline,-code,-recovered',
    },
  });
  try {
    await sandbox.ready();
    assert.equal((await sandbox.invoke({ result: 'text', wait: 30_000 })).kind, 'timeout');
    assert.equal((await sandbox.exited).signal, 'SIGKILL');
    assert.match(sandbox.stdout(), /"amber":"capture".*"state":"(?:whole|cut)"/u);
  } finally {
    await sandbox.stop();
  }
});
