/**
 * What the build of the layers promises: the same bytes each time, sizes, modes, nothing of the SDK before it is
 * needed.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { BuiltLayer, Layer } from '../../layer/contracts.ts';
import { buildLayers, LAYERS } from '../../layer/layers.ts';
import * as api from '../../src/index.ts';
import { IDLE_FILES, LAYER_CEILINGS } from '../budgets.ts';
import { requirePeer } from '../peers.ts';
import { entries, unpackedLayer, type Unpacked } from './unpacked.ts';

const PACKAGE = 'nodejs/node_modules/lambda-amber';

let layer: Unpacked;
before(async () => {
  layer = await unpackedLayer('node');
});
after(() => rmSync(layer.home, { recursive: true }));

test('the build in another time zone and another folder gives the same bytes, and prints their digest', () => {
  const outdir = join(layer.home, 'again');
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ['layer/build-layer.ts', '--json', '--only', 'node', '--outdir', outdir],
    {
      encoding: 'utf8',
      env: { ...process.env, TZ: 'Pacific/Auckland', TMPDIR: mkdtempSync(join(layer.home, 'tmp-')) },
    },
  );
  assert.equal(status, 0, stderr);
  const [printed] = JSON.parse(stdout) as BuiltLayer[];
  const zip = readFileSync(join(outdir, 'lambda-amber-node.zip'));
  assert.deepEqual(zip, readFileSync(layer.built.file));
  const digest = createHash('sha256').update(zip).digest();
  assert.deepEqual(
    [printed?.sha256, printed?.codeSha256, printed?.zipped],
    [digest.toString('hex'), digest.toString('base64'), zip.length],
  );
});

test('names are in order, times are fixed, programs can be started, and nothing else is told of this machine', () => {
  const all = entries(readFileSync(layer.built.file));
  const paths = all.map(({ path }) => path);
  assert.deepEqual(paths, [...paths].sort());
  assert.deepEqual(
    [...new Set(all.map(({ dosTime, extraBytes }) => `${dosTime} ${extraBytes}`))],
    [`${(1 << 21) | (1 << 16)} 0`],
  );
  assert.deepEqual(
    all
      .filter(({ mode }) => mode === 0o100755)
      .map(({ path }) => path)
      .filter((path) => path === 'amber-exec'),
    ['amber-exec'],
  );
  assert.deepEqual(
    all.filter(({ mode }) => mode !== 0o100755 && mode !== 0o100644),
    [],
  );
  assert.ok(
    all.every(({ bytes }) => !bytes.includes(process.cwd())),
    'a path of the machine that built it',
  );
  for (const name of ['handler.mjs', 'preload.cjs', 'index.js', 'capture.js', 'package.json', 'THIRD-PARTY.txt'])
    assert.ok(paths.includes(`${PACKAGE}/${name}`), name);
  // The clients look for `handler` and `handler.js` before `handler.mjs`.
  assert.deepEqual(
    paths.filter((path) => path.startsWith(`${PACKAGE}/handler`)),
    [`${PACKAGE}/handler.mjs`],
  );
});

test('the package in the layer is the library: a function may import it from there', async () => {
  const described = JSON.parse(readFileSync(join(layer.opt, PACKAGE, 'package.json'), 'utf8')) as {
    name: string;
    version: string;
    exports: Record<string, Record<string, string>>;
  };
  assert.deepEqual([described.name, described.version], ['lambda-amber', api.VERSION]);
  const ways = described.exports['.'] ?? {};
  const imported = (await import(join(layer.opt, PACKAGE, ways['import'] ?? ''))) as object;
  const required = createRequire(import.meta.url)(join(layer.opt, PACKAGE, ways['require'] ?? '')) as object;
  for (const packed of [imported, required]) assert.deepEqual(Object.keys(packed).sort(), Object.keys(api).sort());
});

test('programs that others wrote read the zip', (t) => {
  if (!requirePeer(t, 'unzip', 'bsdtar')) return;
  execFileSync('unzip', ['-tq', layer.built.file]);
  const list = execFileSync('bsdtar', ['-tvf', layer.built.file], { encoding: 'utf8' });
  assert.match(list, /^-rwxr-xr-x .* amber-exec$/mu);
  assert.equal(list.trim().split('\n').length, layer.built.files);
});

test('a layer that is too large, or of which two parts bring one file, is not written', async () => {
  const outdir = mkdtempSync(join(layer.home, 'large-'));
  const file = { path: 'a', bytes: Buffer.alloc(2000, 'random enough'), idle: 'hook' } as const;
  const part = { name: 'part', what: 'a file', files: async () => Promise.resolve([file]) };
  const large: Layer = {
    name: 'large',
    what: 'too large',
    architectures: ['arm64'],
    runtimes: [],
    parts: [part, part],
    ceilings: { zipped: 10, unpacked: 3999, hook: 3000 },
  };
  const [built] = await buildLayers(outdir, [large]);
  assert.deepEqual(
    built?.problems.map((problem) => problem.replace(/\d+/u, 'N')),
    [
      'zipped: N bytes, more than the 10 that it may have',
      'unpacked: N bytes, more than the 3999 that it may have',
      'hook: N bytes, more than the 3000 that it may have',
      'a stands in two parts',
    ],
  );
  assert.throws(() => readFileSync(built.file), { code: 'ENOENT' });
});

test('every layer has the ceilings of the budgets', () => {
  for (const { name, ceilings } of LAYERS)
    assert.deepEqual(ceilings, name === 'node' ? LAYER_CEILINGS.node : LAYER_CEILINGS.any, name);
});

/** Every file that a process opens, by Node's own word for it. */
function opened(script: string, env: Readonly<Record<string, string>>): string[] {
  const file = join(mkdtempSync(join(tmpdir(), 'amber-opened-')), 'function.mjs');
  writeFileSync(file, script);
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [
      '--import',
      'data:text/javascript,import{registerHooks}from"node:module";registerHooks({load(url,context,next){process._rawDebug("loads "+url);return next(url,context)}})',
      file,
    ],
    { encoding: 'utf8', env: { ...env } },
  );
  rmSync(join(file, '..'), { recursive: true });
  assert.equal(status, 0, stderr + stdout);
  return stderr
    .split('\n')
    .filter((line) => line.startsWith('loads file:'))
    .map((line) => line.slice(line.lastIndexOf('/') + 1));
}

test('nothing of the AWS SDK and of the engine is loaded for an idle function; the SDK when a capture opens its bucket', (t) => {
  const folder = join(layer.opt, PACKAGE);
  writeFileSync(join(layer.home, 'idle.mjs'), 'export const handler = async () => 1;\n');
  const env = {
    LAMBDA_TASK_ROOT: layer.home,
    AMBER_HANDLER: 'idle.handler',
    AMBER_DESTINATION: 's3://bucket/prefix',
    AMBER_ON_ERROR: 'any',
    AMBER_S3_TRANSPORT: 'sdk',
  };
  const script = `const { handler } = await import(${JSON.stringify(join(folder, 'handler.mjs'))});\nif (await handler({}, {}) !== 1) process.exit(3);\n`;
  const idle = opened(script, env);
  assert.deepEqual(idle, IDLE_FILES);

  // With a destination that refuses at once: what is loaded counts, not what is stored.
  const due = opened(script, {
    ...env,
    AMBER_CAPTURE: 'now',
    AMBER_S3_ENDPOINT: 'http://127.0.0.1:9',
    AMBER_COLLECT: '-code,-writable,-inventory,-timeline,-recovered',
    AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI',
    AWS_REGION: 'eu-central-1',
  });
  assert.ok(due.includes('capture.js') && due.some((name) => name.startsWith('s3-client-')), due.join(' '));
  t.diagnostic(`idle: ${idle.join(' ')}; captured: ${due.length} files`);
});
