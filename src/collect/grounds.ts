/** What is known of mounts, for all collectors of one capture. */
import type { Scene } from '../contracts/evidence.ts';
import { MountBook } from '../proc/mount-book.ts';

const books = new WeakMap<Scene, MountBook>();

/** Where things lie and who answers for it; listings are read when the first collector asks. */
export function groundsOf(scene: Scene): MountBook {
  let book = books.get(scene);
  if (book === undefined) books.set(scene, (book = new MountBook()));
  return book;
}
