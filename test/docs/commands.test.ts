/** What the documents tell a reader to type, typed: every block of RUN_HERE, and every example of code. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { after, before, describe, test } from 'node:test';
import { DOCUMENTS } from '../../layer/readme-tables.ts';
import { policyOf } from '../../src/config/detect-policy.ts';
import type { Detector, DetectPolicy, Observation } from '../../src/contracts/evidence.ts';
import { buildPackage } from '../built.ts';
import { freshFolder } from '../case/captures.ts';
import { baselineOf } from '../detect/scene.ts';
import { requirePeer } from '../peers.ts';
import { stopRadosgw } from '../servers/radosgw.ts';
import { RUN_HERE } from './blocks.ts';
import { blockOf, blocksOf } from './markdown.ts';
import { placeFor, type Place } from './places.ts';

after(() => stopRadosgw());

interface Typed {
  readonly status: number | null;
  readonly said: string;
  /** Exit code and command of each line that did not end with 0. */
  readonly failed: readonly string[];
}

/** Each line of the block, as if it were typed: one that fails does not keep the next one from being run. */
async function type(script: string, { folder, env }: Place): Promise<Typed> {
  const child = spawn('bash', ['-c', `set -E; trap 'echo "$? $BASH_COMMAND" >&3' ERR\n${script}`], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  let said = '';
  let failed = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => (said += text));
  const third = child.stdio[3];
  assert.ok(third !== null && third !== undefined && 'setEncoding' in third);
  third.setEncoding('utf8').on('data', (text: string) => (failed += text));
  const status = await new Promise<number | null>((done) => child.once('close', done));
  return { status, said, failed: failed.split('\n').filter((line) => line !== '') };
}

describe('shell', () => {
  for (const { document, begins, where, problems = {}, peers = [] } of RUN_HERE) {
    test(`${document}: ${begins}`, async (t) => {
      if (!requirePeer(t, 'bash', ...peers)) return;
      const place = await placeFor(where, t);
      if (place === undefined) return;
      const { said, failed } = await type(blockOf(document, 'sh', begins), place);
      const expected = Object.entries(problems);
      const unexpected = failed.filter(
        (line) => !expected.some(([command, code]) => line.startsWith(`${String(code)} ${command}`)),
      );
      assert.deepEqual(unexpected, [], said);
      for (const [command, code] of expected)
        assert.ok(
          failed.some((line) => line.startsWith(`${String(code)} ${command}`)),
          `${command} found no problem:\n${said}`,
        );
    });
  }
});

/** What each example of JavaScript answers, by its document and its beginning. */
const EXAMPLES = [
  {
    document: 'README.md',
    begins: 'import',
    event: { forged: true },
    answers: /^\{"statusCode":200\}$/u,
    trigger: 'call',
  },
  {
    document: 'src/README.md',
    begins: 'const',
    event: { a: 1 },
    answers: /^\{"a":1\}$/u,
    trigger: 'flag',
    env: { AMBER_CAPTURE: 'now' },
  },
  {
    document: 'src/README.md',
    begins: 'import',
    event: { signature: 'forged' },
    answers: /^\{"captured":"[0-9a-f-]{36}","state":"whole"\}$/u,
    trigger: 'call',
  },
] as const;

const INVOKE = `
const context = { awsRequestId: 'a', getRemainingTimeInMillis: () => 20000 };
const load = process.argv[1].endsWith('.cjs') ? Promise.resolve(require(process.argv[1])) : import(process.argv[1]);
load.then(async ({ handler }) => console.log('ANSWER ' + JSON.stringify(await handler(JSON.parse(process.argv[2]), context))));
`;

describe('JavaScript', () => {
  before(buildPackage);

  test('every example is run', () => {
    const found = DOCUMENTS.flatMap(blocksOf).filter(({ language }) => language === 'js');
    assert.deepEqual(
      found.map(({ document, text }) => `${document} ${text.split(' ')[0] ?? ''}`),
      EXAMPLES.map(({ document, begins }) => `${document} ${begins}`),
    );
  });

  for (const { document, begins, event, answers, trigger, ...rest } of EXAMPLES) {
    test(`${document}: ${begins}`, async () => {
      const folder = freshFolder();
      mkdirSync(join(folder, 'node_modules'));
      mkdirSync(join(folder, 'tmp'));
      writeFileSync(join(folder, 'package.json'), '{}');
      symlinkSync(resolve('.'), join(folder, 'node_modules/lambda-amber'));
      const file = join(folder, begins === 'import' ? 'function.mjs' : 'function.cjs');
      writeFileSync(file, blockOf(document, 'js', begins));
      const env = {
        PATH: '/usr/bin:/bin',
        AMBER_DESTINATION: pathToFileURL(join(folder, 'evidence')).href,
        AMBER_DETECT: 'off',
        AMBER_WRITABLE: join(folder, 'tmp'),
        AMBER_CODE: join(folder, 'tmp'),
        ...('env' in rest ? rest.env : {}),
      };
      mkdirSync(join(folder, 'evidence'));
      const script = `"${process.execPath}" -e '${INVOKE.replaceAll("'", "'\\''")}' "${file}" '${JSON.stringify(event)}'`;
      const { said, failed } = await type(script, { folder, env });
      assert.deepEqual(failed, [], said);
      assert.match(/^ANSWER (.*)$/mu.exec(said)?.[1] ?? said, answers);
      assert.match(said, /"amber":"capture".*"state":"whole"/u);
      assert.match(said, new RegExp(`"trigger":"${trigger}"`, 'u'));
    });
  }
});

interface Row {
  readonly finds: string;
  readonly in: Observation;
  readonly not: Observation;
}

test('the detector that src/README.md shows finds what its row says, and not what only looks like it', async () => {
  const folder = freshFolder();
  const shown = blockOf('src/README.md', 'ts', '/** A process that came after init').replaceAll(
    /from '\.\//gu,
    `from '${resolve('src/detect')}/`,
  );
  writeFileSync(join(folder, 'listener.ts'), shown);
  // The row in its own words, with the helpers that it stands beside.
  const row = blockOf('src/README.md', 'ts', "'a process that waits");
  const helpers = `import { nowOf as look, processOf, socketOf } from '${resolve('test/detect/scene.ts')}';`;
  writeFileSync(join(folder, 'row.ts'), `${helpers}\nexport const cases = {\n${row}\n};\n`);
  const { listener } = (await import(pathToFileURL(join(folder, 'listener.ts')).href)) as { listener: Detector };
  const { cases } = (await import(pathToFileURL(join(folder, 'row.ts')).href)) as {
    cases: Readonly<Record<string, Row>>;
  };
  const [given] = Object.values(cases);
  assert.ok(given);
  const policy: DetectPolicy = policyOf('high');
  const told = (now: Observation): readonly string[] =>
    listener.detect(now, baselineOf(), policy).map(({ detector, severity }) => `${detector}:${severity}`);
  assert.deepEqual(told(given.in), [given.finds]);
  assert.deepEqual(told(given.not), []);
});
