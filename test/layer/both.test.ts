/**
 * The node layer as it is attached: hook and extension, a function that knows of neither, AWS's own clients. One
 * capture, not two.
 */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import { launcher } from '../../layer/extension/parts.ts';
import { jsonOf, storedCaptures } from '../host/extension/captures.ts';
import { HANDLERS } from '../host/extension/sandbox.ts';
import { ensureClient, standIn, STARTS_BOTH } from '../sandbox/clients.ts';
import { canIsolate } from '../sandbox/ground.ts';
import { startPlatform, type Platform } from '../sandbox/platform.ts';
import { unpackedLayer } from './unpacked.ts';
import { attach, REAL_CLIENTS, WAYS, type Way } from './ways.ts';

const skip =
  STARTS_BOTH !== false
    ? STARTS_BOTH
    : canIsolate() || process.env['REQUIRE_PEERS'] === '1'
      ? false
      : 'not run: needs root, for /opt, and a checkout outside of /tmp';

let home: string | undefined;
before(async () => {
  if (skip !== false) return;
  const layer = await unpackedLayer('node');
  home = mkdtempSync(resolve('node_modules/.cache/amber-both-'));
  chmodSync(home, 0o755);
  renameSync(layer.opt, join(home, 'opt'));
  rmSync(layer.home, { recursive: true });
  // The one thing that is not as in Lambda: its Node lies elsewhere here.
  writeFileSync(join(home, 'opt/extensions/amber'), launcher(standIn.node, 128).bytes, { mode: 0o755 });
});
after(() => {
  if (home !== undefined) rmSync(home, { recursive: true });
});

async function open(
  t: TestContext,
  client: (typeof REAL_CLIENTS)[number],
  way: Way,
  env: Readonly<Record<string, string>>,
): Promise<Platform> {
  const attached = attach(way, '/opt', client, 'lifecycle.handler');
  const platform = await startPlatform({
    opt: join(home ?? '', 'opt'),
    handler: attached.handler,
    memoryMb: 177, // so it waits 200 ms to be heard, which a busy machine may need as well
    runtime: {
      command: [attached.client.node, ...attached.client.args(attached.handler)],
      env: { LAMBDA_TASK_ROOT: HANDLERS, AWS_EXECUTION_ENV: client.executionEnv, ...attached.env },
    },
    extensions: [{ name: 'amber', command: ['/opt/extensions/amber'] }],
    env: { AMBER_DESTINATION: 'file:///mnt/evidence', AMBER_DETECT: 'off', ...attached.env, ...env },
  });
  t.after(() => platform.stop());
  return platform;
}

describe('the node layer', { skip, concurrency: 2 }, () => {
  for (const client of REAL_CLIENTS) {
    for (const way of WAYS) {
      test(`${client.name}, ${way}: the first invocation is captured once, and by the extension`, async (t) => {
        if (!ensureClient(t, client)) return;
        const platform = await open(t, client, way, { AMBER_CAPTURE: 'now' });
        for (const say of [1, 2, 3]) {
          const result = await platform.invoke({ say }, 20_000);
          assert.equal('body' in result ? result.body.toString() : '', String(say), platform.log());
          await platform.idle();
        }
        const found = await storedCaptures(platform.ground.evidence);
        assert.deepEqual(
          found.map(({ manifest }) => manifest?.cause.trigger),
          ['flag'],
          platform.log(),
        );
        const one = found[0]!;
        assert.equal(
          (jsonOf(one, 'live_response/invocation.json') as { sandbox: { inProcess: boolean } }).sandbox.inProcess,
          false,
          platform.log(),
        );
        const inside = jsonOf(one, 'live_response/runtime.json') as { process: { pid: number } };
        assert.equal(inside.process.pid, platform.runtime()?.innerPid);
        assert.equal((await platform.shutdown())?.extensions[0]?.killed, false);
      });
    }
  }
});
