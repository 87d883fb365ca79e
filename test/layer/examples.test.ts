/** The deployments of examples/layer: parsed by the tools of others, and held to what is in the zip. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { LAYERS } from '../../layer/layers.ts';
import { OPTIONS } from '../../src/config/config.ts';
import { missing } from '../peers.ts';
import { ensureClient, ric4, STARTS_BOTH } from '../sandbox/clients.ts';
import { record } from '../sandbox/record.ts';
import { unpackedLayer, type Unpacked } from './unpacked.ts';

const EXAMPLES = resolve('examples/layer');
const PEERS = resolve(import.meta.dirname, 'peers');
const HANDLER = '/opt/nodejs/node_modules/lambda-amber/handler.handler';
const peer = createRequire(join(PEERS, 'package.json'));

let layer: Unpacked;
before(async () => {
  layer = await unpackedLayer('node');
});
after(() => rmSync(layer.home, { recursive: true }));

function hasPeer(t: { skip: (message: string) => void }, name: string): boolean {
  return (
    existsSync(join(PEERS, 'node_modules', name)) || missing(t, `${name}, which npm ci installs in test/layer/peers`)
  );
}

/** Paths below /opt that the text names are in the zip, and variables are known. */
function holdsToZip(text: string): void {
  for (const [, path = ''] of text.matchAll(/\/opt\/((?:nodejs|amber)[\w./-]*)/gu)) {
    assert.ok(existsSync(join(layer.opt, path.replace(/handler\.handler$/u, 'handler.mjs'))), path);
  }
  const known = [...Object.values(OPTIONS).map(({ env }) => env), 'AMBER_HANDLER', 'AMBER_NEXT_EXEC_WRAPPER'];
  for (const [name] of text.matchAll(/\bAMBER_[A-Z0-9_]+/gu)) assert.ok(known.includes(name), name);
}

test('each names paths of the zip, variables that are known, and the runtimes and architectures of the layer', () => {
  const node = LAYERS.find(({ name }) => name === 'node');
  for (const name of ['README.md', 'template.yaml', 'main.tf', 'amber.mjs']) {
    const text = readFileSync(join(EXAMPLES, name), 'utf8');
    holdsToZip(text);
    assert.ok(text.includes('dist/layer/lambda-amber-node.zip'), name);
    if (name === 'amber.mjs') continue;
    for (const word of [...(node?.runtimes ?? []), ...(node?.architectures ?? [])])
      assert.ok(text.includes(word), `${name}: ${word}`);
  }
});

interface Resource {
  readonly Type: string;
  readonly Properties: {
    readonly Handler?: string;
    readonly Environment?: { readonly Variables: Readonly<Record<string, unknown>> };
    readonly Layers?: readonly unknown[];
    readonly ContentUri?: string;
  };
}

test('SAM: a function by each way', (t) => {
  if (!hasPeer(t, 'yaml')) return;
  const yaml = peer('yaml') as { parse: (text: string, options: object) => unknown };
  const text = readFileSync(join(EXAMPLES, 'template.yaml'), 'utf8');
  const template = yaml.parse(text, { logLevel: 'error', strict: true }) as {
    Globals: { Function: { Layers: unknown[]; CodeUri: string } };
    Resources: Readonly<Record<string, Resource>>;
  };
  const ways = Object.values(template.Resources)
    .filter(({ Type }) => Type === 'AWS::Serverless::Function')
    .map(({ Properties }) => [Properties.Handler, Properties.Environment?.Variables]);
  assert.deepEqual(ways, [
    [HANDLER, { AMBER_HANDLER: 'index.handler' }],
    ['index.handler', { AWS_LAMBDA_EXEC_WRAPPER: '/opt/amber-exec' }],
    ['index.handler', { NODE_OPTIONS: '--require /opt/nodejs/node_modules/lambda-amber/preload.cjs' }],
  ]);
  assert.deepEqual(
    [template.Globals.Function.Layers, resolve(EXAMPLES, template.Resources['Amber']?.Properties.ContentUri ?? '')],
    [['Amber'], resolve('dist/layer/lambda-amber-node.zip')],
  );
  assert.ok(existsSync(join(EXAMPLES, template.Globals.Function.CodeUri, 'index.mjs')));
});

test('Terraform: the same by a variable', async (t) => {
  if (!hasPeer(t, '@cdktf/hcl2json')) return;
  const { parse } = peer('@cdktf/hcl2json') as { parse: (name: string, text: string) => Promise<unknown> };
  const parsed = (await parse('main.tf', readFileSync(join(EXAMPLES, 'main.tf'), 'utf8'))) as {
    locals: readonly { ways: Readonly<Record<string, unknown>> }[];
    resource: Readonly<Record<string, Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>>>;
  };
  assert.deepEqual(Object.keys(parsed.locals[0]?.ways ?? {}).sort(), ['exec', 'preload', 'redirect']);
  const [made] = parsed.resource['aws_lambda_function']?.['this'] ?? [];
  assert.equal(made?.['handler'], `\${var.way == "redirect" ? "${HANDLER}" : var.handler}`);
  assert.deepEqual(made['layers'], ['${aws_lambda_layer_version.amber.arn}']);
});

test('CDK: the aspect puts every Node function of a stack behind the layer, and no other', (t) => {
  if (!hasPeer(t, 'aws-cdk-lib')) return;
  const folder = mkdtempSync(join(tmpdir(), 'amber-cdk-'));
  cpSync(join(EXAMPLES, 'amber.mjs'), join(folder, 'amber.mjs'));
  symlinkSync(join(PEERS, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(
    join(folder, 'app.mjs'),
    `
    import { App, Aspects, Stack } from 'aws-cdk-lib';
    import { Code, Function, Runtime } from 'aws-cdk-lib/aws-lambda';
    import { AttachAmber } from './amber.mjs';
    const app = new App({ outdir: ${JSON.stringify(join(folder, 'out'))} });
    const stack = new Stack(app, 'Shop', { env: { account: '123456789012', region: 'eu-central-1' } });
    const code = Code.fromInline('exports.handler = async () => 1;');
    new Function(stack, 'Checkout', { runtime: Runtime.NODEJS_24_X, handler: 'index.handler', code, environment: { STAGE: 'prod' } });
    new Function(stack, 'Report', { runtime: Runtime.PYTHON_3_13, handler: 'index.handler', code: Code.fromInline('x = 1') });
    Aspects.of(stack).add(new AttachAmber(stack, { zip: ${JSON.stringify(layer.built.file)}, bucket: 'evidence', bucketOwner: '111122223333' }));
    app.synth();
    console.log(JSON.stringify(app.synth().getStackByName('Shop').template));
  `,
  );
  const { status, stdout, stderr } = spawnSync(process.execPath, ['app.mjs'], { cwd: folder, encoding: 'utf8' });
  rmSync(folder, { recursive: true });
  assert.equal(status, 0, stderr);
  const template = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as {
    Resources: Readonly<Record<string, Resource>>;
  };
  const functions = Object.values(template.Resources)
    .filter(({ Type }) => Type === 'AWS::Lambda::Function')
    .map(({ Properties }) => [Properties.Handler, Properties.Environment?.Variables, Properties.Layers?.length ?? 0]);
  assert.deepEqual(functions, [
    [
      HANDLER,
      {
        STAGE: 'prod',
        AMBER_DESTINATION: 's3://evidence/amber',
        AMBER_S3_BUCKET_OWNER: '111122223333',
        AMBER_ON_ERROR: 'any',
        AMBER_HANDLER: 'index.handler',
      },
      1,
    ],
    ['index.handler', undefined, 0],
  ]);
  assert.equal(JSON.stringify(template).match(/"s3:PutObject"/gu)?.length, 1);
});

test('the function of the example answers behind the layer', { skip: STARTS_BOTH }, async (t) => {
  if (!ensureClient(t, ric4)) return;
  const handler = HANDLER.replace('/opt', layer.opt);
  const { answers } = await record(ric4, {
    handler,
    taskRoot: join(EXAMPLES, 'function'),
    env: { AMBER_HANDLER: 'index.handler' },
    events: [{ name: 'Ada' }],
  });
  assert.equal(answers[0]?.body, '{"statusCode":200,"body":"hello Ada"}');
});
