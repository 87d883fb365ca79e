/** Every path of /tmp and /dev/shm with its metadata, before any content is read. */
import type { Collector, Entry, CollectorContext } from '../contracts/evidence.ts';
import { bodyfile } from './bodyfile.ts';
import { summarise } from './tree-summary.ts';
import { writableTree } from './trees.ts';
import { many } from '../many.ts';

export const inventory: Collector = {
  name: 'inventory',
  description: 'Every path of /tmp and /dev/shm with its metadata, as a bodyfile, before any content is read',
  tier: 'volatile',
  collect,
};

async function* collect(context: CollectorContext): AsyncGenerator<Entry> {
  const { yieldIfDue } = context.budget;
  const walked = await writableTree(context);
  const source = context.roots.writable.join(' ');
  yield* bodyfile(walked.tree, 'bodyfile', source, yieldIfDue);
  if (walked.unlisted > 0) {
    const unlisted = walked.counted ? walked.unlisted : walked.unlisted - 1;
    yield {
      kind: 'absent',
      path: 'bodyfile/beyond-the-limit',
      source,
      method: 'lstat',
      outcome: 'skipped',
      reason:
        (walked.counted ? '' : 'more than ') +
        `${many(unlisted, 'further path is', 'further paths are')} not listed: the limit of ` +
        `${many(context.config.maxEntries, 'entry', 'entries')} (AMBER_MAX_ENTRIES), or of the length of their ` +
        `names, was reached`,
    };
  }
  yield {
    kind: 'json',
    path: 'live_response/tree.json',
    source,
    method: 'lstat',
    value: await summarise(walked, context.config.maxEntries, yieldIfDue),
  };
}
