/**
 * A handler that is a program is left alone, and children and threads of a function find what they find without the
 * layer.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { wayOf } from '../../src/doctor/layer-checks.ts';
import { ensureClient, STARTS_BOTH } from '../sandbox/clients.ts';
import { record } from '../sandbox/record.ts';
import { unpackedLayer, type Unpacked } from './unpacked.ts';
import { attach, REAL_CLIENTS, type Way } from './ways.ts';

let layer: Unpacked;
before(async () => {
  layer = await unpackedLayer('node');
});
after(() => rmSync(layer.home, { recursive: true }));

/** As the Lambda Web Adapter: it takes the place of the runtime, and starts the handler. */
const ADAPTER = '#!/bin/bash\nexec "$LAMBDA_TASK_ROOT/$_HANDLER"\n';
const PROGRAM = `#!/bin/bash\nexec "$NODE" -p 'JSON.stringify(["the program", process.env._HANDLER, process.env.AMBER_HANDLER])'\n`;

function task(files: Readonly<Record<string, readonly [text: string, mode: number]>>): string {
  const folder = mkdtempSync(join(layer.home, 'task-'));
  for (const [name, [text, mode]] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), text, { mode });
  }
  return folder;
}

function variables(
  way: Way | undefined,
  taskRoot: string,
  handler: string,
  more: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const preload = join(layer.opt, 'nodejs/node_modules/lambda-amber/preload.cjs');
  const env = {
    LAMBDA_TASK_ROOT: taskRoot,
    _HANDLER: handler,
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    MARK: 'a b',
    ...more,
    ...(way === 'preload' ? { NODE_OPTIONS: `--require ${preload}` } : {}),
  };
  const command = [process.execPath, '-p', 'JSON.stringify(process.env)'] as const;
  const [file, ...args] = way === 'exec' ? [join(layer.opt, 'amber-exec'), ...command] : command;
  const { stdout, stderr } = spawnSync(file, args, { env, cwd: taskRoot, encoding: 'utf8' });
  assert.equal(stderr, '');
  const seen = Object.entries(JSON.parse(stdout) as Record<string, string>).filter(([name]) => name !== 'NODE_OPTIONS');
  return Object.fromEntries(seen);
}

for (const way of ['exec', 'preload'] as const) {
  describe(way, () => {
    // biome-ignore format: a table, a row a line
    const programs: Readonly<Record<string, Parameters<typeof task>[0]>> = {
      'a script': { 'run.sh': [PROGRAM, 0o755] },
      'a script beside a module of its name': { 'run.sh': [PROGRAM, 0o755], 'run.js': ['exports.sh = 1;', 0o644] },
      'nothing at all': {},
    };
    for (const [name, files] of Object.entries(programs)) {
      test(`the environment of the runtime is what it is bare: ${name}`, () => {
        const folder = task(files);
        assert.deepEqual(variables(way, folder, 'run.sh'), variables(undefined, folder, 'run.sh'));
        for (const handler of ['run', '../run.sh', 'bin/run.sh'])
          assert.deepEqual(variables(way, folder, handler), variables(undefined, folder, handler), handler);
      });
    }

    test('a module is diverted, wherever the client finds it, and nothing else is added', () => {
      const found: Readonly<Record<string, string>> = {
        'index.mjs': 'index.handler',
        'dir/mod.cjs': 'dir/mod.a.handler',
        'index.js': 'index.handler',
        bare: 'bare.handler',
        'node_modules/package/index.js': 'package.handler',
        'dir/node_modules/inner/index.js': 'dir/inner.handler',
        'index.handler': 'index.handler',
      };
      for (const [file, handler] of Object.entries(found)) {
        const folder = task({ [file]: ['', 0o644], 'index.cjs': ['', 0o644] });
        const { _HANDLER, AMBER_HANDLER, _AMBER_HANDLER, ...rest } = variables(way, folder, handler, {
          PWD: folder,
          SHLVL: '3',
        });
        assert.match(_HANDLER ?? '', /lambda-amber\/handler\.handler$/u, file);
        assert.equal(AMBER_HANDLER ?? _AMBER_HANDLER, handler);
        assert.deepEqual(
          { ...rest, _HANDLER: handler },
          variables(undefined, folder, handler, { PWD: folder, SHLVL: '3' }),
        );
      }
      const path = task({ 'from-path/index.js': ['', 0o644] });
      assert.match(
        variables(way, task({}), 'from-path.handler', { NODE_PATH: `/nowhere:${path}` })['_HANDLER'] ?? '',
        /lambda-amber/u,
      );
    });
  });
}

test('exec: an adapter behind it finds its program', () => {
  const adapter = join(layer.home, 'adapter');
  writeFileSync(adapter, ADAPTER, { mode: 0o755 });
  const env = {
    LAMBDA_TASK_ROOT: task({ 'run.sh': [PROGRAM, 0o755] }),
    _HANDLER: 'run.sh',
    NODE: process.execPath,
    AMBER_NEXT_EXEC_WRAPPER: adapter,
  };
  const { stdout, status } = spawnSync(join(layer.opt, 'amber-exec'), ['/bin/false'], { env, encoding: 'utf8' });
  assert.deepEqual([status, JSON.parse(stdout)], [0, ['the program', 'run.sh', null]]);
});

const FAMILY = `import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
const file = new URL('./child.mjs', import.meta.url).pathname;
const told = async (child) => (await once(child, 'message'))[0];
export const handler = async () => [
  await told(fork(file)), await told(new Worker(file)),
  JSON.parse(execFileSync('/bin/sh', ['-c', 'exec "$0" "$1"', process.execPath, file], { encoding: 'utf8' })),
  Object.keys(process.env).filter((name) => !/^(?:NODE_OPTIONS|PWD|SHLVL|_)$/.test(name)).sort(),
];
`;
const CHILD = `import { parentPort } from 'node:worker_threads';
const { NODE_OPTIONS, NODE_CHANNEL_FD, PWD, SHLVL, OLDPWD, _, AWS_LAMBDA_RUNTIME_API, ...seen } = process.env;
if (parentPort !== null) parentPort.postMessage(seen);
else if (process.send !== undefined) process.send(seen, () => process.disconnect());
else console.log(JSON.stringify(seen));
`;

for (const client of REAL_CLIENTS) {
  test(`forked children, threads and what a shell starts see what they see bare: ${client.name}`, {
    skip: STARTS_BOTH,
  }, async (t) => {
    if (!ensureClient(t, client)) return;
    const taskRoot = task({ 'index.mjs': [FAMILY, 0o644], 'child.mjs': [CHILD, 0o644] });
    const bare = (
      await record(client, { handler: 'index.handler', taskRoot, events: [{}, {}], timeoutMs: 20_000 })
    ).answers.map(({ kind, body }) => [kind, body]);
    assert.equal(bare[0]?.[0], 'response', bare[0]?.[1]);
    const attached = attach('preload', layer.opt, client, 'index.handler');
    const answers = (
      await record(attached.client, {
        handler: attached.handler,
        taskRoot,
        env: attached.env,
        events: [{}, {}],
        timeoutMs: 20_000,
      })
    ).answers.map(({ kind, body }) => [kind, body]);
    assert.deepEqual(answers, bare);
  });
}

test('doctor recommends none of the ways for a program', () => {
  const of = (Handler: string, environment: Readonly<Record<string, string>> = {}): string[] => {
    const { state, detail, fix = '' } = wayOf({ Handler }, environment);
    return [state, detail, fix];
  };
  for (const [handler, environment] of [
    ['run.sh', {}],
    ['run.sh', { AWS_LAMBDA_EXEC_WRAPPER: '/opt/bootstrap' }],
    ['bin/start', {}],
    ['run.sh', { AWS_LAMBDA_EXEC_WRAPPER: '/opt/amber-exec', AMBER_NEXT_EXEC_WRAPPER: '/opt/bootstrap' }],
  ] as const) {
    assert.deepEqual(
      of(handler, environment).map((text, at) => (at === 1 ? text.includes('is a program') : text)),
      ['ok', true, ''],
    );
  }
  assert.equal(
    of('/opt/nodejs/node_modules/lambda-amber/handler.handler', {
      AWS_LAMBDA_EXEC_WRAPPER: '/opt/bootstrap',
      AMBER_HANDLER: 'run.sh',
    })[0],
    'failed',
  );
  assert.equal(of('index.handler')[0], 'warning');
});
