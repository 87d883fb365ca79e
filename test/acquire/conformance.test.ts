/** Every source of the registry keeps to what all of them promise, against a double and against moto. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { suite, test } from 'node:test';
import { promisify } from 'node:util';
import type { Target } from '../../src/acquire/contracts.ts';
import { openFunction } from '../../src/acquire/function.ts';
import { SOURCES } from '../../src/acquire/index.ts';
import { checkEntries, checkError, runSource, testSource } from '../contracts/source.ts';
import type { Answer, Asked } from '../servers/aws-proxy.ts';
import { MOTO_ENV } from '../servers/moto.ts';
import { freshFolder, scene } from './scene.ts';

const ACCOUNT = '123456789012';
const ARN = `arn:aws:lambda:eu-central-1:${ACCOUNT}:function:checkout`;

/** A function that gives every source something to ask: versions, an image, layers, aliases, a role, a log. */
function targetOf(name: (plain: string) => string = (plain) => plain): Target {
  const Role = `arn:aws:iam::${ACCOUNT}:role/${name('checkout-role')}`;
  const layer = (owner: string): string => `arn:aws:lambda:eu-central-1:${owner}:layer:${name('metrics')}:3`;
  const Layers = [{ Arn: layer(ACCOUNT) }, { Arn: layer('999988887777') }];
  return {
    functionName: 'checkout',
    functionArn: ARN,
    askedAs: 'checkout',
    qualifier: undefined,
    configuration: { FunctionName: 'checkout', Version: '$LATEST', Role },
    isAbsent: false,
    account: ACCOUNT,
    region: 'eu-central-1',
    versions: [
      { FunctionName: 'checkout', Version: '$LATEST', PackageType: 'Zip', Role, Layers, DurableConfig: {} },
      { FunctionName: 'checkout', Version: name('1'), PackageType: 'Image', Role },
    ],
    aliases: [{ Name: name('live'), FunctionVersion: '1' }],
    gaps: [],
    roles: [Role],
    logGroups: [name('/aws/lambda/checkout')],
    sinceMs: Date.now() - 86_400_000,
    untilMs: Date.now(),
    accessKeyIds: ['ASIAQNZEXAMPLE000001'],
    trail: undefined,
  };
}

/** The files of a trail are read where one is named, and the event history elsewhere. */
const targetFor = (source: string, target: Target): Target =>
  source === 'trail-files' ? { ...target, trail: 's3://trail/org' } : target;

test('names are unique, and each is documented with its actions', () => {
  assert.equal(new Set(SOURCES.map(({ name }) => name)).size, SOURCES.length);
  const guide = readFileSync('src/cli/README.md', 'utf8');
  const [, table = ''] = /<!-- table: sources -->(.*?)<!-- \/table -->/su.exec(guide) ?? [];
  for (const { name, actions } of SOURCES)
    for (const word of [name, ...actions]) assert.ok(table.includes(`\`${word}\``), `${word} is not in the guide`);
});

for (const source of SOURCES) testSource(source, targetFor(source.name, targetOf()));

/** The IAM action of a request, where it does not bear the name of its operation. */
function actionOf(operation: string): string {
  if (/^GET \/[^/]+\/.+/u.test(operation)) return 'GetObject';
  if (/^GET \/[^/]+\/?$/u.test(operation)) return 'ListBucket';
  return operation === 'GetLayerVersionByArn' ? 'GetLayerVersion' : operation;
}

/** Names as somebody gives them who wants to be written elsewhere, or into the terminal of a reader. */
const HOSTILE = [
  '../../../../tmp/evil',
  '..',
  '/etc/cron.d/x',
  '\u0001\r\n\u001b[2J\u202e',
  '__proto__',
  'manifest/0000.jsonl',
  'ü'.repeat(300),
  'n'.repeat(4000),
];
/** Members that steer the conversation: changed ones ask for other pages, and not for other names. */
const STEERING = /token|marker|location|truncated|status|class$|type$|time|date/iu;

/** Changes every name in an answer of moto. */
function mangle({ body = '', ...answer }: Answer, { operation }: Asked): Answer {
  if (operation === 'Download' || answer.status !== 200) return { ...answer, body };
  let next = 0;
  const hostile = (): string => HOSTILE[(next += 1) % HOSTILE.length] ?? '';
  const text = String(body);
  if (!text.trimStart().startsWith('<')) {
    const inner = (key: string, value: unknown): unknown =>
      typeof value === 'string' && !STEERING.test(key) && !value.startsWith('arn:') ? hostile() : value;
    return { ...answer, body: JSON.stringify(JSON.parse(text, inner)) };
  }
  const changed = text.replaceAll(/<(\w+)>([^<]+)<\//gu, (all, tag: string, value: string) =>
    STEERING.test(tag) || value.trim() === '' || value.startsWith('arn:')
      ? all
      : `<${tag}>${hostile().replaceAll(/[\u0000-\u001f]/gu, '?')}</`,
  );
  return { ...answer, body: changed };
}

/** A file of today's trail that nobody can read, under a name of an attacker. */
async function putTrailFile(endpoint: string, name: string): Promise<void> {
  const day = new Date().toISOString().slice(0, 10).replaceAll('-', '/');
  const folder = `org/AWSLogs/${ACCOUNT}/CloudTrail/eu-central-1/${day}`;
  const file = `trail/${folder}/${encodeURIComponent(name)}`;
  for (const [path, body] of [
    ['trail', ''],
    [file, 'no gzip'],
  ] as const) {
    const { ok, status } = await fetch(`${endpoint}/${path}`, { method: 'PUT', body, headers: SIGNED });
    assert.ok(ok, String(status));
  }
}

const SIGNED = {
  authorization: 'AWS4-HMAC-SHA256 Credential=a/20250630/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0',
};

suite('against moto', () => {
  test('each asks for no more than the actions that it names, and gives entries of its own paths', async (t) => {
    const set = await scene(t);
    if (set === undefined) return;
    const clients = { region: 'eu-central-1', endpoint: set.proxy.endpoint, paced: false };
    const window = { sinceMs: Date.now() - 7 * 86_400_000, untilMs: Date.now() };
    const { target, close } = await openFunction('checkout', { clients, window }, new AbortController().signal);
    t.after(close);
    for (const source of SOURCES) {
      set.proxy.seen.length = 0;
      const run = await runSource(t, source, targetFor(source.name, target), set.proxy.endpoint);
      assert.equal(run.error, undefined, source.name);
      checkEntries(source, run.entries);
      const named: readonly (string | undefined)[] = source.actions.map((action) => action.split(':')[1]);
      const more: readonly string[] = set.proxy.seen.filter(
        (one) => one !== 'Download' && !named.includes(actionOf(one)),
      );
      assert.equal(more.join(' '), '', `${source.name} asks for more than it names`);
    }
  });

  test('names of an attacker lead nowhere, whether the function has them or an answer', async (t) => {
    const set = await scene(t);
    if (set === undefined) return;
    await putTrailFile(set.motoEndpoint, '\u001b]0;x\u0007 \u202e..json.gz');
    for (const change of [undefined, mangle])
      for (const source of SOURCES)
        for (const [index] of (change === undefined ? HOSTILE : ['']).entries()) {
          set.proxy.change = change;
          const name = change === undefined ? () => HOSTILE[index] ?? '' : undefined;
          const target = targetFor(source.name, targetOf(name));
          const run = await runSource(t, source, target, set.proxy.endpoint);
          checkError(run.error);
          checkEntries(source, run.entries);
          if (source.name === 'trail-files' && change === undefined)
            assert.ok(
              run.entries.some(({ path }) => path.endsWith('..json.gz')),
              'the file is among them',
            );
        }
  });

  test('a collection writes into its folder and its state, and nowhere else', async (t) => {
    const set = await scene(t);
    if (set === undefined) return;
    const folder = freshFolder();
    const [out, home, cwd] = ['out', 'home', 'cwd'].map((name) => join(folder, name)) as [string, string, string];
    for (const one of [out, home, cwd]) mkdirSync(one);
    const names = SOURCES.map(({ name }) => name).join(',');
    const state = join(folder, 'state.jsonl');
    await promisify(execFile)(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', resolve('test/acquire/collect-once.ts')].concat([
        set.proxy.endpoint,
        out,
        names,
        '',
        '',
        state,
      ]),
      { cwd, env: { ...process.env, ...MOTO_ENV, HOME: home, TMPDIR: home }, timeout: 120_000 },
    );
    assert.deepEqual([readdirSync(home), readdirSync(cwd)], [[], []]);
    assert.deepEqual(readdirSync(out), [`account=${ACCOUNT}`]);
    const beside = readdirSync(folder).filter((name) => !['out', 'home', 'cwd'].includes(name));
    assert.ok(beside.length === 1 && beside[0]?.startsWith('state'), beside.join(' '));
  });
});
