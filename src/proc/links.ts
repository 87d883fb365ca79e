/** Magic links of procfs: read as text, never followed. Source: proc_pid_fd(5), proc_pid_exe(5), namespaces(7). */
import { readlinkSync } from 'node:fs';
import type { BytePath } from '../contracts/evidence.ts';
import { isAscii } from './bytes.ts';
import type { ProcLink } from '../contracts/process-table.ts';

const DELETED = ' (deleted)';

/**
 * Reads a magic link. `readlink` on procfs only formats a name that the kernel holds: it takes no lock that another
 * process can keep and does not touch the file behind it.
 *
 * @throws the system error: ENOENT (gone, or a kernel thread's exe), EACCES or EPERM (another user, not dumpable).
 */
export function readLink(path: string): ProcLink {
  const text = readlinkSync(path);
  // Reading as UTF-8 is what Node does fastest; a name that is not ASCII is read again as bytes.
  return parseLink(isAscii(text) ? text : readlinkSync(path, 'latin1'));
}

/** Takes the kernel's ` (deleted)` off the text of a link. */
export function parseLink(text: BytePath): ProcLink {
  const deleted = text.endsWith(DELETED);
  return { target: deleted ? text.slice(0, -DELETED.length) : text, deleted };
}

/** The text as readlink gave it. */
export function linkText(link: ProcLink): BytePath {
  return link.deleted ? link.target + DELETED : link.target;
}

/** The inode in `socket:[N]`, `pipe:[N]` or `mnt:[N]`: all that is no path and ends in a number in brackets. */
export function linkInode(target: BytePath): string | undefined {
  const open = target.endsWith(']') && !target.startsWith('/') ? target.indexOf(':[') : -1;
  const inode = target.slice(open + 2, -1);
  return open > 0 && Number.isSafeInteger(Number(inode)) && inode !== '' ? inode : undefined;
}
