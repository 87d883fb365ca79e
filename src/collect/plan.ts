/** Which collectors run, in which order: the registry's, with a user's own at the end of their tier. */
import type { Config } from '../config.ts';
import type { Collector, Tier } from '../contracts.ts';
import { COLLECTORS } from './index.ts';

const TIERS: readonly Tier[] = ['volatile', 'recovered', 'files', 'code', 'memory'];

export function planCollectors(config: Config): readonly Collector[] {
  const named = new Map(config.collect.map((item) => [item.replace(/^[+-]/u, ''), !item.startsWith('-')]));
  const wanted = (collector: Collector): boolean => named.get(collector.name) ?? collector.optIn !== true;
  const all = [...COLLECTORS, ...config.collectors].filter(wanted);
  return TIERS.flatMap((tier) => all.filter((collector) => collector.tier === tier));
}
