/** What the recorder of the extension costs beside the extension alone, and what it sees of short lives. */
import { storedCaptures } from '../host/extension/captures.ts';
import { openScene } from '../host/extension/sandbox.ts';
import type { Platform } from '../sandbox/platform.ts';
import { cpuMs } from './extension-shutdown.ts';
import { median, type Row } from './measure.ts';

const MB_A_CORE = 1769;
const SIZES = [128, 512, MB_A_CORE] as const;
/** Children and files of one function. */
const MANY = 40;
/** Milliseconds that one of these lives. */
const LIVES_MS = 5;

type Cleanup = (() => Promise<void>)[];

export async function besideRows(
  { quick }: { readonly quick: boolean },
  start: (env: Readonly<Record<string, string>>) => Promise<number>,
  ussMiB: (pid: number) => number,
): Promise<Row[]> {
  return [
    await startRow(quick ? 5 : 25, start),
    ...(await invocationRows({ runs: quick ? 3 : 5, invocations: quick ? 200 : 2000 }, ussMiB)),
    ...(await idleRows(quick ? 5000 : 20_000)),
    ...(await livesRows()),
  ];
}

async function startRow(runs: number, start: (env: Readonly<Record<string, string>>) => Promise<number>): Promise<Row> {
  const times: Record<'off' | 'events', number[]> = { off: [], events: [] };
  for (let run = 0; run < runs; run += 1)
    for (const record of ['off', 'events'] as const) times[record].push(await start({ AMBER_RECORD: record }));
  const [ours, value] = [median(times.events), median(times.off)];
  return {
    what: 'with the black box: from the start of Node to the first event/next',
    ours,
    unit: 'ms',
    against: { name: 'AMBER_RECORD=off', value },
    note: `${(ours - value).toFixed(1)} ms more; at most 3`,
  };
}

async function scene(
  cleanup: Cleanup,
  env: Readonly<Record<string, string>>,
  more: { readonly memoryMb?: number; readonly handler?: string } = {},
): Promise<Platform> {
  const options = { freeze: false, timeoutMs: 60_000, env: { AMBER_DETECT: 'off', ...env }, ...more };
  const platform = await openScene({ after: (done) => void cleanup.push(done) }, options);
  await platform.invoke({});
  await platform.idle();
  return platform;
}

/** Memory and CPU of invocations that do nothing, each with and without it in turns. */
async function invocationRows(
  { runs, invocations }: { readonly runs: number; readonly invocations: number },
  ussMiB: (pid: number) => number,
): Promise<Row[]> {
  const figures = {
    off: { mib: [] as number[], ms: [] as number[] },
    events: { mib: [] as number[], ms: [] as number[] },
  };
  for (let run = 0; run < runs; run += 1) {
    for (const record of ['off', 'events'] as const) {
      const cleanup: Cleanup = [];
      const platform = await scene(cleanup, { AMBER_RECORD: record }, { handler: 'wrapped.handler' });
      const pid = platform.extension('amber')?.pid ?? 0;
      const before = cpuMs(pid);
      for (let number = 0; number < invocations; number += 1) {
        await platform.invoke({});
        await platform.idle();
      }
      figures[record].ms.push((cpuMs(pid) - before) / invocations);
      figures[record].mib.push(ussMiB(pid));
      for (const done of cleanup) await done();
    }
  }
  const row = (what: string, unit: 'MiB' | 'ms', ours: number, value: number, most: number): Row => ({
    ...{ what: `with the black box: ${what}`, ours, unit, against: { name: 'AMBER_RECORD=off', value } },
    note: `${(ours - value).toFixed(2)} ${unit} more; at most ${most}`,
  });
  const { off, events } = figures;
  return [
    row(`private memory (USS) after ${invocations} invocations`, 'MiB', median(events.mib), median(off.mib), 2),
    row('CPU of the extension for an invocation', 'ms', median(events.ms), median(off.ms), 1),
  ];
}

/** A look at processes once a second is there with and without: the difference is the recorder's. */
async function idleRows(ms: number): Promise<Row[]> {
  const rows: Row[] = [];
  for (const memoryMb of SIZES) {
    const used: Record<'off' | 'events', number> = { off: 0, events: 0 };
    for (const record of ['off', 'events'] as const) {
      const cleanup: Cleanup = [];
      const platform = await scene(cleanup, { AMBER_RECORD: record }, { memoryMb, handler: 'wrapped.handler' });
      const pid = platform.extension('amber')?.pid ?? 0;
      const before = cpuMs(pid);
      await platform.invoke({ waitMs: ms }, ms + 20_000);
      used[record] = ((cpuMs(pid) - before) * 1000) / ms;
      for (const done of cleanup) await done();
    }
    const cores = Math.min(1, memoryMb / MB_A_CORE);
    rows.push({
      what: `with the black box: CPU in a second of an invocation that waits, ${memoryMb} MB`,
      ours: Math.max(0, used.events - used.off),
      unit: 'ms',
      target: { of: 'ours', most: 10 * cores },
      note: `1 % of the quota is ${(10 * cores).toFixed(1)} ms; without it ${used.off.toFixed(1)} ms`,
    });
  }
  return rows;
}

/** Children that a wrapped function starts, and programs that it deletes: what of them a capture of the end has. */
async function livesRows(): Promise<Row[]> {
  const cleanup: Cleanup = [];
  try {
    const env = { AMBER_RECORD: 'events', AMBER_ON_SHUTDOWN: 'contents' };
    const platform = await scene(cleanup, env, { memoryMb: MB_A_CORE, handler: 'lives.handler' });
    await platform.invoke({ children: MANY, livesMs: LIVES_MS });
    await platform.idle();
    await platform.invoke({ files: MANY, livesMs: LIVES_MS });
    await platform.idle();
    await platform.shutdown();
    const one = (await storedCaptures(platform.ground.evidence)).at(-1);
    const rows = (one?.entries.get('live_response/events.jsonl')?.toString() ?? '')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as { observer?: string; argv?: string[] });
    const seen = new Set(rows.flatMap(({ observer, argv }) => (observer === undefined ? [] : (argv?.at(-1) ?? []))));
    const children = [...seen].filter((word) => /^0\.005\d+$/u.test(word)).length;
    const files = [...(one?.entries.keys() ?? [])].filter((name) => /^recovered\/\d+\/fd-/u.test(name)).length;
    const note = 'a full core; at least 95 %';
    return [
      { what: `children of ${LIVES_MS} ms, seen with arguments, of ${MANY}`, ours: children, unit: 'calls', note },
      { what: `scripts of ${LIVES_MS} ms in /tmp, recovered, of ${MANY}`, ours: files, unit: 'calls', note },
    ];
  } finally {
    for (const done of cleanup) await done();
  }
}
