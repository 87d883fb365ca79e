/** What is known of mounts, for all collectors of one capture. */
import type { CollectorContext } from '../contracts/evidence.ts';
import { MountBook } from '../proc/mount-book.ts';

const books = new WeakMap<CollectorContext, MountBook>();

/** Where things lie and who answers for it; listings are read when the first collector asks. */
export function groundsOf(context: CollectorContext): MountBook {
  let book = books.get(context);
  if (book === undefined) books.set(context, (book = new MountBook()));
  return book;
}
