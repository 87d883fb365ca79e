/**
 * Which sandboxes of a function are, or were, at work: one log stream each ("Lambda execution environments", one stream
 * an environment).
 */
import type { Clients } from './clients.ts';
import { fatalError } from './error-class.ts';
import type { Window } from './target-options.ts';

export interface ActiveStreams {
  /** Newest first. */
  readonly streams: readonly { readonly logGroup: string; readonly name: string; readonly lastMs: number }[];
  /** There are more than were asked for. */
  readonly capped: boolean;
}

const PAGE = 50;
const MAX_PAGES = 100;

/**
 * Streams with events in the window. A time that CloudWatch gives for the last event may lag behind by some minutes. So
 * a stream that was made in the window counts as well.
 *
 * @throws AmberError ACQUIRE_DENIED (logs:DescribeLogStreams), ACQUIRE_CREDENTIALS, ACQUIRE_FAILED. A group that is not
 *   there is empty.
 */
export async function activeStreams(
  aws: Clients,
  logGroups: readonly string[],
  { sinceMs, untilMs }: Window,
  region: string,
): Promise<ActiveStreams> {
  const logs = await aws.logs();
  const streams: ActiveStreams['streams'][number][] = [];
  let capped = false;
  for (const logGroup of logGroups) {
    let nextToken: string | undefined;
    for (let page = 0; ; page += 1) {
      const answer = await describe(
        () =>
          logs.describeLogStreams({
            logGroupName: logGroup,
            orderBy: 'LastEventTime',
            descending: true,
            limit: PAGE,
            nextToken,
          }),
        logGroup,
        region,
      );
      let older = 0;
      for (const { logStreamName, lastEventTimestamp = 0, creationTime = 0 } of answer?.logStreams ?? []) {
        const lastMs = Math.max(lastEventTimestamp, creationTime);
        if (lastMs < sinceMs) older += 1;
        else if (
          logStreamName !== undefined &&
          Math.min(lastEventTimestamp || lastMs, creationTime || lastMs) <= untilMs
        )
          streams.push({ logGroup, name: logStreamName, lastMs });
      }
      const following = answer?.nextToken;
      if (following === undefined || following === nextToken || older > 0) break;
      if (page >= MAX_PAGES) {
        capped = true;
        break;
      }
      nextToken = following;
    }
  }
  return { streams: streams.sort((one, other) => other.lastMs - one.lastMs), capped };
}

interface Page {
  readonly logStreams?:
    | readonly {
        readonly logStreamName?: string | undefined;
        readonly lastEventTimestamp?: number | undefined;
        readonly creationTime?: number | undefined;
      }[]
    | undefined;
  readonly nextToken?: string | undefined;
}

async function describe(run: () => Promise<Page>, logGroup: string, region: string): Promise<Page | undefined> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof Error && error.name === 'ResourceNotFoundException') return undefined;
    throw fatalError({ path: '', call: `logs:DescribeLogStreams ${logGroup}` }, error, region);
  }
}
