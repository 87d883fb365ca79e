/** Events of the black box as rows, in the order of time, with what is missing or wrong in its rings. */
import { recordedText } from '../timeline/recorded.ts';
import { field, number, text } from './process-tree.ts';
import { renderText } from './safe-names.ts';
import type { TextSection } from './section.ts';

const MAX_CELL = 300;
const MAX_ROWS = 1000;

export function recordedSection(documents: ReadonlyMap<string, unknown>): TextSection {
  const found = documents.get('live_response/events.jsonl');
  const rows: readonly unknown[] = Array.isArray(found) ? found : [];
  const events = rows
    .filter((row) => field(row, 'kind') !== undefined)
    .toSorted((one, other) => number(field(one, 'timeMs')) - number(field(other, 'timeMs')));
  return {
    title: 'Black box: what the function did before',
    rows: events
      .slice(0, MAX_ROWS)
      .map((row) =>
        [
          text(field(row, 'time')).replace('T', ' '),
          `invocation ${text(field(row, 'invocation'))}`,
          `pid ${text(field(row, 'pid'))}`,
          recordedText(row),
        ].map((cell) => renderText(cell, MAX_CELL)),
      ),
    count: events.length,
    notes: rows.flatMap((row) => ringNotes(field(row, 'box'))),
  };
}

function ringNotes(box: unknown): string[] {
  const rings = field(box, 'rings');
  if (!Array.isArray(rings)) return [];
  return rings.flatMap((ring: unknown) => {
    const missing = field(ring, 'missing');
    const faults = field(ring, 'faults');
    const said = [
      [number(field(ring, 'overwritten')), 'older events were overwritten'],
      [Array.isArray(missing) ? missing.length : 0, 'events are missing between others: somebody took them out'],
      [Array.isArray(faults) ? faults.length : 0, 'slots are not as the recorder writes them'],
    ] as const;
    const name = renderText(`ring ${text(field(ring, 'ring'))}`, MAX_CELL);
    return said.filter(([count]) => count > 0).map(([count, what]) => `${name}: ${count} ${what}`);
  });
}
