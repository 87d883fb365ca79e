/**
 * Behind the layer and beside others: a function that bundles the library itself, Datadog's and OpenTelemetry's
 * wrappers, durable functions.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import { bundleLibrary, type Bundle } from '../bench/bundle.ts';
import { missing } from '../peers.ts';
import { ensureClient, ric4, STARTS_BOTH, type Client } from '../sandbox/clients.ts';
import { record, type Recording } from '../sandbox/record.ts';
import { unpackedLayer, type Unpacked } from './unpacked.ts';
import { attach, layerHandler, managed3, WAYS, type Way } from './ways.ts';

const PEERS = resolve(import.meta.dirname, 'peers');
const DATADOG = join(PEERS, 'node_modules/datadog-lambda-js/dist');
const CLIENTS = [managed3, ric4];

let layer: Unpacked;
let bundle: Bundle;
before(async () => {
  [layer, bundle] = await Promise.all([unpackedLayer('node'), bundleLibrary()]);
});
after(() => {
  rmSync(layer.home, { recursive: true });
  rmSync(bundle.directory, { recursive: true });
});

/** Installs what the layers of others hold, from its lock file; false where that cannot be had. */
function ensurePeers(t: TestContext): boolean {
  const there = (): boolean => existsSync(join(PEERS, 'node_modules/.package-lock.json'));
  if (!there())
    spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
      cwd: PEERS,
      stdio: 'ignore',
      timeout: 300_000,
    });
  return there() || missing(t, 'the packages of test/layer/peers, which npm ci installs');
}

/** Captures that a failing or a first invocation starts, the volatile tier alone. */
const CAPTURE = {
  AMBER_DETECT: 'off',
  AMBER_COMPRESSION: 'none',
  AMBER_MAX_MS: '15000',
  AMBER_COOLDOWN_MS: '0',
  AMBER_COLLECT: '-inventory,-recovered,-writable,-timeline,-code,-executables',
};

interface Function {
  readonly files: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly events?: readonly object[];
}

/** The folder of the function holds its evidence too. */
interface Ran extends Recording {
  readonly captures: number;
}

type Setup = (client: Client) => {
  readonly client: Client;
  readonly handler: string;
  readonly env: Readonly<Record<string, string>>;
};

async function run(
  client: Client,
  { files, env = {}, events = [{}, { fail: true }] }: Function,
  setup: Setup,
): Promise<Ran> {
  const taskRoot = mkdtempSync(join(layer.home, 'task-'));
  const evidence = join(taskRoot, 'evidence');
  mkdirSync(evidence);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(taskRoot, name), text);
  const attached = setup(client);
  const recording = await record(attached.client, {
    handler: attached.handler,
    taskRoot,
    events,
    timeoutMs: 20_000,
    env: { ...CAPTURE, AMBER_DESTINATION: `file://${evidence}`, ...attached.env, ...env },
  });
  return { ...recording, captures: globSync('**/manifest.json', { cwd: evidence }).length };
}

const by =
  (way: Way, handler = 'index.handler'): Setup =>
  (client) =>
    attach(way, layer.opt, client, handler);

/** What was answered: the value, or the type and message of the error. */
function answers({ init, answers: given }: Recording): unknown[] {
  assert.equal(init, undefined, init?.body);
  return given.map(({ body, kind }) => {
    const value = JSON.parse(body) as unknown;
    return kind === 'error'
      ? `${(value as { errorType: string }).errorType}: ${(value as { errorMessage: string }).errorMessage}`
      : value;
  });
}

const WORK = `async (event) => { if (event.fail) throw new TypeError('no lines'); return { statusCode: 200 }; }`;
const PLAIN: Function = { files: { 'index.mjs': `export const handler = ${WORK};\n` } };
const ANSWERS = [{ statusCode: 200 }, 'TypeError: no lines'];

describe('a function that wraps its handler with a copy of its own', { skip: STARTS_BOTH, concurrency: 2 }, () => {
  for (const client of CLIENTS) {
    const wraps = (text: string): Function => ({
      files: { 'index.mjs': `import { withCapture, amberMiddleware } from ${JSON.stringify(bundle.entry)};\n${text}` },
    });
    for (const [name, text] of [
      ['the exported handler', `export const handler = withCapture(${WORK});\n`],
      [
        'a handler within another',
        `const inner = withCapture(${WORK});\nexport const handler = async (event, context) => inner(event, context);\n`,
      ],
    ] as const) {
      test(`${client.name}: ${name}: one capture of one event`, async (t) => {
        if (!ensureClient(t, client)) return;
        const first = await run(client, { ...wraps(text), env: { AMBER_CAPTURE: 'now' } }, by('redirect'));
        assert.deepEqual([answers(first), first.captures], [ANSWERS, 1]);
        const failing = await run(client, { ...wraps(text), env: { AMBER_ON_ERROR: 'any' } }, by('redirect'));
        assert.deepEqual([answers(failing), failing.captures], [ANSWERS, 1]);
        assert.deepEqual(
          failing.amber.filter(({ amber }) => amber === 'fault'),
          [],
        );
      });
    }
  }
});

describe("Datadog's handler", { skip: STARTS_BOTH, concurrency: 2 }, () => {
  const quiet = {
    DD_TRACE_ENABLED: 'false',
    DD_FLUSH_TO_LOG: 'true',
    DD_LOG_LEVEL: 'critical',
    DD_SITE: 'datadoghq.com',
    AMBER_ON_ERROR: 'any',
  };
  const theirs = join(DATADOG, 'handler.handler');
  const orders: Readonly<Record<string, Setup>> = {
    'in front of ours': (client) => ({
      client,
      handler: theirs,
      env: { DD_LAMBDA_HANDLER: layerHandler(layer.opt), AMBER_HANDLER: 'index.handler' },
    }),
    'behind ours': (client) => ({
      client,
      handler: layerHandler(layer.opt),
      env: { AMBER_HANDLER: theirs, DD_LAMBDA_HANDLER: 'index.handler' },
    }),
    'by both preloads, theirs first': (client) => ({
      client,
      handler: 'index.handler',
      env: { NODE_OPTIONS: `--require ${join(DATADOG, 'init.js')} ${preload()}` },
    }),
    'by both preloads, ours first': (client) => ({
      client,
      handler: 'index.handler',
      env: { NODE_OPTIONS: `${preload()} --require ${join(DATADOG, 'init.js')}` },
    }),
    'by their preload and our exec wrapper': (client) => {
      const attached = attach('exec', layer.opt, client, 'index.handler');
      return { ...attached, env: { ...attached.env, NODE_OPTIONS: `--require ${join(DATADOG, 'init.js')}` } };
    },
  };
  for (const client of CLIENTS) {
    for (const [name, setup] of Object.entries(orders)) {
      test(`${client.name}: ${name}`, async (t) => {
        if (!ensureClient(t, client) || !ensurePeers(t)) return;
        const ran = await run(client, { ...PLAIN, env: quiet }, setup);
        assert.deepEqual([answers(ran), ran.captures], [ANSWERS, 1], ran.stdout.join('\n'));
        assert.deepEqual(
          ran.amber.filter(({ amber }) => amber === 'fault' || amber === 'config'),
          [],
        );
        // Their metric of each invocation, where they write it to the log: they are at work as well.
        assert.match(ran.stdout.join('\n'), /aws\.lambda\.enhanced\.invocations/u);
      });
    }
  }
});

describe("OpenTelemetry's instrumentation of the handler", { skip: STARTS_BOTH, concurrency: 2 }, () => {
  const spans = ({ stdout }: Recording): string[] => stdout.filter((line) => line.startsWith('span '));
  const beside =
    (way: Way | undefined): Setup =>
    (client) => {
      const attached =
        way === undefined
          ? { client, handler: 'index.handler', env: {} }
          : attach(way, layer.opt, client, 'index.handler');
      return {
        ...attached,
        env: {
          ...attached.env,
          NODE_OPTIONS: `${attached.env['NODE_OPTIONS'] ?? ''} --import ${join(PEERS, 'otel.mjs')}`.trim(),
        },
      };
    };
  for (const client of CLIENTS) {
    for (const [kind, files] of Object.entries({
      'an ES module': PLAIN.files,
      CommonJS: { 'index.cjs': `exports.handler = ${WORK};\n` },
    })) {
      test(`${client.name}: ${kind}, by each way: answers and spans are those without us, and one capture`, async (t) => {
        if (!ensureClient(t, client) || !ensurePeers(t)) return;
        const alone = await run(client, { files }, beside(undefined));
        assert.deepEqual([answers(alone), spans(alone).length], [ANSWERS, 2], alone.stderr.join('\n'));
        for (const way of WAYS) {
          const ran = await run(client, { files, env: { AMBER_ON_ERROR: 'any' } }, beside(way));
          assert.deepEqual(
            [answers(ran), spans(ran), ran.captures],
            [ANSWERS, spans(alone), 1],
            `${way}: ${ran.stderr.join('\n')}`,
          );
        }
      });
    }
  }
});

describe('durable functions', { skip: STARTS_BOTH, concurrency: 2 }, () => {
  // Their runtime ignores NODE_OPTIONS: the redirect is what is left.
  const durable: Function = {
    files: {
      'index.mjs': `import { withDurableExecution } from ${JSON.stringify(join(PEERS, 'node_modules/@aws/durable-execution-sdk-js/dist/index.mjs'))};\nexport const handler = withDurableExecution(async (event, context) => { await context.step('first', async () => 1); return event; });\n`,
    },
    events: [{ not: 'started by the service' }],
  };
  for (const client of CLIENTS) {
    test(`${client.name}: the handler of the SDK by the redirect`, async (t) => {
      if (!ensureClient(t, client) || !ensurePeers(t)) return;
      const bare = await run(client, durable, () => ({ client, handler: 'index.handler', env: {} }));
      const ran = await run(client, { ...durable, env: { AMBER_ON_ERROR: 'any' } }, by('redirect'));
      assert.match(String(answers(bare)[0]), /^Error: .*durable/iu);
      assert.deepEqual([answers(ran), ran.captures], [answers(bare), 1]);
    });
  }
});

function preload(): string {
  return attach('preload', layer.opt, ric4, '').env['NODE_OPTIONS'] ?? '';
}
