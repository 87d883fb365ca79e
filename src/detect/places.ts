/** Where paths lead. */
import type { BytePath } from '../contracts/evidence.ts';

/** True if `path` is below one of the writable trees. The work folders of programs and /dev/shm belong to them. */
export function isWritablePlace(path: BytePath, writable: readonly BytePath[]): boolean {
  return (
    writable.some((root) => path.startsWith(`${root}/`)) || path.startsWith('/var/tmp/') || path.startsWith('/dev/shm/')
  );
}

/** The last component, without the kernel's ` (deleted)`. */
export function baseName(path: BytePath): BytePath {
  const text = path.endsWith(' (deleted)') ? path.slice(0, -' (deleted)'.length) : path;
  return text.slice(text.lastIndexOf('/') + 1);
}

/** True if some component of the path begins with a dot: `/tmp/.x/run`. */
export function isHidden(path: BytePath): boolean {
  return path.includes('/.');
}
