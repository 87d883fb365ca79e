/** Hunts over the REPORT lines: what a miner or a beacon does to memory and time, though nothing is printed. */
import type { Hunt, Matcher, WholeHit } from './contracts.ts';
import { many } from '../many.ts';

/** Values that are kept of one function; a reservoir would do as well, but this is enough for days. */
const MAX_VALUES = 2_000_000;
const HOUR_MS = 3_600_000;

function median(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** 1 */
export const memoryJump: Hunt = {
  id: 'memory-jump',
  title: 'Memory of one sandbox near its limit, of the others not',
  technique: 'T1496.001',
  severity: 'medium',
  benign: 'A function of which all sandboxes use nearly all of a small memory.',
  query:
    'filter @type="REPORT" | stats max(@maxMemoryUsed)/max(@memorySize) as frac, ' +
    'max(@maxMemoryUsed)/1000/1000 as mb, count(*) as n by bin(15m), @logStream | filter frac > 0.9 | ' +
    'sort frac desc | limit 1000',
  matcher: () => {
    const streams = new Map<string, { fraction: number; at: number; mb: number }>();
    return {
      see: ({ logStream, timestamp }, platform) => {
        if (platform?.kind !== 'report' || platform.maxMemoryMb === undefined || (platform.memoryMb ?? 0) === 0)
          return undefined;
        const fraction = platform.maxMemoryMb / (platform.memoryMb ?? 1);
        if (fraction > (streams.get(logStream)?.fraction ?? 0))
          streams.set(logStream, { fraction, at: timestamp, mb: platform.maxMemoryMb });
        return undefined;
      },
      end: () => {
        const usual = median([...streams.values()].map(({ fraction }) => fraction));
        return [...streams]
          .filter(([, { fraction }]) => fraction > 0.9 && usual < 0.7)
          .map(
            ([logStream, { fraction, at, mb }]): WholeHit => ({
              logStream,
              timestamp: at,
              detail:
                `${mb} MB, ${Math.round(fraction * 100)} % of the limit; the median sandbox uses ` +
                `${Math.round(usual * 100)} %`,
            }),
          );
      },
    };
  },
};

/** 2 */
export const durationDrift: Hunt = {
  id: 'duration-drift',
  title: 'Durations that drift away from what they were',
  technique: 'T1496.001',
  severity: 'low',
  benign: 'Single slow invocations, such as cold starts.',
  query:
    'filter @type="REPORT" | stats pct(@duration,50) as p50, pct(@duration,99) as p99, max(@duration) ' +
    'as mx, count(*) as n by bin(1h) | filter p99 > 5*p50 | sort p99 desc | limit 1000',
  matcher: () => drift(),
};

function drift(): Matcher {
  const hours = new Map<number, number[]>();
  let kept = 0;
  return {
    see: ({ timestamp }, platform) => {
      if (platform?.kind !== 'report' || platform.durationMs === undefined || kept >= MAX_VALUES) return undefined;
      const hour = Math.floor(timestamp / HOUR_MS);
      const values = hours.get(hour) ?? [];
      values.push(platform.durationMs);
      hours.set(hour, values);
      kept += 1;
      return undefined;
    },
    end: () => {
      const usual = median([...hours.values()].map(median));
      return [...hours]
        .sort(([one], [other]) => one - other)
        .flatMap(([hour, values]): WholeHit[] => {
          const slow = values.filter((value) => value > 5 * usual).length;
          if (values.length < 20 || slow < values.length / 10) return [];
          return [
            {
              timestamp: hour * HOUR_MS,
              detail:
                `${slow} of ${many(values.length, 'invocation')} of this hour took more than five times ` +
                `the usual ${Math.round(usual)} ms`,
            },
          ];
        });
    },
  };
}
