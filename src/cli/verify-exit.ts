/** What `amber verify` is asked, and its exit code. */
import type { LogIndex } from '../case/log/lines.ts';
import type { Place } from '../case/store/locate.ts';
import type { LeaveOut } from '../case/store/store.ts';
import type { TrailObjects } from '../case/verify/trail-objects.ts';
import type { VerifyResult } from '../case/verify/verify.ts';
import type { AgeIdentity } from '../seal/age-open.ts';
import type { Collected } from './verify-one.ts';

export interface VerifyCommand {
  readonly identity: AgeIdentity | undefined;
  readonly logPath: string | undefined;
  readonly collected: Collected | undefined;
  /** Where it was read already: a pipe can be read once. */
  readonly log?: LogIndex | undefined;
}

/**
 * A failed or cut capture is a problem; one that could not be read is not. `unread`: what else of the input could not
 * be read, such as files of the log.
 */
export function exitOf(results: readonly VerifyResult[], unread: number): number {
  if (results.some(({ verdict }) => verdict === 'failed' || verdict === 'cut')) return 1;
  const isRead = results.every(({ verdict, log }) => verdict === 'verified' && (log === 'none' || log === 'read'));
  return isRead && unread === 0 ? 0 : 3;
}

/** Ids of the captures at a place, which a log is to keep. */
export async function idsAt({ store }: Place, leave: LeaveOut): Promise<ReadonlySet<string>> {
  const { captureIds } = await import('../case/store/list.ts');
  const ids = new Set<string>();
  for await (const { captureId } of captureIds(store, leave)) ids.add(captureId);
  return ids;
}

/** One that is there and may not be read was not removed: the name of its folder tells which it is. */
export async function seenIn(seen: Set<string>, leave: LeaveOut): Promise<Seen> {
  const { idInPath } = await import('../case/store/place.ts');
  let isPartial = false;
  return {
    isPartial: () => isPartial,
    leave: (left) => {
      const id = left.kind === 'unread' ? idInPath(left.path) : undefined;
      if (id !== undefined) seen.add(id);
      isPartial = true;
      leave(left);
    },
  };
}

interface Seen {
  readonly leave: LeaveOut;
  /** A folder was not read, or a link not followed, which may hold a capture of any id. */
  readonly isPartial: () => boolean;
}

/** What of the log and of the collection says nothing, because it could not be read; for machines and the exit code. */
export interface InputsRead {
  readonly logNotRead: readonly string[];
  /** Lines of the log that are cut, or made up. */
  readonly logMalformed: number;
  readonly collection: { readonly calls: number; readonly leftOut: number; readonly notRead: string | null } | null;
}

export function inputsOf(log: LogIndex | undefined, trail: TrailObjects | undefined): InputsRead {
  return {
    logNotRead: log?.notRead ?? [],
    logMalformed: log?.malformed ?? 0,
    collection:
      trail === undefined ? null : { calls: trail.calls, leftOut: trail.leftOut, notRead: trail.notRead ?? null },
  };
}

export function unreadIn({ logNotRead, collection }: InputsRead): number {
  return logNotRead.length + (typeof collection?.notRead === 'string' ? 1 : 0);
}
