/** Bytes behind the segments of a joined file: manifest.json tells of none, so nobody knows what they are. */
import { many } from '../../many.ts';
import type { OpenCapture } from './open.ts';
import type { CapturePart } from './part.ts';

export interface Surplus {
  /** The bytes, as a part of nothing. */
  readonly part: CapturePart;
  readonly object: string;
  /** One sentence. */
  readonly text: string;
}

/** The joined file, where it has more bytes than its segments. */
export function surplus({ parts, objects }: Pick<OpenCapture, 'parts' | 'objects'>): Surplus | undefined {
  const last = parts.findLast(({ range }) => range !== undefined);
  const size = objects.find(({ name }) => name === last?.object)?.bytes;
  if (last?.range === undefined || size === undefined) return undefined;
  const start = last.range.start + last.range.bytes;
  const bytes = size - start;
  if (bytes <= 0) return undefined;
  return {
    part: { ...last, number: undefined, committed: undefined, range: { start, bytes }, bytes },
    object: last.object,
    text: `${last.object} has ${many(bytes, 'byte')} more than the segments of manifest.json`,
  };
}
