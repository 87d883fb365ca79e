/** The descriptors of one process: what it reads and writes, its sockets, and whose secrets it has open. */
import { readdirSync } from 'node:fs';
import type { BytePath } from '../contracts/evidence.ts';
import { linkInode, readLink } from '../proc/links.ts';

export interface Descriptors {
  readonly stdio: readonly BytePath[];
  readonly sockets: readonly string[];
  readonly peeks: readonly BytePath[];
  /** Descriptors beyond the limit. */
  readonly beyond: number;
}

/** Files of procfs that hold another process's secrets or memory. */
const PEEK = /^\/proc\/(\d+)\/(?:task\/\d+\/)?(?:environ|mem|maps|auxv)$/u;

export function descriptorsOf(dir: string, pid: number, most: number): Descriptors | undefined {
  const stdio = ['', '', ''];
  const sockets: string[] = [];
  const peeks: BytePath[] = [];
  let names: string[];
  try {
    names = readdirSync(`${dir}/fd`);
  } catch {
    return undefined;
  }
  for (const name of names.slice(0, most)) {
    const target = linkText(`${dir}/fd/${name}`);
    if (target === undefined) continue;
    const fd = Number(name);
    if (fd <= 2) stdio[fd] = target;
    const inode = target.startsWith('socket:') ? linkInode(target) : undefined;
    if (inode !== undefined) sockets.push(inode);
    const peek = PEEK.exec(target);
    if (peek !== null && Number(peek[1]) !== pid) peeks.push(target);
  }
  return { stdio, sockets, peeks, beyond: Math.max(0, names.length - most) };
}

/** Where a link of procfs leads, with ` (deleted)` as the kernel writes it; undefined where it cannot be read. */
export function linkText(path: string): string | undefined {
  try {
    const { target, deleted } = readLink(path);
    return deleted ? `${target} (deleted)` : target;
  } catch {
    return undefined;
  }
}
