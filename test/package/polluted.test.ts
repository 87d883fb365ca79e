/**
 * What a function, or an intruder in it, has made of the built-ins before and after its handler is wrapped: the built
 * library never keeps the function from its start or its answer, and a polluted prototype hides no evidence.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, describe, test } from 'node:test';
import { buildPackage } from '../built.ts';
import { NODE_22 } from '../cli/program.ts';

buildPackage();
const folder = mkdtempSync(join(tmpdir(), 'amber-polluted-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const BEFORE: Readonly<Record<string, string>> = {
  'a member of every object': `Object.prototype.polluted = 'yes';`,
  'a getter of every descriptor': `Object.defineProperty(Object.prototype, 'get', { value: () => 1, writable: true, configurable: true });`,
  'no further globals': `Object.preventExtensions(globalThis);`,
  'Array.prototype.includes that throws': `Array.prototype.includes = () => { throw new Error('not supported'); };`,
  'Array.prototype.flatMap that throws': `Array.prototype.flatMap = () => { throw new Error('not supported'); };`,
  'no Symbol': `globalThis.Symbol = undefined;`,
};

interface Ran {
  readonly answers: readonly string[];
  readonly told: string;
}

function run(node: string, before: string, inHandler: string, env: Record<string, string>): Ran {
  const file = join(folder, 'function.cjs');
  writeFileSync(
    file,
    `const { withCapture } = require(${JSON.stringify(resolve('dist/index.cjs'))});
     const { writeSync } = require('node:fs');
     const stringify = JSON.stringify;
     ${before}
     const handler = withCapture(async (event) => { ${inHandler} return { got: event.number }; });
     (async () => {
       for (const number of [1, 2, 3]) {
         const answer = await handler({ number }, { awsRequestId: 'r' + number, getRemainingTimeInMillis: () => 20000 });
         writeSync(1, 'ANSWER ' + stringify(answer) + '\\n');
       }
     })();`,
  );
  const { stdout, stderr } = spawnSync(node, [file], {
    encoding: 'utf8',
    timeout: 120_000,
    env: {
      PATH: '/usr/bin:/bin',
      AWS_LAMBDA_FUNCTION_NAME: 'checkout',
      AMBER_WRITABLE: folder,
      AMBER_CODE: folder,
      ...env,
    },
  });
  return { answers: stdout.split('\n').filter((line) => line.startsWith('ANSWER ')), told: stdout + stderr };
}

const ANSWERS = [1, 2, 3].map((number) => `ANSWER {"got":${number}}`);

for (const [name, node] of [
  ['Node 24', process.execPath],
  ['Node 22', NODE_22],
] as const)
  describe(`a function that has replaced what Amber stands on, on ${name}`, () => {
    for (const [what, before] of Object.entries(BEFORE))
      test(`${what}: it starts and answers`, () => {
        const { answers, told } = run(node, before, '', { AMBER_DESTINATION: 'file:///nowhere' });
        assert.deepEqual(answers, ANSWERS, told);
      });

    test('a prototype that is polluted in the handler hides no evidence', () => {
      const evidence = mkdtempSync(join(folder, 'evidence-'));
      const pollute = 'Object.prototype.polluted = 1; Object.prototype.get = () => 1; Object.prototype.value = 1;';
      const { answers, told } = run(node, '', pollute, {
        AMBER_CAPTURE: 'now',
        AMBER_DESTINATION: `file://${evidence}`,
      });
      assert.deepEqual(answers, ANSWERS, told);
      assert.equal(globSync('**/manifest.json', { cwd: evidence }).length, 1, told);
    });
  });
