/**
 * What a capture takes of the time of an invocation, under the CPU quotas of Lambda. A function of 128 MB has 7 % of a
 * core, so that a stretch of 25 ms of CPU lasts a third of a second there.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, describe, it, type TestContext } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';
import { leastMs } from '../../../src/host/limits/limits.ts';
import { missing } from '../../peers.ts';
import { ensureClients, ric4, standIn } from '../../sandbox/clients.ts';
import { canLimit, limitClient, runInLambda, type LimitedClient } from '../../sandbox/lambda-like.ts';
import { startSandbox, type Sandbox } from '../../sandbox/sandbox.ts';

const LIMIT = { timeout: 120_000 };
const limits = canLimit();
const MARGIN_MS = 500; // AMBER_MARGIN_MS as it stands by default
/** Between the invocation and the failure of its handler. */
const ROUNDING_MS = 60;
const coresOf = (memoryMb: number): number => memoryMb / 1769;
/** More than any capture gets done: it always runs into its hard stop. */
const FLOOD = `python3 -c 'import os\nfor i in range(20000):\n with open("f%d" % i, "wb") as f: f.write(os.urandom(4096))'`;

/** Fails or works on demand, and says how long a piece of work takes here. */
const HANDLER = `
import { withCapture } from 'lambda-amber';
import { createHash } from 'node:crypto';
const block = Buffer.alloc(64 * 1024);
const unit = () => createHash('sha256').update(block).digest();
const turn = () => new Promise((resolve) => setImmediate(resolve));
async function work(units) {
  for (let done = 0; done < units; done += 1) {
    unit();
    if (done % 8 === 7) await turn();
  }
}
export const handler = withCapture(async (event, context) => {
  if (event.fail) throw new RangeError('as asked');
  if (event.units) await work(event.units);
  const started = performance.now();
  let units = 0;
  for (; event.calibrateMs && performance.now() - started < event.calibrateMs; units += 8) await work(8);
  return { units, ms: performance.now() - started, left: context.getRemainingTimeInMillis() };
});
`;

interface Running {
  readonly sandbox: Sandbox;
  readonly limited: LimitedClient;
  readonly stop: () => Promise<void>;
}

const running = new Set<Running>();

/** A sandbox whose handler has answered once. */
async function start(
  memoryMb: number,
  env: Readonly<Record<string, string>>,
  prepareTmp?: string,
  timeoutMs = 60_000,
): Promise<Running> {
  const client = ensureClients() ? ric4 : standIn;
  const limited = await limitClient(client, {
    memoryMb,
    cores: coresOf(memoryMb),
    script: HANDLER,
    ...(prepareTmp === undefined ? {} : { prepareTmp }),
  });
  const sandbox = await startSandbox({
    client: limited.client,
    handler: 'index.handler',
    taskRoot: '/',
    memoryMb,
    timeoutMs,
    env: { LAMBDA_TASK_ROOT: '/var/task', AMBER_DESTINATION: 'file:///mnt/evidence', ...env },
  });
  const one: Running = {
    sandbox,
    limited,
    stop: async () => {
      running.delete(one);
      await sandbox.stop();
      limited.remove();
    },
  };
  running.add(one);
  assert.equal(await sandbox.ready(), 'ready', sandbox.stderr());
  // Init has more CPU than invocations: what it begins is done before the first of them.
  if (env['AMBER_CAPTURE'] === 'now') await new Promise((resolve) => setTimeout(resolve, 2000));
  const warm = await sandbox.invoke({});
  assert.equal(warm.kind, 'response', sandbox.stderr());
  return one;
}

after(async () => {
  for (const one of running) await one.stop();
});

/** Longest wait for the line of a capture after its answer: only told from one that never comes. */
const LINE_MS = 20_000;

function mustRun(t: TestContext): boolean {
  return limits || missing(t, 'root with unshare(1), setpriv(1) and control groups, to set a CPU quota');
}

/** Log lines of a kind; what was written last may still be in the pipe. */
async function linesOf(sandbox: Sandbox, kind: string): Promise<Record<string, unknown>[]> {
  await new Promise((resolve) => setTimeout(resolve, 20));
  return sandbox
    .stdout()
    .split('\n')
    .filter((line) => line.startsWith(`{"amber":"${kind}"`))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

const told = (line: Record<string, unknown> | undefined): string =>
  JSON.stringify(
    Object.fromEntries(
      ['amber', 'state', 'code', 'error', 'cpuMs', 'elapsedMs', 'segments', 'bytes', 'outcomes'].map((key) => [
        key,
        line?.[key],
      ]),
    ),
  );

/** What `{"amber":"evidence"}` lines hold. */
function processesIn(lines: readonly Record<string, unknown>[]): readonly { readonly exe?: string }[] {
  const packed = Buffer.from(lines.map(({ data }) => String(data)).join(''), 'base64');
  assert.equal(createHash('sha256').update(packed).digest('hex'), lines[0]?.['sha256']);
  return (JSON.parse(zstdDecompressSync(packed).toString()) as { processes: readonly { exe?: string }[] }).processes;
}

/**
 * A handler that would be done by more than a capture may take of its time before the deadline, with a capture beside
 * it.
 */
async function busyBeside(t: TestContext, memoryMb: number): Promise<string> {
  const [timeoutMs, leadMs] = [3000, 1500];
  const { sandbox, stop } = await start(memoryMb, { AMBER_DEADLINE_MS: String(leadMs) }, FLOOD);
  const paced = await sandbox.invoke({ calibrateMs: 1000 }, 60_000);
  const { units, ms } = JSON.parse('body' in paced ? paced.body.toString() : '{}') as { units: number; ms: number };
  const boundMs = leadMs - MARGIN_MS;
  const result = await sandbox.invoke({ units: Math.round((units / ms) * (timeoutMs - boundMs - 250)) }, timeoutMs);
  const captured = await linesOf(sandbox, 'capture');
  t.diagnostic(`${result.kind} after ${result.tookMs} ms; ${told(captured[0])}`);
  await stop();
  return `${result.kind}, ${captured.length} captured`;
}

describe('the deadline of an invocation', () => {
  for (const memoryMb of [128, 512, 1769]) {
    for (const leftMs of [3000, 1000, 300]) {
      const starts = leftMs - MARGIN_MS >= leastMs(coresOf(memoryMb), { isLoaded: false }) + ROUNDING_MS;
      it(
        `is kept by a function of ${memoryMb} MB that fails with ${leftMs} ms left: ${starts ? 'it is captured' : 'no capture starts'}`,
        LIMIT,
        async (t) => {
          if (!mustRun(t)) return;
          const { sandbox, stop } = await start(memoryMb, { AMBER_ON_ERROR: 'any' }, FLOOD);
          const result = await sandbox.invoke({ fail: true }, leftMs);
          // The answer goes first where time is short; with a twentieth of a core the line comes a good while later.
          let [refused, captured] = [await linesOf(sandbox, 'refused'), await linesOf(sandbox, 'capture')];
          for (const end = Date.now() + LINE_MS; refused.length + captured.length === 0 && Date.now() < end; )
            [refused, captured] = [await linesOf(sandbox, 'refused'), await linesOf(sandbox, 'capture')];
          t.diagnostic(`answered after ${result.tookMs} ms; ${told(captured[0] ?? refused[0])}`);
          await stop();
          assert.equal(result.kind, 'error', `${result.kind} after ${result.tookMs} ms`);
          if (refused.length > 0) assert.ok(refused[0]?.['limit'] === 'budget' && captured.length === 0);
          else assert.ok(starts && captured.length === 1);
        },
      );
    }
  }

  // The least that Lambda has: 128 MB and 3 s are what a function gets where nobody chooses.
  it(
    'leaves a function of 128 MB with a timeout of 3 s enough for a segment by AMBER_CAPTURE=now, or for the processes in its log',
    LIMIT,
    async (t) => {
      if (!mustRun(t)) return;
      const { sandbox, stop } = await start(128, { AMBER_CAPTURE: 'now' }, undefined, 3000);
      const [captured] = await linesOf(sandbox, 'capture');
      t.diagnostic(told(captured));
      const evidence = await linesOf(sandbox, 'evidence');
      await stop();
      const { collected } = captured?.['outcomes'] as { collected: number };
      // The header alone is no evidence.
      if (captured?.['state'] === 'failed' || collected === 1)
        assert.ok(
          processesIn(evidence).some(({ exe }) => exe?.endsWith('/node') === true),
          sandbox.stdout(),
        );
    },
  );

  for (const memoryMb of [512, 1769]) {
    it(
      `is kept by a busy handler of ${memoryMb} MB that would have finished before the hard stop of a capture beside it`,
      LIMIT,
      async (t) => {
        if (!mustRun(t)) return;
        // Work is sized by what the machine does in a second before; where it gets slower meanwhile, the trial says
        // nothing: the best of six counts.
        let last = '';
        for (let attempt = 0; attempt < 6 && last !== 'response, 1 captured'; attempt += 1)
          last = await busyBeside(t, memoryMb);
        assert.equal(last, 'response, 1 captured');
      },
    );
  }
});

describe('a capture by memory size', () => {
  const SCRIPT = `
import { capture } from 'lambda-amber';
const started = performance.now(), cpu = process.cpuUsage();
const now = () => ({ ms: Math.round(performance.now() - started), cpuMs: Math.round(Object.values(process.cpuUsage(cpu)).reduce((sum, one) => sum + one) / 1000) });
const seen = [];
const put = async () => { seen.push(now()); return { state: 'stored', attempts: 1 }; };
const destinations = [{ name: 'none', protocol: 'none:', description: 'counts', open: () => ({ location: 'none:', put, commit: put, close: () => undefined }) }];
const report = await capture({ destination: 'none://x', destinations, maxMs: 60000 });
process.stdout.write('\\nreport ' + JSON.stringify({ state: report.state, first: seen[0], last: seen.at(-1) }) + '\\n');`;
  for (const memoryMb of [128, 256, 512, 1024, 1769]) {
    it(`is whole at ${memoryMb} MB, and says what CPU it took`, LIMIT, async (t) => {
      if (!mustRun(t)) return;
      const run = await runInLambda({
        memoryMb,
        cores: coresOf(memoryMb),
        script: SCRIPT,
        prepareTmp: 'for name in $(seq 20); do echo $name > file-$name; done',
      });
      run.remove();
      const line = run.stdout.split('\n').find((one) => one.startsWith('report '));
      assert.ok(line !== undefined, run.stderr);
      const { state, first, last } = JSON.parse(line.slice(7)) as Record<
        'first' | 'last',
        { ms: number; cpuMs: number }
      > & { state: string };
      t.diagnostic(
        `${memoryMb} MB: volatile segment after ${first.cpuMs} ms of CPU (${first.ms} ms), manifest after ${last.cpuMs} (${last.ms}); whole process ${run.cpuMs.toFixed(0)} ms of CPU`,
      );
      assert.equal(state, 'whole');
    });
  }
});
