/**
 * What systeminformation knows without starting a process. Most of its calls run `ps`, `ip`, `lsb_release` and the like,
 * which are not in the image and would stand in the evidence; these four read files and one socket (a test counts
 * children). Last of the facts: they repeat what was read from /proc, in a form that other tools know.
 */
import { setTimeout as after } from 'node:timers/promises';
import type { Collector, Entry, Scene } from '../contracts.ts';
import { describeError } from '../errors.ts';

/** One call, milliseconds: dockerInfo asks a socket that anybody may listen at. */
const CALL_MS = 300;
/** Loading takes up to 15 ms of a whole core, and the smallest function has a fourteenth of one. */
const WORTHWHILE_MS = 1000;

type Call = readonly [name: string, load: () => Promise<() => Promise<unknown>>];

// prettier-ignore
const CALLS: readonly Call[] = [
  ['mem',         async () => (await import('systeminformation/lib/memory.js')).mem],
  ['fullLoad',    async () => (await import('systeminformation/lib/cpu.js')).fullLoad],
  ['fsOpenFiles', async () => (await import('systeminformation/lib/filesystem.js')).fsOpenFiles],
  ['dockerInfo',  async () => (await import('systeminformation/lib/docker.js')).dockerInfo],
];

export const systemInformation: Collector = {
  name: 'systeminformation',
  description: 'Memory, load, open files and container engine as the package systeminformation reports them; spawns nothing.',
  tier: 'code',
  // It repeats what /proc said already, for as long as three other collectors take together.
  optIn: true,
  async *collect(scene: Scene): AsyncGenerator<Entry> {
    const common = { path: 'live_response/systeminformation.json', source: 'systeminformation', method: 'api' };
    if (scene.budget.remainingMs() < WORTHWHILE_MS) {
      yield { kind: 'absent', ...common, outcome: 'skipped', reason: `less than ${WORTHWHILE_MS} ms were left` };
      return;
    }
    const value: Record<string, unknown> = {};
    for (const [name, load] of CALLS) {
      value[name] = await within(async () => (await load())());
      await scene.budget.breathe();
    }
    yield { kind: 'json', ...common, value };
  },
};

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
