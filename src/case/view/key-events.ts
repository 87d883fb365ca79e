/** The events of a case that a reader wants first, out of its timeline. */
import { findingsIn, pidOf } from './finding-rows.ts';
import { number } from './process-tree.ts';
import type { Timeline, TimelineWindow } from '../timeline/timeline.ts';
import type { TimelineRow } from '../timeline/event.ts';
import { messageText } from '../timeline/text.ts';
import type { CaptureView } from './view.ts';
import type { TextSection } from './section.ts';

/** Rows that are kept: of what an intruder did, and of all else, which must not crowd it out. The rest is counted. */
const MAX_TELLING = 1000;
const MAX_OTHERS = 1000;

/** Log events and file times are too many for a page. */
const SOURCES: ReadonlySet<string> = new Set([
  'capture',
  'processes',
  'findings',
  'cloudtrail',
  'guardduty',
  'control-plane',
]);

const SEVERE: ReadonlySet<string> = new Set(['critical', 'high', 'error']);

function isTelling({ source, tag }: TimelineRow): boolean {
  return source === 'processes' || source === 'guardduty' || tag.some((one) => SEVERE.has(one));
}

export class KeyMoments {
  /** Of the capture in hand: processes that a finding is about. */
  #pids: ReadonlySet<number> = new Set();

  /** What the timeline takes. */
  get window(): TimelineWindow {
    return { since: -Infinity, until: Infinity, sources: SOURCES, wanted: (row) => this.#isKey(row) };
  }

  /** The capture that comes next. */
  expect({ documents }: CaptureView): void {
    this.#pids = new Set(
      findingsIn(documents)
        .map(pidOf)
        .filter((pid) => !Number.isNaN(pid)),
    );
  }

  section(timeline: Timeline): TextSection {
    const rows: (readonly string[])[] = [];
    let [count, telling, others] = [0, 0, 0];
    for (const { json } of timeline.rows()) {
      count += 1;
      if (telling === MAX_TELLING && others === MAX_OTHERS) continue;
      const row = JSON.parse(json) as TimelineRow;
      const tells = isTelling(row);
      if (tells ? telling === MAX_TELLING : others === MAX_OTHERS) continue;
      if (tells) telling += 1;
      else others += 1;
      rows.push([row.datetime.replace('T', ' ').replace('+00:00', 'Z'), row.source, messageText(row, 300)]);
    }
    return { title: 'What happened when', rows, count };
  }

  /**
   * Of processes those with a finding and those whose executable is gone, of CloudTrail what changed something or was
   * refused.
   */
  #isKey({ source, tag, pid }: TimelineRow): boolean {
    if (source === 'processes') return tag.includes('deleted-executable') || this.#pids.has(number(pid));
    if (source === 'cloudtrail') return tag.includes('write') || tag.includes('error');
    return true;
  }
}
