/** One process has one Amber, whoever loads it: each pair of copies, one around the other, gives one capture. */
import assert from 'node:assert/strict';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { build } from 'esbuild';
import { VERSION } from '../../src/version.ts';
import { buildPackage } from '../built.ts';
import { unpackedLayer, type Unpacked } from '../layer/unpacked.ts';
import { INVOKE, LAMBDA_22, NODE_24, runOnce, script } from './once.ts';

let home: string;
let layer: Unpacked;
const COPIES = ['import', 'require', 'bundle', 'bundle-cjs', 'layer-import', 'layer-require', 'older'] as const;
type Copy = (typeof COPIES)[number];

before(async () => {
  buildPackage();
  layer = await unpackedLayer('node');
  home = mkdtempSync(join(tmpdir(), 'amber-one-'));
  const bundled = script(home, 'bundled-source.mjs', `export * from ${JSON.stringify(resolve('dist/bundled.js'))};\n`);
  for (const [format, name] of [
    ['esm', 'bundle.mjs'],
    ['cjs', 'bundle.cjs'],
  ] as const) {
    await build({
      entryPoints: [bundled],
      bundle: true,
      platform: 'node',
      format,
      minify: true,
      outfile: join(home, name),
    });
  }
  mkdirSync(join(home, 'older'));
  cpSync('dist/chunks', join(home, 'older/chunks'), { recursive: true });
  for (const name of [
    'index.js',
    'capture.js',
    'control.js',
    'event-order.js',
    'hand-over.js',
    'in-process.js',
    'slots.js',
  ])
    copyFileSync(join('dist', name), join(home, 'older', name));
  const index = readFileSync('dist/index.js', 'utf8');
  const aged = index.replaceAll(JSON.stringify(VERSION), '"0.0.9"');
  assert.notEqual(aged, index, 'the version stands in the file');
  writeFileSync(join(home, 'older/index.js'), aged);
  writeFileSync(join(home, 'older/package.json'), '{"type":"module"}');
});
after(() => {
  rmSync(home, { recursive: true });
  rmSync(layer.home, { recursive: true });
});

/** An expression that loads a copy. */
function loads(copy: Copy): string {
  const inLayer = (name: string): string => join(layer.opt, 'nodejs/node_modules/lambda-amber', name);
  const files: Readonly<Record<Copy, string>> = {
    import: resolve('dist/index.js'),
    require: resolve('dist/index.cjs'),
    bundle: join(home, 'bundle.mjs'),
    'bundle-cjs': join(home, 'bundle.cjs'),
    'layer-import': inLayer('index.js'),
    'layer-require': inLayer('index.cjs'),
    older: join(home, 'older/index.js'),
  };
  const file = JSON.stringify(files[copy]);
  return files[copy].endsWith('.cjs') ? `require(${file})` : `await import(${file})`;
}

/** `inner` wraps the handler, `outer` what calls it, and `outer` is asked for a capture as well. */
function pairOf(inner: Copy, outer: Copy): string {
  return script(
    home,
    `${inner}-${outer}.mjs`,
    `
import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);
${INVOKE}
const inner = ${loads(inner)};
const outer = ${loads(outer)};
const wrapped = inner.withCapture(async (event) => event);
const around = outer.withCapture(async (event, context) => wrapped(event, context));
await invoke(around);
await invoke(outer.withCapture(wrapped));
const { state, error } = await outer.capture({ reason: 'again' });
console.log(JSON.stringify({ state, limit: error?.details.limit, ours: error instanceof inner.AmberError, symbols: Object.getOwnPropertySymbols(globalThis).filter((one) => String(one).includes('lambda-amber.state')).length }));
`,
  );
}

for (const inner of COPIES) {
  for (const outer of COPIES) {
    test(`${inner} within ${outer}`, () => {
      const { status, stdout, stderr, captures } = runOnce(
        home,
        inner.length + outer.length > 14 ? LAMBDA_22 : NODE_24,
        pairOf(inner, outer),
      );
      assert.equal(status, 0, stderr);
      const lines = stdout
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('{"amber"'))
        .map((line) => JSON.parse(line) as object);
      assert.deepEqual(
        lines,
        [{ answer: { a: 1 } }, { answer: { a: 1 } }, { state: 'refused', limit: 'cooldown', ours: true, symbols: 1 }],
        stdout,
      );
      assert.equal(captures.length, 1, stdout);
    });
  }
}

test('a copy that keeps its counts in another form is not armed, says so, and the handler runs', () => {
  const file = script(
    home,
    'other-form.mjs',
    `${INVOKE}
Object.defineProperty(globalThis, Symbol.for('lambda-amber.state'), { value: { version: 99 } });
await invoke((${loads('import')}).withCapture(async (event) => event));
`,
  );
  const { status, stdout, captures } = runOnce(home, NODE_24, file);
  assert.deepEqual([status, captures.length], [0, 0]);
  assert.match(stdout, /"amber":"config".*"armed":false.*another version of lambda-amber is loaded/u);
  assert.match(stdout, /\{"answer":\{"a":1\}\}/u);
});
