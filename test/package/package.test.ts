/**
 * The package as its users have it: packed, installed into an empty project, and used there by all that functions are
 * written, typed, tested and bundled with.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { brotliDecompressSync } from 'node:zlib';
import { COMMAND_BYTES, TARBALL_BYTES } from '../budgets.ts';
import { unpackedLayer } from '../layer/unpacked.ts';
import { missing } from '../peers.ts';
import { BUNDLERS } from './bundlers.ts';
import { install, packagesOf, PEERS, type Installed } from './installed.ts';
import { INVOKE, LAMBDA_22, NODE_24, runOnce, script } from './once.ts';
import { readmeCollector, TYPED } from './typed.ts';

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

  test('tarball and command are within their budgets', (t) => {
    const at = installed(t);
    if (at === undefined) return;
    const command = join(at.project, 'node_modules/lambda-amber/dist/cli/amber.js');
    assert.ok(statSync(at.tarball).size <= TARBALL_BYTES, `the tarball has ${statSync(at.tarball).size} bytes`);
    assert.ok(statSync(command).size <= COMMAND_BYTES, `the command has ${statSync(command).size} bytes`);
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
    const pieces = /(?:"[\w+/]{1,1024}={0,2}",?){100,}/u.exec(readFileSync(join(dist, 'bundled.js'), 'utf8'))?.[0];
    const packed = pieces?.replaceAll(/[",]/gu, '') ?? '';
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
    for (const [name, bundler, most] of BUNDLERS) {
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
