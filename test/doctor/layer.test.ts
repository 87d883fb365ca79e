/**
 * What the doctor says of the ways in which the layer is put in front of a function, with the paths that the layer has.
 */
import assert from 'node:assert/strict';
import { rmSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pythonWayOf, wayOf } from '../../src/doctor/layer-checks.ts';
import { unpackedLayer } from '../layer/unpacked.ts';

const OURS = '/opt/nodejs/node_modules/lambda-amber/handler.handler';
const PRELOAD = {
  NODE_OPTIONS: '--max-http-header-size=16384 --require /opt/nodejs/node_modules/lambda-amber/preload.cjs',
};

const state = (handler: string, environment: Readonly<Record<string, string>>, more: object = {}): string => {
  const { state: found, detail } = wayOf({ Handler: handler, ...more }, environment);
  return `${found}: ${detail}`;
};

test('each way is recognised', () => {
  assert.match(state(OURS, { AMBER_HANDLER: 'src/index.handler' }), /^ok: .* src\/index\.handler$/u);
  assert.match(state('index.handler', { AWS_LAMBDA_EXEC_WRAPPER: '/opt/amber-exec' }), /^ok: AWS_LAMBDA_EXEC_WRAPPER/u);
  assert.match(state('index.handler', PRELOAD), /^ok: NODE_OPTIONS/u);
  assert.match(
    state('/opt/nodejs/node_modules/datadog-lambda-js/handler.handler', {
      DD_LAMBDA_HANDLER: OURS,
      AMBER_HANDLER: 'index.handler',
    }),
    /^ok: another loader/u,
  );
});

test('what keeps a way from working is told with what to set', () => {
  assert.match(state(OURS, {}), /^failed: .*AMBER_HANDLER is not set$/u);
  assert.match(state(OURS, { AMBER_HANDLER: OURS }), /^failed: AMBER_HANDLER and the handler are both/u);
  assert.match(state('index.handler', { AMBER_HANDLER: 'index.handler' }), /^failed: .*nothing reads it/u);
  assert.match(state('index.handler', PRELOAD, { DurableConfig: { ExecutionTimeout: 60 } }), /^failed: .*durable/u);
  assert.match(
    state('index.handler', { AWS_LAMBDA_EXEC_WRAPPER: '/opt/otel-handler' }),
    /^warning: AWS_LAMBDA_EXEC_WRAPPER is \/opt\/otel-handler/u,
  );
  assert.match(
    wayOf({ Handler: 'index.handler' }, { AWS_LAMBDA_EXEC_WRAPPER: '/opt/otel-handler' }).fix ?? '',
    /AMBER_NEXT_EXEC_WRAPPER to \/opt\/otel-handler/u,
  );
  assert.match(state('index.handler', {}), /^warning: nothing loads the layer/u);
});

test('a Python function has two ways, and is told what keeps each from working', () => {
  const of = (Handler: string, environment: Readonly<Record<string, string>> = {}): string =>
    pythonWayOf({ Handler }, environment).state;
  assert.equal(of('lambda_amber.handler', { AMBER_HANDLER: 'function.handler' }), 'ok');
  assert.equal(of('function.handler', { AWS_LAMBDA_EXEC_WRAPPER: '/opt/amber-exec' }), 'ok');
  assert.equal(of('run.sh', { AWS_LAMBDA_EXEC_WRAPPER: '/opt/bootstrap' }), 'ok');
  assert.equal(of('lambda_amber.handler'), 'failed');
  assert.equal(of('lambda_amber.handler', { AMBER_HANDLER: 'lambda_amber.handler' }), 'failed');
  assert.equal(of('function.handler'), 'warning');
});

test('the paths are those of the layer', async () => {
  const { home, opt } = await unpackedLayer('node');
  const below = (path: string): string => join(opt, path.replace('/opt/', ''));
  assert.ok(
    existsSync(below(OURS.replace(/\.handler$/u, '.mjs'))) &&
      existsSync(below('/opt/amber-exec')) &&
      existsSync(below(PRELOAD.NODE_OPTIONS.split(' ').at(-1) ?? '')),
  );
  rmSync(home, { recursive: true });
});
