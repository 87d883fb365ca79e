/**
 * The files of the `any-arm64` layer under an emulator of that processor (qemu-user, with Debian's C and C++ libraries
 * for it as its root): its Node runs the extension from registration to the end of the sandbox. The launcher's bash and
 * the kernel are those of this machine.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import { anyExtension } from '../../../layer/extension/parts.ts';
import { missing, requirePeer } from '../../peers.ts';
import { standIn, STARTS_BOTH } from '../../sandbox/clients.ts';
import { canIsolate } from '../../sandbox/ground.ts';
import { startPlatform } from '../../sandbox/platform.ts';
import { jsonOf, storedCaptures } from './captures.ts';
import { FLAGS, HANDLERS } from './sandbox.ts';
import { obeyed, orderChannel } from '../orders/order-channel.ts';
import { newOrder } from '../orders/orders.ts';

const QEMU = 'qemu-aarch64-static';
const ROOT = '/usr/aarch64-linux-gnu';

function hasEmulator(t: TestContext): boolean {
  if (!requirePeer(t, QEMU)) return false;
  return existsSync(join(ROOT, 'lib/libstdc++.so.6')) || missing(t, 'libc6-arm64-cross and libstdc++6-arm64-cross');
}

/**
 * The loader is named: with `-L` the emulator looks for every absolute path in that folder first, `/` and `/etc` too.
 */
const EMULATED = [QEMU, join(ROOT, 'lib/ld-linux-aarch64.so.1'), '--library-path', join(ROOT, 'lib')];

describe('the any layer for arm64', { skip: STARTS_BOTH }, () => {
  let opt: string;
  before(async () => {
    opt = mkdtempSync(resolve('node_modules/.cache/amber-arm64-'));
    chmodSync(opt, 0o755);
    for (const { path, bytes, executable } of await anyExtension('arm64').files()) {
      mkdirSync(dirname(join(opt, path)), { recursive: true });
      writeFileSync(join(opt, path), bytes, { mode: executable === true ? 0o755 : 0o644 });
    }
  });
  after(() => rmSync(opt, { recursive: true, force: true }));

  test('holds a Node for it, of which the loader of glibc finds every library', (t) => {
    if (!hasEmulator(t)) return;
    // As the launcher asks.
    const { status, stdout } = spawnSync(
      QEMU,
      ['-L', ROOT, join(ROOT, 'lib/ld-linux-aarch64.so.1'), '--list', join(opt, 'amber/node')],
      { encoding: 'utf8' },
    );
    assert.equal(status, 0);
    assert.match(stdout, /libstdc\+\+\.so\.6/u);
    const told = spawnSync(QEMU, ['-L', ROOT, join(opt, 'amber/node'), '-p', 'process.arch + process.version'], {
      encoding: 'utf8',
    });
    assert.equal(told.stdout.trim(), `arm64v${process.versions.node}`);
  });

  test('registers, captures on an order, and goes at SHUTDOWN', async (t) => {
    if (!hasEmulator(t)) return;
    if (!canIsolate()) return void missing(t, 'root, for namespaces');
    const channel = await orderChannel(t);
    const platform = await startPlatform({
      opt,
      memoryMb: 512,
      timeoutMs: 180_000,
      handler: 'lifecycle.handler',
      runtime: { command: [standIn.node, ...standIn.args('')], env: { LAMBDA_TASK_ROOT: HANDLERS } },
      extensions: [
        { name: 'amber', command: [...EMULATED, '/opt/amber/node', ...FLAGS, '/opt/amber/extension.mjs', 'amber'] },
      ],
      // An emulated processor is slow: what takes 0.5 s elsewhere takes ten times that.
      env: {
        AMBER_DESTINATION: 'file:///mnt/evidence',
        AMBER_DETECT: 'off',
        AMBER_CODE: '/var/task',
        AMBER_MAX_MS: '120000',
        ...channel.env,
      },
    });
    t.after(() => platform.stop());
    assert.equal(
      (await platform.invoke({ write: '/tmp/left', text: 'of the function\n' })).kind,
      'response',
      platform.log(),
    );
    await platform.idle();
    await channel.write(newOrder());
    const one = await obeyed(platform, { waitMs: 500 });
    assert.ok(one?.manifest !== undefined, platform.log());
    assert.equal(one.entries.get('[root]/tmp/left')?.toString(), 'of the function\n');
    const { processes } = jsonOf(one, 'live_response/processes.json') as {
      processes: { pid: number; argv: string[] }[];
    };
    assert.ok(
      processes.some(
        ({ pid, argv }) => pid === platform.runtime()?.innerPid && argv.some((word) => word.includes('js-client')),
      ),
    );
    assert.ok(
      processes.some(({ argv }) => argv.includes('/opt/amber/node')),
      'itself',
    );
    const record = await platform.shutdown();
    const { manifest } = (await storedCaptures(platform.ground.evidence)).at(-1) ?? {};
    t.diagnostic(
      `SHUTDOWN took ${Math.round(record?.extensions[0]?.exitMs ?? 0)} ms, killed: ${record?.extensions[0]?.killed}, ${manifest?.cause.trigger}; init ${Math.round(platform.initMs())} ms; capture ${JSON.stringify(platform.logLines('capture').map(({ elapsedMs, cpuMs, state }) => [elapsedMs, cpuMs, state]))}`,
    );
  });
});
