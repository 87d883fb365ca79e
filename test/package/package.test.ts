/**
 * The package as its users have it: packed, installed into an empty project, and used there by all that functions are
 * written, typed, tested and bundled with.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { brotliDecompressSync } from 'node:zlib';
import { build, type BuildOptions } from 'esbuild';
import { unpackedLayer } from '../layer/unpacked.ts';
import { missing } from '../peers.ts';
import { install, packagesOf, PEERS, type Installed } from './installed.ts';
import { INVOKE, LAMBDA_22, NODE_24, runOnce, script } from './once.ts';

interface Skippable {
  skip: (message: string) => void;
}

let here: Installed | undefined;
before(() => {
  here = install();
});
after(() => {
  if (here !== undefined) rmSync(here.home, { recursive: true });
});

function installed(t: Skippable): Installed | undefined {
  if (here === undefined) missing(t, 'the npm registry');
  return here;
}

function withPeers(t: Skippable): Installed | undefined {
  if (!existsSync(PEERS)) missing(t, 'npm ci in test/package/peers');
  return existsSync(PEERS) ? installed(t) : undefined;
}

describe('installed', () => {
  test('it holds what it declares, and brings two packages with theirs', (t) => {
    const at = installed(t);
    if (at === undefined) return;
    const files = execFileSync('tar', ['-tzf', at.tarball], { encoding: 'utf8' })
      .trim()
      .split('\n')
      .map((name) => name.replace('package/', ''));
    for (const name of [
      'index.js',
      'index.cjs',
      'index.d.ts',
      'index.d.cts',
      'bundled.js',
      'engine.cjs',
      'capture.js',
      'cli/amber.js',
      'THIRD-PARTY.txt',
    ])
      assert.ok(files.includes(`dist/${name}`), name);
    for (const name of ['LICENSE', 'README.md', 'package.json']) assert.ok(files.includes(name), name);
    assert.deepEqual(
      files.filter(
        (name) =>
          !/^(?:dist|src)\/|^(?:LICENSE|README\.md|package\.json)$/u.test(name) || name.startsWith('dist/layer'),
      ),
      [],
    );
    const described = JSON.parse(readFileSync(join(at.project, 'node_modules/lambda-amber/package.json'), 'utf8')) as {
      dependencies: object;
    };
    assert.deepEqual(Object.keys(described.dependencies), ['@aws-sdk/client-s3', 'systeminformation']);
    assert.ok(!packagesOf(at).includes('aws4'));
  });

  test('the command runs', (t) => {
    const at = installed(t);
    if (at === undefined) return;
    const { status, stdout } = spawnSync(join(at.project, 'node_modules/.bin/amber'), ['--version'], {
      encoding: 'utf8',
      env: { PATH: `${resolve('node_modules/node/bin')}:/usr/bin:/bin` },
    });
    assert.equal(status, 0);
    assert.match(stdout, /\d+\.\d+\.\d+/u);
  });

  test('what bundlers get is, unpacked, the engine that lies beside it in clear', (t) => {
    const at = installed(t);
    if (at === undefined) return;
    const dist = join(at.project, 'node_modules/lambda-amber/dist');
    const packed = /"([\w+/]{10000,}={0,2})"/u.exec(readFileSync(join(dist, 'bundled.js'), 'utf8'))?.[1] ?? '';
    assert.equal(
      brotliDecompressSync(Buffer.from(packed, 'base64')).toString(),
      readFileSync(join(dist, 'engine.cjs'), 'utf8'),
    );
  });

  for (const [name, node] of [
    ['Node 24', NODE_24],
    ['Node 22 as on Lambda', LAMBDA_22],
  ] as const) {
    for (const [way, end, load] of [
      ['import', 'mjs', "import { withCapture } from 'lambda-amber';"],
      ['require', 'cjs', "const { withCapture } = require('lambda-amber');"],
    ] as const) {
      test(`${way} on ${name} captures`, (t) => {
        const at = installed(t);
        if (at === undefined) return;
        const file = script(
          at.project,
          `function.${end}`,
          `${load}\n${INVOKE}\ninvoke(withCapture(async (event) => event));\n`,
        );
        const { status, stdout, stderr, captures } = runOnce(at.project, node, file);
        assert.deepEqual([status, stderr, captures.length, captures[0]?.cause?.trigger], [0, '', 1, 'flag'], stdout);
        assert.match(stdout, /\{"answer":\{"a":1\}\}/u);
      });
    }
  }

  test('require on Node 22 as on Lambda, of the layer, captures', async () => {
    const layer = await unpackedLayer('node');
    // A package of this name in a folder above would be taken for the function's own.
    writeFileSync(join(layer.home, 'package.json'), '{"private":true}\n');
    const file = script(
      layer.home,
      'function.cjs',
      `const { withCapture } = require('lambda-amber');\n${INVOKE}\ninvoke(withCapture(async (event) => event));\n`,
    );
    const { status, stdout, stderr, captures } = runOnce(layer.home, LAMBDA_22, file, {
      NODE_PATH: join(layer.opt, 'nodejs/node_modules'),
    });
    rmSync(layer.home, { recursive: true });
    assert.deepEqual([status, stderr, captures.length], [0, '', 1], stdout);
  });
});

/** A function of a user, typed by what the package says. */
const TYPED = `
import { amberMiddleware, capture, isAmberError, withCapture, type Cause, type Collector, type Config, type Entry, type Moment, type Options, type Trigger } from 'lambda-amber';
interface Event { readonly id: string }
const mine: Collector = { name: 'mine', description: 'mine', tier: 'files', *collect(scene): Generator<Entry> { yield { kind: 'json', path: 'mine.json', source: 'mine', method: 'api', value: scene.captureId }; } };
const shell: Trigger = { name: 'web-shell', description: 'a web shell', moments: (config: Config) => (config.onError === 'any' ? ['settled'] : ['settled', 'failed']), fires: (moment: Moment): Cause | undefined => (moment.at === 'failed' && moment.error instanceof TypeError ? { trigger: 'web-shell', reason: 'a type error' } : undefined) };
const options: Options = { triggers: [shell],  destination: 's3://bucket/prefix', compression: 'gzip', maxBytes: '512MiB', maxMs: 4000, s3PathStyle: true, collect: ['-code'], collectors: [mine], recipient: undefined };
export const handler = withCapture(async (event: Event, context: { awsRequestId: string }): Promise<number> => event.id.length + context.awsRequestId.length, options);
export const answered: Promise<number> = handler({ id: 'a' }, { awsRequestId: 'b' });
const short = withCapture(async (event) => event.id as string);
export const shortAnswers: readonly Promise<string>[] = [short({ id: 'a' }), short({ id: 'a' }, { awsRequestId: 'b' }), short({ id: 'a' }, {}, () => undefined)];
const own = withCapture(async (event: Event): Promise<string> => event.id);
export const ownAnswer: Promise<string> = own({ id: 'a' }, { awsRequestId: 'b' });
// @ts-expect-error the event is the handler's own
export const ownWrong = own({ id: 7 }, {});
// @ts-expect-error the context that a handler names is the handler's own
export const contextWrong = handler({ id: 'a' }, { awsRequestId: 7 });
const bare = withCapture(() => 7);
export const bareAnswers: readonly number[] = [bare(), bare({}), bare({}, {})];
export const sameKind: (event: Event) => Promise<string> = own;
const described = withCapture(Object.assign(async (event: Event) => event.id, { use: (name: string): string => name }));
export const used: string = described.use('a');
export const middleware = amberMiddleware({ onError: 'any' });
export const report = capture({ reason: 'a test' }).then(({ state, error }) => (isAmberError(error) ? error.code : state));
// @ts-expect-error gz is no word
export const wrong: Options = { compression: 'gz' };
// @ts-expect-error an option that there is not
export const unknown: Options = { destinaton: 's3://x' };
`;

/** The collector and the trigger that the documents show, in a function of a user. */
function readmeCollector(): string {
  const [, shown] =
    /^## Extend it from your code\n[^]*?```ts\n([^]*?)```/mu.exec(readFileSync('src/README.md', 'utf8')) ?? [];
  assert.ok(shown, 'src/README.md shows a collector in TypeScript');
  return `const orders: readonly string[] = [];\nconst work = async (event: { id: string }): Promise<string> => event.id;\n${shown.replace(/^import .*$/mu, '')}\nexport const extended: Promise<string> = handler({ id: 'a' }, {});\n`;
}

const RESOLUTIONS = [
  { name: 'node', file: 'function.ts', options: { module: 'commonjs', moduleResolution: 'node' } },
  { name: 'node16 from CommonJS', file: 'function.cts', options: { module: 'node16', moduleResolution: 'node16' } },
  { name: 'node16 from a module', file: 'function.mts', options: { module: 'node16', moduleResolution: 'node16' } },
  { name: 'bundler', file: 'function.ts', options: { module: 'esnext', moduleResolution: 'bundler' }, since: 5 },
] as const;

describe('typed', () => {
  for (const [version, folder] of [
    [4.7, `${PEERS}/typescript-4.7`],
    [5, `${PEERS}/typescript-5.0`],
    [5.9, `${PEERS}/typescript-5.9`],
    [6, 'node_modules/typescript'],
  ] as const) {
    for (const { name, file, options, ...rest } of RESOLUTIONS) {
      if ('since' in rest && version < rest.since) continue;
      test(`TypeScript ${version}, ${name}, strict, every declaration checked`, (t) => {
        const at = withPeers(t);
        if (at === undefined) return;
        const home = join(at.project, `typed-${version}-${name.replaceAll(' ', '-')}`);
        mkdirSync(home);
        script(home, file, TYPED);
        const readme = script(
          home,
          file.replace('function', 'readme'),
          `import { withCapture, type Collector, type Entry, type Trigger } from 'lambda-amber';\n${readmeCollector()}`,
        );
        const compilerOptions = {
          ...options,
          strict: true,
          skipLibCheck: false,
          noEmit: true,
          target: 'es2020',
          types: [],
          exactOptionalPropertyTypes: true,
          ...(version >= 6 ? { ignoreDeprecations: '6.0' } : {}),
        };
        writeFileSync(join(home, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: [file, readme] }));
        const { status, stdout } = spawnSync(process.execPath, [resolve(folder, 'bin/tsc'), '-p', home], {
          encoding: 'utf8',
        });
        assert.deepEqual([status, stdout], [0, '']);
      });
    }
  }

  test('are the types wrong? finds nothing', async (t) => {
    const at = withPeers(t);
    if (at === undefined) return;
    const { checkPackage, createPackageFromTarballData } = (await import(
      pathToFileURL(join(PEERS, '@arethetypeswrong/core/dist/index.js')).href
    )) as {
      checkPackage: (
        files: unknown,
      ) => Promise<{ types: unknown; problems: readonly { kind: string; resolutionKind?: string }[] }>;
      createPackageFromTarballData: (bytes: Uint8Array) => unknown;
    };
    const { types, problems } = await checkPackage(
      createPackageFromTarballData(new Uint8Array(readFileSync(at.tarball))),
    );
    assert.notEqual(types, false);
    assert.deepEqual(problems, []);
  });
});

test('Jest as it comes: a handler is required, called and captured', (t) => {
  const at = withPeers(t);
  if (at === undefined) return;
  const home = join(at.project, 'jest');
  mkdirSync(home);
  script(home, 'package.json', '{"private":true}\n');
  script(
    home,
    'function.test.js',
    `
const { capture, withCapture } = require('lambda-amber');
test('answers', async () => {
  expect(await withCapture(async (event) => event)({ a: 1 }, {})).toEqual({ a: 1 });
});
test('captures', async () => {
  expect(await capture({ reason: 'in Jest', maxCaptures: 9, cooldownMs: 0 })).toMatchObject({ state: 'whole' });
});
`,
  );
  const { status, stdout, stderr, captures } = runOnce(
    home,
    [...NODE_24, join(PEERS, 'jest/bin/jest.js'), '--runInBand', '--rootDir'],
    home,
  );
  assert.equal(status, 0, stderr + stdout);
  assert.ok(captures.length >= 1, stdout);
});

/** Bytes that Amber may add to a bundle: the idle part and the packed engine. */
const MAX_BYTES = 290_000;

type Bundler = (entry: string, outdir: string) => Promise<void>;

const byEsbuild =
  (options: BuildOptions): Bundler =>
  async (entry, outdir) => {
    await build({
      entryPoints: { index: entry },
      bundle: true,
      platform: 'node',
      target: 'node22',
      outdir,
      outExtension: { '.js': options.format === 'cjs' ? '.cjs' : '.mjs' },
      logLevel: 'error',
      ...options,
    });
  };

interface Rollup {
  readonly rollup: (
    options: object,
  ) => Promise<{ readonly write: (options: object) => Promise<unknown>; readonly close: () => Promise<void> }>;
}

const fromPeers = createRequire(join(PEERS, 'x.js'));
const byRollup =
  (format: 'es' | 'cjs'): Bundler =>
  async (entry, outdir) => {
    const { rollup } = fromPeers('rollup') as Rollup;
    const plugins = ['node-resolve', 'commonjs'].map((name) => {
      const made = fromPeers(`@rollup/plugin-${name}`) as { default?: (options: object) => object } & ((
        options: object,
      ) => object);
      return (made.default ?? made)(name === 'node-resolve' ? { preferBuiltins: true } : {});
    });
    const bundle = await rollup({ input: { index: entry }, plugins, external: /^node:/u });
    await bundle.write({ dir: outdir, format, entryFileNames: format === 'cjs' ? '[name].cjs' : '[name].mjs' });
    await bundle.close();
  };

type Webpack = (
  options: object,
  done: (error: Error | null, stats: { hasErrors: () => boolean; toString: () => string } | undefined) => void,
) => void;

const byWebpack =
  (mode: 'production' | 'development'): Bundler =>
  async (entry, outdir) =>
    new Promise((done, fail) => {
      const webpack = fromPeers('webpack') as Webpack;
      const output = { path: outdir, filename: 'index.cjs', library: { type: 'commonjs2' } };
      webpack(
        { mode, target: 'node22', entry, output, context: join(outdir, '..'), devtool: false },
        (error, stats) => {
          if (error !== null || stats?.hasErrors() !== false) fail(error ?? new Error(stats?.toString()));
          else done();
        },
      );
    });

const EXTERNAL_SDK = { external: ['@aws-sdk/*'] };
const BUNDLERS: readonly (readonly [name: string, bundler: Bundler, most?: number])[] = [
  ['esbuild, esm', byEsbuild({ format: 'esm' })],
  ['esbuild, cjs', byEsbuild({ format: 'cjs' })],
  ['esbuild, esm, minified', byEsbuild({ format: 'esm', minify: true })],
  ['esbuild, cjs, minified', byEsbuild({ format: 'cjs', minify: true })],
  ['esbuild, esm, SDK external', byEsbuild({ format: 'esm', ...EXTERNAL_SDK })],
  ['esbuild, cjs, minified, SDK external', byEsbuild({ format: 'cjs', minify: true, ...EXTERNAL_SDK })],
  // Own conditions take away `module` (esbuild, "Conditions"): then it bundles what Node would load. That works, at a
  // price.
  ['esbuild, cjs, conditions of its own', byEsbuild({ format: 'cjs', minify: true, conditions: ['mine'] }), 5_000_000],
  ['rollup, es', byRollup('es')],
  ['rollup, cjs', byRollup('cjs')],
  ['webpack, production', byWebpack('production')],
  ['webpack, development', byWebpack('development'), 400_000],
];

describe('bundled', () => {
  for (const [way, source] of [
    [
      'import',
      "import { withCapture } from 'lambda-amber';\nexport const handler = withCapture(async (event) => event);\n",
    ],
    [
      'require',
      "const { withCapture } = require('lambda-amber');\nexports.handler = withCapture(async (event) => event);\n",
    ],
  ] as const) {
    for (const [name, bundler, most = MAX_BYTES] of BUNDLERS) {
      if (way === 'require' && !/esbuild, cjs, minified$|webpack, production|rollup, cjs/u.test(name)) continue;
      test(`${way} by ${name}: one file of ${most} bytes at most, alone in its folder, captures`, async (t) => {
        const at = withPeers(t);
        if (at === undefined) return;
        const id = `${way}-${name.replaceAll(/\W+/gu, '-')}`;
        const entry = script(at.project, `${id}.js`, source);
        const outdir = join(at.home, id);
        await bundler(entry, outdir);
        const files = globSync('**/*', { cwd: outdir });
        assert.equal(files.length, 1, files.join(' '));
        const [bundle = ''] = files;
        assert.ok(statSync(join(outdir, bundle)).size <= most, `${statSync(join(outdir, bundle)).size} bytes`);
        const load = bundle.endsWith('.cjs') ? `require('./${bundle}')` : `import('./${bundle}')`;
        const file = script(
          outdir,
          'run.cjs',
          `${INVOKE}\nPromise.resolve(${load}).then(({ handler }) => invoke(handler));\n`,
        );
        const { status, stdout, stderr, captures } = runOnce(outdir, LAMBDA_22, file, { LAMBDA_TASK_ROOT: outdir });
        assert.deepEqual([status, stderr, captures.length], [0, '', 1], stdout);
        assert.match(stdout, /\{"answer":\{"a":1\}\}/u);
      });
    }
  }
});
