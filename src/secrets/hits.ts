/** Parts of a text that go, and what comes in their place. Rules that look at the same text find them independently. */
import type { Cover } from './cover.ts';
import { LIMIT } from './mark.ts';
import type { Hit, Found } from './hit.ts';

/**
 * What may begin at a place of the text: gives the hits, in order. `at` is where its lead stands, `behind` where that
 * ends.
 */
export type Finder = (text: string, at: number, behind: number, cover: Cover) => readonly Hit[];

/** A gap between two pieces of one secret: the ends of their base64 forms are not compared. */
const MAX_BETWEEN = 4;

/** The text with each hit replaced. Hits that overlap are one, and the longest at the first place gives its mark. */
export function assemble(text: string, { hits, cutAt }: Found): string {
  if (hits.length === 0 && cutAt === text.length) return text;
  hits.sort((one, other) => one.start - other.start || other.end - one.end);
  const parts: string[] = [];
  let done = 0;
  let before: Hit | undefined;
  for (const hit of hits) {
    if (hit.start >= cutAt) break;
    const goesOn = before?.piece === true && hit.mark === before.mark && hit.start - done <= MAX_BETWEEN;
    if (hit.start >= done && !goesOn) parts.push(text.slice(done, hit.start), hit.mark);
    done = Math.max(done, hit.end);
    before = hit;
  }
  parts.push(cutAt < text.length ? text.slice(done, cutAt) + LIMIT : text.slice(done));
  return parts.join('');
}
