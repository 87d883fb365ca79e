/** A Python function under AWS's own runtime client, captured by the extension of the `any` layer with a Node of its own. */
import assert from 'node:assert/strict';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { after, describe, test, type TestContext } from 'node:test';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { launcher } from '../../layer/extension/parts.ts';
import { stripElf } from '../../layer/extension/strip-elf.ts';
import { missing } from '../peers.ts';
import { canIsolate } from '../sandbox/ground.ts';
import { startPlatform, type Platform } from '../sandbox/platform.ts';
import { fauxqs } from '../servers/fauxqs.ts';
import { jsonOf, storedCaptures, type Stored } from './extension-captures.ts';
import { extensionFolder, HANDLERS } from './extension-scene.ts';
import { IDLE, newOrder } from './orders.ts';

const VENV = resolve('test/peers/venv');
const SITE = join(VENV, 'lib/python3.11/site-packages');

interface Left {
  readonly pid: number;
  readonly child: number;
  readonly port: number;
}

let opt: Promise<string> | undefined;
after(async () => rmSync((await opt) ?? '/nonexistent', { recursive: true, force: true }));

/** /opt as the zip of the layer makes it. */
function anyLayer(): Promise<string> {
  return (opt ??= (async () => {
    const folder = mkdtempSync(resolve('node_modules/.cache/amber-any-'));
    chmodSync(folder, 0o755);
    const { path, bytes } = launcher('$home/node', 256);
    for (const name of ['extensions', 'amber']) mkdirSync(join(folder, name));
    writeFileSync(join(folder, path), bytes, { mode: 0o755 });
    cpSync(await extensionFolder(), join(folder, 'amber'), { recursive: true });
    writeFileSync(join(folder, 'amber/node'), stripElf(readFileSync('node_modules/node/bin/node')), { mode: 0o755 });
    return folder;
  })());
}

async function open(t: TestContext, env: Record<string, string>): Promise<Platform | undefined> {
  if (!canIsolate()) return void missing(t, 'root, for namespaces');
  if (!existsSync(join(SITE, 'awslambdaric'))) return void missing(t, 'awslambdaric (pip, test/peers/requirements.txt)');
  const python = dirname(dirname(realpathSync(join(VENV, 'bin/python3'))));
  const platform = await startPlatform({
    opt: await anyLayer(), mounts: { python, site: SITE }, handler: 'function.handler', memoryMb: 512,
    runtime: {
      command: ['/mnt/python/bin/python3', '-m', 'awslambdaric', 'function.handler'], cwd: HANDLERS,
      env: { LAMBDA_TASK_ROOT: HANDLERS, PYTHONPATH: `${HANDLERS}:/mnt/site`, LD_LIBRARY_PATH: '/mnt/python/lib', AWS_EXECUTION_ENV: 'AWS_Lambda_python3.11', PYTHONDONTWRITEBYTECODE: '1' },
    },
    extensions: [{ name: 'amber', command: ['/opt/extensions/amber'] }],
    env: { AMBER_DESTINATION: 'file:///mnt/evidence', AMBER_DETECT: 'off', AMBER_COOLDOWN_MS: '0', AMBER_CODE: '/var/task', ...env },
  });
  t.after(() => platform.stop());
  return platform;
}

async function leave(platform: Platform): Promise<Left> {
  const result = await platform.invoke({ leave: true }, 10_000);
  assert.equal(result.kind, 'response', platform.log());
  await platform.idle();
  return JSON.parse(('body' in result ? result.body : Buffer.alloc(0)).toString()) as Left;
}

/** Process, environment, socket, file and nameless file of the function. */
function holds(one: Stored | undefined, { pid, child, port }: Left): void {
  assert.ok(one?.manifest !== undefined);
  const { processes } = jsonOf(one, 'live_response/processes.json') as { processes: { pid: number; argv: string[] }[] };
  assert.ok(processes.find((row) => row.pid === pid)?.argv.includes('awslambdaric') === true, 'the runtime');
  assert.ok(processes.some((row) => row.pid === child), 'its child');
  assert.match(one.entries.get(`[root]/proc/${pid}/environ`)?.toString() ?? '', /AWS_EXECUTION_ENV=AWS_Lambda_python/u);
  assert.ok(JSON.stringify(jsonOf(one, 'live_response/sockets.json')).includes(String(port)), 'its socket');
  assert.equal(one.entries.get('[root]/tmp/dropped.sh')?.toString(), '#!/bin/sh\nexec sleep 1000\n');
  const nameless = [...one.entries].find(([path, body]) => path.startsWith(`recovered/${pid}/`) && body.toString() === 'deleted and still open\n');
  assert.ok(nameless !== undefined, [...one.entries.keys()].filter((path) => path.startsWith('recovered')).join(' '));
}

describe('a Python function', () => {
  test('is captured when a responder orders it', async (t) => {
    const server = await fauxqs();
    t.after(() => server.stop());
    const client = new S3Client({ endpoint: server.endpoint, region: 'eu-central-1', forcePathStyle: true, credentials: { accessKeyId: 'a', secretAccessKey: 'b' } });
    t.after(() => client.destroy());
    await client.send(new CreateBucketCommand({ Bucket: 'control' }));
    const write = (document: unknown): Promise<unknown> => client.send(new PutObjectCommand({ Bucket: 'control', Key: 'orders.json', Body: JSON.stringify(document) }));
    await write(IDLE);
    const platform = await open(t, { AMBER_CONTROL: 's3://control/orders.json', AMBER_CONTROL_TTL_MS: '0', AMBER_S3_ENDPOINT: server.endpoint, AMBER_S3_PATH_STYLE: '1' });
    if (platform === undefined) return;
    const left = await leave(platform);
    assert.equal((await storedCaptures(platform.ground.evidence)).length, 0);
    await write(newOrder());
    assert.equal((await platform.invoke({}, 10_000)).kind, 'response');
    await platform.idle();
    const captures = await storedCaptures(platform.ground.evidence);
    assert.equal(captures[0]?.manifest?.cause.trigger, 'control', platform.log());
    holds(captures[0], left);
  });

  test('is captured before it runs out of time', async (t) => {
    const platform = await open(t, { AMBER_DEADLINE_MS: '4000' });
    if (platform === undefined) return;
    const left = await leave(platform);
    assert.equal((await platform.invoke({ spin: true }, 5000)).kind, 'timeout');
    const captures = await storedCaptures(platform.ground.evidence);
    holds(captures.find(({ manifest }) => manifest?.cause.trigger === 'deadline'), left);
  });

  test('leaves /tmp and what was seen last when it ends', async (t) => {
    const platform = await open(t, { AMBER_ON_SHUTDOWN: 'contents' });
    if (platform === undefined) return;
    const { pid, child } = await leave(platform);
    await platform.invoke({}, 10_000);
    await platform.idle();
    await platform.shutdown();
    const [one] = await storedCaptures(platform.ground.evidence);
    assert.equal(one?.manifest?.cause.trigger, 'shutdown', platform.log());
    assert.equal(one.entries.get('[root]/tmp/dropped.sh')?.toString(), '#!/bin/sh\nexec sleep 1000\n');
    const last = jsonOf(one, 'live_response/last_inventory.json') as { processes: { pid: number; argv: string[] }[] };
    assert.ok(last.processes.some((row) => row.pid === pid && row.argv.includes('awslambdaric')));
    assert.ok(last.processes.some((row) => row.pid === child));
  });
});
