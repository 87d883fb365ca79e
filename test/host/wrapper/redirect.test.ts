/**
 * The handler that stands in front of a function: what it gives, and that it fails open. The runtimes themselves:
 * test/layer.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { OPTIONS } from '../../../src/config/config.ts';

const home = mkdtempSync(join(tmpdir(), 'amber-redirect-'));
after(() => rmSync(home, { recursive: true }));
writeFileSync(
  join(home, 'index.mjs'),
  `export const handler = () => ['bare', process.env._HANDLER];\nexport const early = globalThis.loaded;\n`,
);

interface Ran {
  readonly value: unknown;
  readonly error: string | undefined;
  readonly loaded: boolean;
  readonly lines: readonly Record<string, unknown>[];
}

/** In a process of its own: the redirect changes the environment and writes to standard output. */
function redirected(library: string, env: Readonly<Record<string, string>>): Ran {
  const program = `
    import { redirect } from ${JSON.stringify(new URL('../../../src/host/wrapper/redirect.ts', import.meta.url).href)};
    const library = async () => { globalThis.loaded = true; ${library} };
    let value, error;
    try {
      const handler = await redirect({ own: import.meta.url, env: process.env, library, load: async (path) => import(path) });
      value = handler();
    } catch (caught) {
      error = caught.name + ': ' + caught.message;
    }
    console.error(JSON.stringify({ value, error, loaded: globalThis.loaded === true }));
  `;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', program],
    { encoding: 'utf8', env: { LAMBDA_TASK_ROOT: home, ...env } },
  );
  const lines = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const { value, error, loaded } = JSON.parse(stderr.trim().split('\n').at(-1) ?? '') as Partial<Ran>;
  return { value, error, loaded: loaded === true, lines };
}

const WRAPS = `return { withCapture: (handler) => () => ['wrapped', ...handler()] };`;
const NAMED = { AMBER_HANDLER: 'index.handler', _HANDLER: '/opt/nodejs/node_modules/lambda-amber/handler.handler' };

test('gives the function wrapped, which sees its own name', () => {
  assert.deepEqual(redirected(WRAPS, NAMED), {
    value: ['wrapped', 'bare', 'index.handler'],
    error: undefined,
    loaded: true,
    lines: [],
  });
});

test('gives the function bare, with one line, if the library cannot be loaded or does not wrap', () => {
  for (const [library, error] of [
    [`throw new TypeError('torn');`, 'TypeError: torn'],
    ['return {};', 'AmberError: the library of the layer has no withCapture'],
    [`return { withCapture: () => { throw new TypeError('torn'); } };`, 'TypeError: torn'],
    ['throw null;', 'null'],
  ] as const) {
    const { value, lines } = redirected(library, NAMED);
    assert.deepEqual(value, ['bare', 'index.handler'], library);
    assert.deepEqual(
      lines.map((line) => ({ ...line, timestamp: 'now' })),
      [
        {
          amber: 'fault',
          effect: 'the function runs without Amber',
          error,
          level: 'INFO',
          schema: 1,
          timestamp: 'now',
          where: 'layer',
        },
      ],
    );
  }
});

test('loads nothing of ours where the kill switch is on, in every spelling that the options know', () => {
  for (const spelling of ['1', '0', 'true', 'false', 'ON', 'off', 'Yes', 'no', ' 1 ', '', 'maybe']) {
    const parsed = OPTIONS.disabled.parse(spelling);
    const { loaded } = redirected(WRAPS, { ...NAMED, AMBER_DISABLED: spelling });
    assert.equal(loaded, !(parsed.ok && parsed.value), spelling);
  }
});

test('says what to set where it does not know the function', () => {
  for (const env of [
    {},
    { AMBER_HANDLER: '' },
    { AMBER_HANDLER: '/opt/nodejs/node_modules/lambda-amber/handler.handler' },
  ]) {
    const { error, lines } = redirected(WRAPS, { ...NAMED, AMBER_HANDLER: '', ...env });
    assert.match(
      error ?? '',
      /^Runtime\.HandlerNotFound: AMBER_HANDLER is .*; set it to the handler of the function, for example index\.handler$/u,
    );
    assert.deepEqual(lines, []);
  }
});
