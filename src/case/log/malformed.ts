/** How lines are told that have the mark of Amber and are none of its records. */
import { many } from '../../many.ts';

/** Lines that are cut, as a tool that shortens them leaves them, or that somebody made up. */
export function malformedText(count: number): string {
  return `${many(count, 'line')} of Amber in it ${count === 1 ? 'is' : 'are'} malformed: cut, or made up`;
}
