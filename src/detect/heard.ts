/** What is kept of recorded events from one look to the next: detectors see those that are new alone. */
import type { Heard } from '../contracts/evidence.ts';
import type { RecordedEvent, RecordedNews } from '../contracts/recorded.ts';

const MAX_ADDRESSES = 1024;
const MAX_WORKERS = 8;
const OF_CONNECTIONS: ReadonlySet<string> = new Set(['bindings', 'connections', 'connect']);
const NEXT = /\/runtime\/invocation\/next\b/u;

export interface HeardBook {
  /** Adds the news, and gives the summary; undefined from the moment that something was missed. */
  readonly add: (news: RecordedNews) => Heard | undefined;
}

export function openHeard(): HeardBook {
  const addresses = new Set<string>();
  const workers: RecordedEvent[] = [];
  let asksRuntimeApi = false;
  let isWhole = true;
  return {
    add: ({ events, left }) => {
      for (const event of events) {
        if (event.kind === 'connect' && addresses.size < MAX_ADDRESSES) addresses.add(event.subject);
        if (event.kind === 'worker') workers.push(event);
        if (event.kind === 'request' && event.invocation === 0 && NEXT.test(event.subject)) asksRuntimeApi = true;
        if (misses(event)) isWhole = false;
      }
      workers.splice(0, workers.length - MAX_WORKERS);
      if (left > 0 || addresses.size === MAX_ADDRESSES) isWhole = false;
      return isWhole ? { addresses, workers, asksRuntimeApi } : undefined;
    },
  };
}

/** A hook that is not armed or was taken away, and connections that found no room. */
function misses({ kind, subject, count }: RecordedEvent): boolean {
  if (kind === 'away' || kind === 'limit') return OF_CONNECTIONS.has(subject);
  return kind === 'hook' && count > 0 && subject.startsWith('tcp_wrap');
}
