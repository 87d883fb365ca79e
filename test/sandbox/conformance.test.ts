/** The platform of these tests against AWS's emulator: an extension asks both the same, and is told the same. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { missing } from '../peers.ts';
import { STARTS_BOTH, standIn } from './clients.ts';
import { requireEmulator, startEmulator, type Stage } from './emulator.ts';
import { canIsolate } from './ground.ts';
import type { PlatformOptions } from './platform-contracts.ts';
import { HANDLERS } from './record.ts';
import { startOurs } from './stages.ts';

/** /opt with the prober as its only extension. */
function proberLayer(t: TestContext, ends = ''): string {
  mkdirSync('node_modules/.cache', { recursive: true });
  const opt = mkdtempSync(resolve('node_modules/.cache/amber-prober-'));
  t.after(() => rmSync(opt, { recursive: true }));
  chmodSync(opt, 0o755);
  mkdirSync(join(opt, 'extensions'));
  writeFileSync(
    join(opt, 'extensions/prober'),
    `#!/bin/bash\nexec '${standIn.node}' '${resolve('test/sandbox/prober.mjs')}' prober '${ends}'\n`,
    { mode: 0o755 },
  );
  return opt;
}

interface Run {
  readonly answers: readonly string[];
  readonly probes: readonly unknown[];
}

interface Script {
  readonly name: string;
  /** How the extension ends, in its second invocation or at init. */
  readonly ends?: 'exit' | 'exit/error' | 'init/error';
  readonly events: readonly object[];
  /** Lives of which the extension tells at their end. */
  readonly lives: number;
}

const SCRIPTS: readonly Script[] = [
  {
    name: 'invocations, a crash, a timeout',
    events: [{ say: 1 }, { say: 2 }, { exit: 1 }, { say: 3 }, { spin: true }, { say: 4 }],
    lives: 2,
  },
  {
    name: 'an extension that exits',
    ends: 'exit',
    events: [{ say: 1 }, { say: 2, waitMs: 300 }, { say: 3 }],
    lives: 0,
  },
  {
    name: 'an extension that reports an error and goes on',
    ends: 'exit/error',
    events: [{ say: 1 }, { say: 2, waitMs: 300 }, { say: 3 }],
    lives: 0,
  },
  { name: 'an extension that cannot start', ends: 'init/error', events: [{ say: 1 }, { say: 2 }], lives: 0 },
];

async function run(
  t: TestContext,
  start: (options: PlatformOptions) => Promise<Stage>,
  { ends, events }: Script,
): Promise<Run> {
  const stage = await start({
    opt: proberLayer(t, ends),
    handler: 'lifecycle.handler',
    timeoutMs: 3000,
    telemetry: false,
    extensions: [{ name: 'prober', command: ['/opt/extensions/prober'] }],
    runtime: { command: [standIn.node, ...standIn.args('')], cwd: HANDLERS, env: { LAMBDA_TASK_ROOT: HANDLERS } },
  });
  t.after(() => stage.stop());
  const answers: string[] = [];
  for (const event of events) {
    const result = await stage.invoke(event);
    answers.push(
      'errorType' in result ? `${result.kind} ${result.errorType}` : `${result.kind} ${result.body.toString()}`,
    );
    await stage.idle();
  }
  const probes = stage
    .log()
    .split('\n')
    .filter((line) => line.startsWith('{"probe":'))
    .map((line) => (JSON.parse(line) as { probe: unknown }).probe);
  return { answers, probes };
}

/**
 * What AWS documents, where its emulator says something else: spindown, timeout, failure (Extensions API, "Shutdown
 * phase").
 */
const DOCUMENTED: Readonly<Record<string, string>> = { releasefail: 'failure' };

function documented(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (key, one: unknown) =>
    key === 'reason' && typeof one === 'string' ? (DOCUMENTED[one] ?? one) : one,
  );
}

describe('an extension is told the same by both platforms', { skip: STARTS_BOTH }, () => {
  for (const script of SCRIPTS) {
    test(script.name, async (t) => {
      if (!requireEmulator(t)) return;
      if (!canIsolate()) return void missing(t, 'root, for namespaces');
      const [ours, theirs] = [await run(t, startOurs, script), await run(t, startEmulator, script)];
      assert.equal(theirs.probes.length, script.lives);
      assert.deepEqual(ours, documented(theirs));
    });
  }
});
