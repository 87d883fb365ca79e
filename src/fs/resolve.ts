/**
 * Paths that others may have chosen, resolved one component after the other from a descriptor. No mount is entered on
 * which somebody else has to answer, neither by name nor by a link (`/proc/PID/root` leads into other namespaces). A
 * directory that is swapped for a link meanwhile leads nowhere.
 */
import { closeSync, constants, fstatSync, openSync, type BigIntStats } from 'node:fs';
import type { BytePath } from '../contracts/evidence.ts';
import { AmberError } from '../errors.ts';
import type { Place } from '../proc/mount-book.ts';
import { descriptorPath, EXACT, openEntry, openRoot, readLink } from './open.ts';

/** What is asked of {@link MountBook}. */
export interface Places {
  readonly placeOf: (path: BytePath) => Place;
}

/** Something that was reached: held, not opened (O_PATH). The caller closes it. */
export interface Reached {
  readonly fd: number;
  /** Its path without links. */
  readonly path: BytePath;
}

/** As many as the kernel follows in one path (path_resolution(7)). */
const MAX_LINKS = 40;
const MAX_STEPS = 1024;
const LINK = 0o120000n;
const KIND = 0o170000n;

/**
 * Reaches an absolute path, its last component included if that is a link. Gives the place instead where somebody else
 * would have to answer on the way or at its end.
 *
 * @throws the system error of the component that cannot be opened
 */
export function reach(path: BytePath, places: Places): Reached | Place {
  let fd = openRoot('/');
  try {
    let at: BytePath = '';
    let links = 0;
    const rest = componentsOf(path);
    for (let steps = 0; rest.length > 0; steps += 1) {
      if (steps > MAX_STEPS || links > MAX_LINKS) throw new AmberError('COLLECTOR_FAILED', 'too many links on the way');
      const name = rest.pop() ?? '';
      if (name === '..') {
        // From the root again: what lies above a descriptor need not be what its path says.
        rest.push(...componentsOf(at.slice(0, Math.max(0, at.lastIndexOf('/')))));
        fd = swap(fd, openRoot('/'));
        at = '';
        continue;
      }
      const place = places.placeOf(`${at}/${name}`);
      if (place.ground !== 'local') {
        closeSync(fd);
        return place;
      }
      const next = openEntry(fd, name);
      if ((fstatSync(next, EXACT).mode & KIND) !== LINK) {
        fd = swap(fd, next);
        at = `${at}/${name}`;
        continue;
      }
      closeSync(next);
      links += 1;
      const target = readLink(fd, name);
      rest.push(...componentsOf(target));
      if (!target.startsWith('/')) continue;
      fd = swap(fd, openRoot('/'));
      at = '';
    }
    return { fd, path: at === '' ? '/' : at };
  } catch (cause) {
    closeSync(fd);
    throw cause;
  }
}

/**
 * stat of a path that others may have chosen; undefined where there is nothing, or somebody else would have to answer.
 */
export function statLocal(path: BytePath, places: Places): BigIntStats | undefined {
  try {
    const reached = reach(path, places);
    if (!('fd' in reached)) return undefined;
    try {
      return fstatSync(reached.fd, EXACT);
    } finally {
      closeSync(reached.fd);
    }
  } catch {
    return undefined;
  }
}

/**
 * Opens for reading what a path leads to, without waiting for a writer, a driver or the holder of a lease. Gives the
 * place where somebody else would have to answer. The caller closes it.
 *
 * @throws the system error of the component that cannot be opened
 */
export function openLocal(path: BytePath, places: Places): number | Place {
  const reached = reach(path, places);
  if (!('fd' in reached)) return reached;
  try {
    return openSync(descriptorPath(reached.fd), constants.O_RDONLY | constants.O_NONBLOCK);
  } finally {
    closeSync(reached.fd);
  }
}

function swap(old: number, now: number): number {
  closeSync(old);
  return now;
}

/** In reverse, so that the next one is at the end. */
function componentsOf(path: BytePath): BytePath[] {
  return path
    .split('/')
    .filter((name) => name !== '' && name !== '.')
    .reverse();
}
