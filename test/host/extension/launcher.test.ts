/**
 * The launcher of the extension: whatever is missing, the function's init goes through, and one line says what it is.
 */
import assert from 'node:assert/strict';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, test } from 'node:test';
import { launcher } from '../../../layer/extension/parts.ts';
import { stripElf } from '../../../layer/extension/strip-elf.ts';
import { standIn } from '../../sandbox/clients.ts';
import { canIsolate } from '../../sandbox/ground.ts';
import { startPlatform, type Platform } from '../../sandbox/platform.ts';
import { storedCaptures } from './captures.ts';
import { extensionFolder, HANDLERS } from './sandbox.ts';

interface Opt {
  readonly folder: string;
  readonly remove: () => void;
}

/** /opt as the layer makes it, with the program of {@link extensionFolder} and a node of our choice. */
async function makeOpt(node: (home: string) => string, leastMb = 128): Promise<Opt> {
  const folder = mkdtempSync(resolve('node_modules/.cache/amber-opt-'));
  chmodSync(folder, 0o755);
  const { path, bytes } = launcher(node(join(folder, 'amber')), leastMb);
  for (const name of ['extensions', 'amber']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, path), bytes, { mode: 0o755 });
  const from = await extensionFolder();
  cpSync(from, join(folder, 'amber'), { recursive: true });
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

async function open(
  t: { after: (done: () => Promise<void> | void) => void },
  opt: Opt,
  env: Record<string, string> = {},
  memoryMb = 512,
): Promise<Platform> {
  t.after(opt.remove);
  const platform = await startPlatform({
    opt: opt.folder,
    memoryMb,
    handler: 'lifecycle.handler',
    runtime: { command: [standIn.node, ...standIn.args('')], env: { LAMBDA_TASK_ROOT: HANDLERS } },
    extensions: [{ name: 'amber', command: ['/opt/extensions/amber'] }],
    env: { AMBER_DESTINATION: 'file:///mnt/evidence', ...env },
  });
  t.after(() => platform.stop());
  return platform;
}

async function lives(platform: Platform): Promise<void> {
  for (const say of [1, 2]) assert.equal((await platform.invoke({ say })).kind, 'response', platform.log());
  await platform.idle();
  const record = await platform.shutdown();
  assert.equal(record?.extensions[0]?.killed, false, JSON.stringify(record));
}

describe('the launcher', {
  skip: canIsolate() || process.env['REQUIRE_PEERS'] === '1' ? false : 'not run: needs root, for /opt',
}, () => {
  test('starts Node without what the function asks of its own Node or loader', async (t) => {
    const platform = await open(t, await makeOpt(() => standIn.node), {
      NODE_OPTIONS: '--no-warnings',
      LD_LIBRARY_PATH: '/nowhere',
      BASH_ENV: '/tmp/evil',
      NODE_EXTRA_CA_CERTS: '/nowhere',
      SSL_CERT_FILE: '/nowhere',
      UV_THREADPOOL_SIZE: '1',
    });
    await lives(platform);
    const [one] = await storedCaptures(platform.ground.evidence);
    assert.ok(one?.manifest !== undefined);
    const environ = [...one.entries]
      .find(([path, body]) => /proc\/\d+\/cmdline$/u.test(path) && body.includes('extension.mjs'))?.[0]
      .replace('cmdline', 'environ');
    const own = one.entries.get(environ ?? '')?.toString() ?? '';
    assert.match(own, /AWS_LAMBDA_RUNTIME_API=/u);
    for (const name of [
      'NODE_OPTIONS',
      'LD_LIBRARY_PATH',
      'BASH_ENV',
      'NODE_EXTRA_CA_CERTS',
      'SSL_CERT_FILE',
      'UV_THREADPOOL_SIZE',
    ])
      assert.doesNotMatch(own, new RegExp(`${name}=`, 'u'));
  });

  const cases: readonly (readonly [string, () => Promise<Opt>, RegExp, number?])[] = [
    ['there is no Node', () => makeOpt(() => '/opt/amber/none'), /there is no Node/u],
    ['memory is short', () => makeOpt(() => standIn.node, 256), /less than 256 MB/u, 128],
    [
      'the program is missing',
      async () => {
        const opt = await makeOpt(() => standIn.node);
        rmSync(join(opt.folder, 'amber/extension.mjs'));
        return opt;
      },
      /extension.mjs is missing/u,
    ],
    [
      'its own Node is for another system',
      async () => {
        const opt = await makeOpt(() => '$home/node');
        writeFileSync(join(opt.folder, 'amber/node'), 'no program', { mode: 0o755 });
        return opt;
      },
      /too old for Node, or it has another architecture/u,
    ],
  ];
  for (const [what, make, says, memoryMb] of cases) {
    test(`idles as a stub where ${what}`, async (t) => {
      const platform = await open(t, await make(), {}, memoryMb);
      await lives(platform);
      assert.match(platform.log(), says);
      assert.equal(platform.logLines('config').length, 1);
    });
  }

  test('the stub asks for SHUTDOWN alone where INVOKE is refused', async (t) => {
    const opt = await makeOpt(() => '/opt/amber/none');
    t.after(opt.remove);
    const platform = await startPlatform({
      opt: opt.folder,
      managed: true,
      handler: 'lifecycle.handler',
      runtime: { command: [standIn.node, ...standIn.args('')], env: { LAMBDA_TASK_ROOT: HANDLERS } },
      extensions: [{ name: 'amber', command: ['/opt/extensions/amber'] }],
    });
    t.after(() => platform.stop());
    assert.equal((await platform.invoke({})).kind, 'response');
    assert.equal((await platform.shutdown())?.extensions[0]?.killed, false);
  });

  test('a Node of the layer, without its symbols, runs in the folder of the layer', async (t) => {
    const opt = await makeOpt(() => '$home/node');
    writeFileSync(join(opt.folder, 'amber/node'), stripElf(readFileSync(standIn.node)), { mode: 0o755 });
    const platform = await open(t, opt);
    await lives(platform);
    assert.equal((await storedCaptures(platform.ground.evidence)).length, 1, platform.log());
  });
});

test('a file that is no ELF is left as it is', () => {
  const text = Buffer.from('#!/bin/sh\nexit 0\n'.repeat(10));
  assert.equal(stripElf(text), text);
});
