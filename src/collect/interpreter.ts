/** What a Python process knows of itself, as its recorder left it. */
import type { Collector, CollectorContext, Entry } from '../contracts/evidence.ts';
import { leftFacts } from './left-facts.ts';

export const interpreter: Collector = {
  name: 'interpreter',
  description:
    'Of a recorded Python process: modules with files, threads with stacks, patched functions, changed environment.',
  tier: 'volatile',
  async *collect(context: CollectorContext): AsyncGenerator<Entry> {
    const found = await leftFacts(context);
    for (const { path, source, pid, value } of found)
      yield { kind: 'json', path, source, method: 'proc-fd', value: { holder: pid, ...value } };
    if (found.length === 0)
      yield {
        ...{ kind: 'absent', path: 'live_response/runtime-python', source: 'recorder', method: 'proc-fd' },
        ...{ outcome: 'skipped', byDesign: 'nothing-to-do', reason: 'no Python process has left what it knows' },
      };
  },
};
