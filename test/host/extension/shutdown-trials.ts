/**
 * `npm run shutdowns [-- --count 200 --mb 30]`: ends a sandbox again and again, for each reason, with so many MB in
 * /tmp, and tells what was captured in the 2,000 ms that the platform gives.
 */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Platform, ShutdownReason } from '../../sandbox/platform.ts';
import { fillTmp, openScene } from './sandbox.ts';

export interface Trial {
  readonly reason: ShutdownReason;
  /** Milliseconds of the phase at which the extension had gone, and it was not killed for it. */
  readonly exitMs: number;
  readonly killed: boolean;
  /** The first segment, with processes and the inventory of /tmp, was stored. */
  readonly volatile: boolean;
  readonly committed: boolean;
  readonly bytes: number;
}

export const REASONS: readonly ShutdownReason[] = ['spindown', 'timeout', 'failure'];

/** One sandbox, ended `count` times; every life is prepared by one invocation before. */
export async function shutdownTrials(reason: ShutdownReason, count: number, mb: number): Promise<Trial[]> {
  const cleanup: (() => Promise<void>)[] = [];
  const platform = await openScene(
    { after: (done) => void cleanup.push(done) },
    {
      tmpMb: mb + 64,
      env: {
        AMBER_ON_SHUTDOWN: 'contents',
        AMBER_ON_CRASH: 'contents',
        AMBER_DETECT: 'off',
        AMBER_MAX_CAPTURES: '1000',
      },
    },
  );
  const trials: Trial[] = [];
  try {
    fillTmp(platform.ground.tmp, mb);
    for (let number = 0; number < count; number += 1) {
      await platform.invoke({ say: number }, 20_000);
      await platform.idle();
      trials.push(await endOnce(platform, reason));
      for (const name of readdirSync(platform.ground.evidence))
        rmSync(join(platform.ground.evidence, name), { recursive: true });
    }
  } finally {
    for (const done of cleanup) await done();
  }
  return trials;
}

async function endOnce(platform: Platform, reason: ShutdownReason): Promise<Trial> {
  const before = platform.logLines().length;
  if (reason === 'spindown') await platform.shutdown();
  else await platform.invoke(reason === 'timeout' ? { spin: true } : { exit: 1 }, reason === 'timeout' ? 300 : 20_000);
  await platform.idle();
  const lines = platform.logLines().slice(before);
  const [extension] = platform.shutdowns.at(-1)?.extensions ?? [];
  const segments = lines.filter((line) => line['amber'] === 'segment' && line['state'] === 'stored');
  return {
    reason,
    exitMs: extension?.exitMs ?? Number.NaN,
    killed: extension?.killed ?? true,
    volatile: segments.some((line) => line['segment'] === 0),
    committed: lines.some((line) => line['amber'] === 'capture' && line['state'] === 'whole'),
    bytes: segments.reduce((sum, line) => sum + Number(line['bytes']), 0),
  };
}

/** One line of a table. */
export function summary(trials: readonly Trial[], mb: number): Record<string, string | number> {
  const times = trials.map(({ exitMs }) => exitMs).sort((one, other) => one - other);
  const at = (part: number): number =>
    Math.round(times[Math.min(times.length - 1, Math.floor(times.length * part))] ?? Number.NaN);
  const count = (what: (trial: Trial) => boolean): number => trials.filter(what).length;
  return {
    reason: trials[0]?.reason ?? '',
    shutdowns: trials.length,
    'volatile segment': count(({ volatile }) => volatile),
    committed: count(({ committed }) => committed),
    'all of /tmp': count(({ bytes }) => bytes >= mb * 2 ** 20),
    'past 2,000 ms': count(({ killed }) => killed),
    'median ms': at(0.5),
    'p99 ms': at(0.99),
    'longest ms': at(1),
  };
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { count: { type: 'string', default: '200' }, mb: { type: 'string', default: '30' } },
  });
  const rows = [];
  for (const reason of REASONS) {
    const row = summary(await shutdownTrials(reason, Number(values.count), Number(values.mb)), Number(values.mb));
    console.table([row]);
    rows.push(row);
  }
  process.exitCode = rows.every((row) => row['volatile segment'] === row['shutdowns'] && row['past 2,000 ms'] === 0)
    ? 0
    : 1;
}
