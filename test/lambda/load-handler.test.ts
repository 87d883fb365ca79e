/** How a handler is found, by the rules of either client, without the clients: those are in test/layer. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { clientFile, clientGeneration } from '../../src/lambda/client.ts';
import { findHandler, parseHandlerName, runtimeError } from '../../src/lambda/handler-name.ts';
import { loadHandler } from '../../src/lambda/load-handler.ts';
import type { RuntimeGeneration } from '../../src/lambda/generation.ts';

const home = mkdtempSync(join(tmpdir(), 'amber-load-'));
after(() => rmSync(home, { recursive: true }));

const GENERATIONS = ['v3', 'v4'] as const;

function makeTask(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(home, 'task-'));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

async function loaded(
  generation: RuntimeGeneration,
  files: Readonly<Record<string, string>>,
  name: string,
): Promise<unknown> {
  const place = {
    generation,
    appRoot: makeTask(files),
    require: createRequire(import.meta.url),
    load: async (path: string): Promise<unknown> => import(path),
  };
  const handler = (await loadHandler(name, place)) as () => unknown;
  return handler();
}

describe('a name', () => {
  for (const generation of GENERATIONS) {
    test(`is taken apart (${generation})`, () => {
      const parts = (full: string): unknown => {
        const { root, module, path } = parseHandlerName(full, generation);
        return [root, module, path];
      };
      assert.deepEqual(parts('index.handler'), ['', 'index', 'handler']);
      assert.deepEqual(parts('src/app.a.b.handler'), ['src/', 'app', 'a.b.handler']);
      assert.deepEqual(parts('/var/my.task/app.handler'), ['/var/my.task/', 'app', 'handler']);
      assert.deepEqual(parts('.handler'), ['', '', 'handler']);
      for (const bad of ['index', '/', ''])
        assert.throws(
          () => parseHandlerName(bad, generation),
          { name: 'Runtime.MalformedHandlerName', message: 'Bad handler' },
          bad,
        );
      assert.throws(() => parseHandlerName('../index.handler', generation), {
        name: 'Runtime.MalformedHandlerName',
        message: /^'\.\.\/index\.handler' is not a valid handler name\./u,
      });
    });
  }

  test('errors have the shape that each client gives them, the first line of the stack included', () => {
    class OfV3 extends Error {}
    Object.defineProperty(OfV3.prototype, 'name', { value: 'Runtime.HandlerNotFound' });
    class OfV4 extends Error {
      constructor(message: string) {
        super(message);
        this.name = 'Runtime.HandlerNotFound';
      }
    }
    const shape = (error: Error): unknown => [
      error.name,
      error.message,
      Object.keys(error),
      error.stack?.split('\n')[0],
    ];
    assert.deepEqual(shape(runtimeError('v3', 'HandlerNotFound', 'x')), shape(new OfV3('x')));
    assert.deepEqual(shape(runtimeError('v4', 'HandlerNotFound', 'x')), shape(new OfV4('x')));
  });
});

describe('a function in what a module exports', () => {
  const find = (generation: RuntimeGeneration, exported: unknown, path: string): unknown =>
    findHandler(exported, parseHandlerName(`index.${path}`, generation), generation);
  const inner = (): void => undefined;

  test('is found through functions by version 3, and in the default export by version 4', () => {
    const outer = Object.assign((): void => undefined, { inner });
    assert.equal(find('v3', { outer }, 'outer.inner'), inner);
    assert.throws(() => find('v4', { outer }, 'outer.inner'), {
      name: 'Runtime.HandlerNotFound',
      message: 'index.outer.inner is undefined or not exported',
    });
    assert.equal(find('v4', { default: { inner } }, 'inner'), inner);
    assert.throws(() => find('v3', { default: { inner } }, 'inner'), { name: 'Runtime.HandlerNotFound' });
  });

  test('is refused if it is none', () => {
    for (const generation of GENERATIONS) {
      assert.throws(() => find(generation, { handler: {} }, 'handler'), { message: 'index.handler is not a function' });
      for (const handler of [0, '', null, undefined])
        assert.throws(() => find(generation, { handler }, 'handler'), {
          message: 'index.handler is undefined or not exported',
        });
    }
  });
});

describe('a module', () => {
  const says = (text: string): string => `exports.handler = () => ${JSON.stringify(text)};\n`;

  test('is looked for in the order of each client', async () => {
    const both = { 'index.mjs': `export const handler = () => 'mjs';\n`, 'index.cjs': says('cjs') };
    for (const generation of GENERATIONS) {
      assert.equal(await loaded(generation, { ...both, 'index.js': says('js') }, 'index.handler'), 'js');
      assert.equal(await loaded(generation, both, 'index.handler'), 'mjs');
      assert.equal(
        await loaded(
          generation,
          { 'package.json': '{"type":"module"}', 'index.js': `export const handler = () => 'module';\n` },
          'index.handler',
        ),
        'module',
      );
      assert.equal(
        await loaded(generation, { 'node_modules/mod/index.js': says('package') }, 'mod.handler'),
        'package',
      );
    }
  });

  test('may be a promise for version 3, and passes its errors on as they are', async () => {
    assert.equal(
      await loaded(
        'v3',
        { 'index.cjs': `module.exports = Promise.resolve({ handler: () => 'promised' });\n` },
        'index.handler',
      ),
      'promised',
    );
    for (const generation of GENERATIONS) {
      await assert.rejects(loaded(generation, { 'index.mjs': `throw new RangeError('far');\n` }, 'index.handler'), {
        name: 'RangeError',
        message: 'far',
      });
      await assert.rejects(loaded(generation, { 'index.mjs': 'export const {' }, 'index.handler'), SyntaxError);
      await assert.rejects(loaded(generation, {}, 'index.handler'), { code: 'MODULE_NOT_FOUND' });
    }
  });
});

describe('the client', () => {
  test('is whoever imports the module that asks, and the stack is left as it was', async () => {
    const folder = makeTask({
      'asks.mjs': `import { clientFile } from ${JSON.stringify(new URL('../../src/lambda/client.ts', import.meta.url).href)};\nconst before = Error.prepareStackTrace;\nexport const found = clientFile(import.meta.url);\nexport const same = before === Error.prepareStackTrace && Error.stackTraceLimit === 10;\nawait null;\n`,
      'client.mjs': `const load = async () => await import('./asks.mjs');\nexport const { found, same } = await load();\n`,
    });
    const { found, same } = (await import(join(folder, 'client.mjs'))) as { found: string; same: boolean };
    assert.ok(same);
    // The sources lie in a file of their own here; in the layer they are part of the module that asks.
    assert.ok(
      [join(folder, 'client.mjs'), new URL('../../src/lambda/client.ts', import.meta.url).pathname].some((path) =>
        found.endsWith(path),
      ),
      found,
    );
    assert.equal(typeof clientFile('file:///nowhere'), 'string');
  });

  test('is known by the store that version 4 puts in place, or by the version of Node', () => {
    const scope = globalThis as { awslambda?: unknown };
    scope.awslambda = { InvokeStore: {} };
    assert.equal(clientGeneration({}), 'v4');
    scope.awslambda = { streamifyResponse: () => undefined };
    assert.equal(clientGeneration({ AWS_LAMBDA_MAX_CONCURRENCY: '4' }), 'v3');
    delete scope.awslambda;
    assert.equal(clientGeneration({ AWS_LAMBDA_MAX_CONCURRENCY: '4' }), 'v4');
    assert.equal(clientGeneration({}), process.version.startsWith('v22.') ? 'v3' : 'v4');
  });
});
