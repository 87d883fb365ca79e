/**
 * A second opinion: three figures of the machine as the package systeminformation reads them, held against our own
 * parsers. Most of its calls run `ps`, `date`, `cat` and the like, which are not in the image and would stand in the
 * evidence. These three read files alone (a test counts children). Last by default: loading it takes 25 ms of a core.
 */
import { setTimeout as after } from 'node:timers/promises';
import type * as Package from 'systeminformation';
import type { AbsentEntry, Collector, Entry, CollectorContext } from '../contracts/evidence.ts';
import { describeError, systemCode } from '../errors.ts';
import { coresOf } from '../lambda/cores.ts';
import { differencesOf, ownFigures, type Difference, type Reported } from './second-opinion.ts';

const PATH = 'live_response/systeminformation.json';
const COMMON = { source: 'systeminformation', method: 'api' } as const;
/** One call, milliseconds: a read that hangs must not hold the capture. */
const CALL_MS = 300;
/** Below, what else is left to take is worth more. */
const LEAST_MS = 5000;

type Calls = Pick<typeof Package, 'mem' | 'fullLoad' | 'fsOpenFiles'>;

export const systemInformation: Collector = {
  name: 'systeminformation',
  description:
    'Memory, load and open files as the package systeminformation reads them, held against our own parsers; ' +
    'spawns nothing.',
  tier: 'code',
  async *collect(context: CollectorContext): AsyncGenerator<Entry> {
    const why = whyNot(context);
    if (why !== undefined) {
      yield absent('skipped', why);
      return;
    }
    const loaded = await load();
    if ('reason' in loaded) {
      yield absent(loaded.outcome, loaded.reason);
      return;
    }
    await context.budget.yieldIfDue();
    const before = ownFigures(context.roots.proc);
    const { mem, fullLoad, fsOpenFiles } = loaded.calls;
    const value: Reported = {
      mem: await within(mem),
      fullLoad: await within(fullLoad),
      fsOpenFiles: await within(fsOpenFiles),
    };
    const { differences, compared } = differencesOf(value, before, ownFigures(context.roots.proc));
    yield { kind: 'json', path: PATH, ...COMMON, value: { ...value, compared, differences } };
    for (const difference of differences) yield lineOf(difference);
  },
};

/** The function has less than a core, or the capture less than five seconds. */
function whyNot({ env, budget }: CollectorContext): string | undefined {
  const cores = coresOf(env);
  if (cores !== undefined && cores < 1)
    return `the function has ${Math.floor(cores * 100)} % of a core, and a whole one is asked for`;
  return budget.remainingMs() < LEAST_MS ? `less than ${LEAST_MS} ms were left` : undefined;
}

type Loaded = { readonly calls: Calls } | { readonly outcome: 'missing' | 'failed'; readonly reason: string };

async function load(): Promise<Loaded> {
  try {
    // Bundled, a CommonJS module has its calls in `default` alone.
    const found: Partial<Calls> & { readonly default?: Partial<Calls> } = await import('systeminformation');
    const { mem, fullLoad, fsOpenFiles } = found.default ?? found;
    if (mem === undefined || fullLoad === undefined || fsOpenFiles === undefined)
      return { outcome: 'failed', reason: 'the package systeminformation lacks a call' };
    return { calls: { mem, fullLoad, fsOpenFiles } };
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND')
      return { outcome: 'missing', reason: 'the package systeminformation is not installed here' };
    return { outcome: 'failed', reason: describeError(error) };
  }
}

function absent(outcome: AbsentEntry['outcome'], reason: string): AbsentEntry {
  return { kind: 'absent', path: PATH, ...COMMON, outcome, reason };
}

/** One line of the manifest: one of the two readings was led astray, or the file was changed between them. */
function lineOf({ figure, theirs, ours, tolerance }: Difference): AbsentEntry {
  return {
    kind: 'absent',
    path: `${PATH}/${figure}`,
    ...COMMON,
    outcome: 'failed',
    reason:
      `two readings of ${figure} differ: systeminformation has ${theirs}, our parser has ${ours}, and ` +
      `${tolerance} is allowed`,
    notes: () => ({ figure, systeminformation: theirs, own: ours, tolerance }),
  };
}

async function within(call: () => Promise<unknown>): Promise<unknown> {
  const stop = new AbortController();
  const late = after(CALL_MS, { error: `no answer within ${CALL_MS} ms` }, { signal: stop.signal, ref: false });
  try {
    return await Promise.race([call(), late]);
  } catch (error) {
    return { error: describeError(error) };
  } finally {
    stop.abort();
    late.catch(() => undefined);
  }
}
