/**
 * Events of a timeline out of a bodyfile, for paths of which the capture's own timeline has none: it ends at a number
 * of rows.
 */
import { many } from '../../many.ts';
import { isTime, type TimelineEvent } from './event.ts';

/** `MD5|name|inode|mode|uid|gid|size|atime|mtime|ctime|crtime`: the name has no `|`, see collect/bodyfile.ts. */
const LINE = /^[^|]*\|([^|]+)\|([^|]*)\|([^|]*)\|(-?\d+)\|(-?\d+)\|(\d+)\|(-?\d+)\|(-?\d+)\|(-?\d+)\|(-?\d+)$/u;

/** A path as the bodyfile shows it, without the target of a link; undefined for what is no line. */
export function pathOfLine(line: string): string | undefined {
  const path = LINE.exec(line)?.[1];
  return path === undefined ? undefined : withoutTarget(path);
}

/**
 * A name has no ` -> ` of its own. By index: `/ -> .*$/` tries every one of a million that are not followed by the end.
 */
function withoutTarget(shown: string): string {
  const arrow = shown.indexOf(' -> ');
  return arrow < 0 ? shown : shown.slice(0, arrow);
}

/** What happened at one time is one event, as in the output of mactime. Whole seconds. */
export function bodyfileEvents(value: unknown): readonly TimelineEvent[] {
  const [, shown = '', inode, mode, uid, gid, size, ...times] = LINE.exec(typeof value === 'string' ? value : '') ?? [];
  if (shown === '') return [];
  const meanings = new Map<number, string>();
  for (const [index, meaning] of [
    'Last Access Time',
    'Content Modification Time',
    'Metadata Modification Time',
    'Creation Time',
  ].entries()) {
    const timestamp = Number(times[index]) * 1_000_000;
    if (timestamp === 0 || !isTime(timestamp)) continue;
    const before = meanings.get(timestamp);
    meanings.set(timestamp, before === undefined ? meaning : `${before}; ${meaning}`);
  }
  const filename = withoutTarget(shown);
  return [...meanings].map(([timestamp, meaning]) => ({
    timestamp,
    timestamp_desc: meaning,
    data_type: 'fs:stat',
    message: `${shown} (${mode ?? ''}, ${many(Number(size), 'byte')})`,
    tag: ['file', 'whole-seconds'],
    more: { filename, inode, mode, uid: Number(uid), gid: Number(gid), size: Number(size) },
  }));
}
