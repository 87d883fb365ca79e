/** Which collectors run, in which order: the registry's, with a user's own at the end of their tier. */
import type { Collector, Tier, Config } from '../contracts/evidence.ts';
import { COLLECTORS } from './index.ts';

const TIERS: readonly Tier[] = ['volatile', 'recovered', 'files', 'code', 'memory'];

/** @param tiers - of collectors, by name, where they differ from their own */
export function planCollectors(config: Config, tiers: Readonly<Record<string, Tier>> = {}): readonly Collector[] {
  const named = new Map(config.collect.map((item) => [item.replace(/^[+-]/u, ''), !item.startsWith('-')]));
  const wanted = (collector: Collector): boolean => named.get(collector.name) ?? collector.optIn !== true;
  const all = [...COLLECTORS, ...config.collectors].filter(wanted);
  const tierOf = ({ name, tier }: Collector): Tier => (Object.hasOwn(tiers, name) ? tiers[name] : undefined) ?? tier;
  return TIERS.flatMap((tier) =>
    all
      .filter((collector) => tierOf(collector) === tier)
      .map((collector) => (collector.tier === tier ? collector : { ...collector, tier })),
  );
}
