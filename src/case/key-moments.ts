/** The events of a case that a reader wants first, out of its timeline. */
import type { TextSection } from './sections.ts';
import { renderText } from './safe-names.ts';
import type { Timeline, TimelineWindow } from './timeline.ts';
import type { TimelineRow } from './timeline-event.ts';

/** Rows that are kept; the rest is counted. */
const MOST = 1000;

/** Log events and file times are too many for a page. */
const SOURCES: ReadonlySet<string> = new Set(['capture', 'processes', 'findings', 'cloudtrail', 'guardduty', 'control-plane']);

/** Of processes those whose executable is gone, of CloudTrail what changed something or was refused. */
function isKey({ source, tag }: TimelineRow): boolean {
  if (source === 'processes') return tag.includes('deleted-executable');
  if (source === 'cloudtrail') return tag.includes('write') || tag.includes('error');
  return true;
}

export const KEY_MOMENTS: TimelineWindow = { since: -Infinity, until: Infinity, sources: SOURCES, wanted: isKey };

/** @param timeline - one that was made with {@link KEY_MOMENTS} */
export function keyMoments(timeline: Timeline): TextSection {
  const rows: (readonly string[])[] = [];
  let count = 0;
  for (const { json } of timeline.rows()) {
    count += 1;
    if (rows.length === MOST) continue;
    const row = JSON.parse(json) as TimelineRow;
    rows.push([row.datetime.replace('T', ' ').replace('+00:00', 'Z'), row.source, renderText(row.message, 300)]);
  }
  return { title: 'What happened when', rows, count };
}
