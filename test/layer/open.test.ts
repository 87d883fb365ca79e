/**
 * Whatever is wrong with the layer or its variables: the function answers as if it were not there, and one line says
 * what happened.
 */
import assert from 'node:assert/strict';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ensureClient, ric3, ric4, STARTS_BOTH, type Client } from '../sandbox/clients.ts';
import { record, type Recording } from '../sandbox/record.ts';
import { unpackedLayer, type Unpacked } from './unpacked.ts';
import { attach, layerHandler, managed3, type Way } from './ways.ts';

let layer: Unpacked;
let taskRoot: string;
before(async () => {
  layer = await unpackedLayer('node');
  taskRoot = join(layer.home, 'task');
  mkdirSync(taskRoot);
  writeFileSync(
    join(taskRoot, 'index.mjs'),
    `const seen = Object.keys(process.env).filter((name) => /^(?:AMBER|MARK|NODE|_HANDLER)/u.test(name)).sort();
export const handler = async () => [process.env._HANDLER, process.env.MARK, process.env.NODE_OPTIONS, seen];\n`,
  );
});
after(() => rmSync(layer.home, { recursive: true }));

/** A copy of the layer, to be broken. */
function copy(change: (opt: string, folder: string) => void): string {
  const opt = join(mkdtempSync(join(layer.home, 'broken-')), 'opt');
  cpSync(layer.opt, opt, { recursive: true });
  change(opt, join(opt, 'nodejs/node_modules/lambda-amber'));
  return opt;
}

/**
 * Detectors that look at the process itself, from the lowest level on: others would find what else this machine does.
 */
const OF_THE_PROCESS =
  'low,-staged-executable,-staged-file,-disguised-name,-shell-child,-second-interpreter,-stdio-socket,-survivor,-runtime-api-client,-environ-reader,-miner,-outbound,-foreign-resolver,-foreign-credentials,-unknown-extension,-resource-jump';

const intact = (): string => layer.opt;

async function run(
  client: Client,
  way: Way,
  opt: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Recording> {
  const attached = attach(way, opt, client, 'index.handler');
  return record(attached.client, {
    handler: attached.handler,
    taskRoot,
    env: { ...attached.env, ...env },
    events: [{}],
  });
}

function answer({ answers, init }: Recording): unknown {
  const [first] = answers;
  assert.deepEqual([init, first?.kind], [undefined, 'response'], JSON.stringify(init));
  return JSON.parse(first?.body ?? '') as unknown;
}

function answers(recording: Recording): void {
  assert.equal((answer(recording) as string[])[0], 'index.handler');
}

function fault(error: RegExp, recording: Recording, effect = 'the function runs without Amber'): void {
  answers(recording);
  const [line, ...more] = recording.amber;
  assert.deepEqual([line?.['amber'], line?.['where'], line?.['effect'], more], ['fault', 'layer', effect, []]);
  assert.match(String(line?.['error']), error);
}

function initError(type: string, message: RegExp, { init, amber }: Recording): void {
  const { errorType, errorMessage } = JSON.parse(init?.body ?? '{}') as Record<string, string>;
  assert.equal(errorType, type);
  assert.match(errorMessage ?? '', message);
  assert.deepEqual(amber, []);
}

for (const client of [managed3, ric4]) {
  describe(client.name, { skip: STARTS_BOTH, concurrency: 2 }, () => {
    const each = (name: string, body: () => Promise<void>): void => {
      test(name, async (t) => {
        if (ensureClient(t, client)) await body();
      });
    };

    each("no AMBER_HANDLER: an error of the runtime's own type says what to set", async () => {
      for (const env of [{ AMBER_HANDLER: '' }, { AMBER_HANDLER: layerHandler(layer.opt) }]) {
        initError(
          'Runtime.HandlerNotFound',
          /^AMBER_HANDLER is .*; set it to the handler of the function/u,
          await run(client, 'redirect', layer.opt, env),
        );
      }
    });

    each("an AMBER_HANDLER that names nothing: the runtime's own error", async () => {
      initError(
        'Runtime.ImportModuleError',
        /Cannot find module 'nothing'/u,
        await run(client, 'redirect', layer.opt, { AMBER_HANDLER: 'nothing.handler' }),
      );
      initError(
        'Runtime.HandlerNotFound',
        /^index\.nothing is undefined or not exported$/u,
        await run(client, 'redirect', layer.opt, { AMBER_HANDLER: 'index.nothing' }),
      );
      initError(
        'Runtime.MalformedHandlerName',
        /^Bad handler$/u,
        await run(client, 'redirect', layer.opt, { AMBER_HANDLER: '/' }),
      );
    });

    for (const way of ['redirect', 'exec', 'preload'] as const) {
      each(`${way}: the library is missing, broken, throws when it is loaded or when it wraps`, async () => {
        fault(
          /Cannot find module/u,
          await run(
            client,
            way,
            copy((_, folder) => rmSync(join(folder, 'index.js'))),
          ),
        );
        fault(
          /^SyntaxError: /u,
          await run(
            client,
            way,
            copy((_, folder) => writeFileSync(join(folder, 'index.js'), 'export const {')),
          ),
        );
        fault(
          /^Error: torn$/u,
          await run(
            client,
            way,
            copy((_, folder) => writeFileSync(join(folder, 'index.js'), `throw new Error('torn');\n`)),
          ),
        );
        fault(
          / has no withCapture$/u,
          await run(
            client,
            way,
            copy((_, folder) => writeFileSync(join(folder, 'index.js'), 'export const nothing = 1;\n')),
          ),
        );
        fault(
          /^Error: torn$/u,
          await run(
            client,
            way,
            copy((_, folder) =>
              writeFileSync(
                join(folder, 'index.js'),
                `export const withCapture = () => { throw new Error('torn'); };\n`,
              ),
            ),
          ),
        );
      });

      each(`${way}: a variable that is wrong is told, and the kill switch loads nothing`, async () => {
        const wrong = await run(client, way, layer.opt, { AMBER_MAX_MS: 'soon' });
        answers(wrong);
        assert.deepEqual(
          wrong.amber.map((line) => [line['amber'], line['armed']]),
          [['config', false]],
        );
        for (const value of ['1', 'true', ' ON ', 'yes']) {
          const off = await run(
            client,
            way,
            copy((_, folder) => writeFileSync(join(folder, 'index.js'), `throw new Error('loaded');\n`)),
            { AMBER_DISABLED: value.trim() },
          );
          answers(off);
          assert.deepEqual(off.amber, [], value);
        }
      });
    }

    each('the handler of the layer is missing', async () => {
      const without = copy((_, folder) => rmSync(join(folder, 'handler.mjs')));
      fault(/handler\.mjs cannot be read$/u, await run(client, 'exec', without));
      fault(/handler\.mjs cannot be read$/u, await run(client, 'preload', without));
      initError('Runtime.ImportModuleError', /Cannot find module 'handler'/u, await run(client, 'redirect', without));
    });

    each('the preload is missing or broken: Node ends, and says which file it is', async () => {
      for (const change of [(file: string) => rmSync(file), (file: string) => writeFileSync(file, 'const {')]) {
        const { exit, stderr } = await run(
          client,
          'preload',
          copy((_, folder) => change(join(folder, 'preload.cjs'))),
        );
        assert.equal(exit.code, 1);
        assert.match(stderr.join('\n'), /preload\.cjs/u);
      }
    });

    each('exec: another wrapper goes on, with its own variables, and NODE_OPTIONS stays what it was', async () => {
      const next = join(layer.home, `next-${client.generation}`);
      writeFileSync(next, '#!/bin/bash\nexport MARK="$#$AMBER_HANDLER"\nexec "$@"\n', { mode: 0o755 });
      const chained = await run(client, 'exec', layer.opt, {
        AMBER_NEXT_EXEC_WRAPPER: next,
        NODE_OPTIONS: '--stack-trace-limit=12',
      });
      const count = client.args('').length + 1;
      assert.deepEqual(answer(chained), [
        'index.handler',
        `${count}index.handler`,
        '--stack-trace-limit=12',
        ['AMBER_HANDLER', 'MARK', 'NODE_OPTIONS', '_HANDLER'],
      ]);
      assert.deepEqual(chained.amber, []);
    });

    each('exec: another wrapper that cannot be started is left out', async () => {
      const without = 'the runtime is started without that wrapper';
      const plain = join(layer.home, `plain-${client.generation}`);
      const wrong = join(layer.home, `wrong-${client.generation}`);
      writeFileSync(plain, '#!/bin/bash\n');
      chmodSync(plain, 0o644);
      writeFileSync(wrong, '#!/no/such/shell\n', { mode: 0o755 });
      for (const next of [join(layer.home, 'absent "quoted" \\'), layer.home, plain, wrong]) {
        fault(
          /^AMBER_NEXT_EXEC_WRAPPER is /u,
          await run(client, 'exec', layer.opt, { AMBER_NEXT_EXEC_WRAPPER: next }),
          without,
        );
      }
      const itself = await run(client, 'exec', layer.opt, { AMBER_NEXT_EXEC_WRAPPER: join(layer.opt, 'amber-exec') });
      answers(itself);
      assert.deepEqual(itself.amber, []);
    });

    each('exec: a runtime for which the layer has nothing is left alone', async () => {
      fault(
        /^AWS_Lambda_ruby3\.4 is no runtime of Node\.js or Python$/u,
        await run(client, 'exec', layer.opt, { AWS_EXECUTION_ENV: 'AWS_Lambda_ruby3.4' }),
      );
      fault(
        /\/python\/lambda_amber\/__init__\.py cannot be read$/u,
        await run(client, 'exec', layer.opt, { AWS_EXECUTION_ENV: 'AWS_Lambda_python3.13' }),
      );
    });

    each('what the layer itself changes is no anomaly: nothing is found and nothing captured', async () => {
      for (const way of ['redirect', 'exec', 'preload'] as const) {
        const evidence = mkdtempSync(join(layer.home, 'evidence-'));
        const attached = attach(way, layer.opt, client, 'index.handler');
        const recording = await record(attached.client, {
          handler: attached.handler,
          taskRoot,
          env: {
            ...attached.env,
            AMBER_DESTINATION: `file://${evidence}`,
            AMBER_ON_ERROR: 'any',
            AMBER_DETECT: OF_THE_PROCESS,
          },
          events: [{}, {}, {}],
        });
        assert.deepEqual([recording.answers.length, recording.amber, readdirSync(evidence)], [3, [], []], way);
      }
    });

    each('two ways at once are one', async () => {
      const both = attach('preload', layer.opt, client, '').env;
      for (const way of ['redirect', 'exec'] as const) {
        const recording = await run(client, way, intact(), both);
        answers(recording);
        assert.deepEqual(recording.amber, []);
      }
    });
  });
}

test('version 3 of the client from npm, as images have it: handler and folder are those with which it was started', {
  skip: STARTS_BOTH,
}, async (t) => {
  if (!ensureClient(t, ric3)) return;
  const recording = await run(ric3, 'redirect', layer.opt, { LAMBDA_TASK_ROOT: '/nowhere' });
  answers(recording);
  assert.deepEqual(recording.amber, []);
});
