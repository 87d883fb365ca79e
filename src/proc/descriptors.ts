/** Open descriptors of one process: /proc/PID/fd and fdinfo. Source: proc_pid_fd(5), proc_pid_fdinfo(5). */
import { opendirSync, readdirSync } from 'node:fs';
import { parseFdInfo } from './fdinfo.ts';
import { linkInode, readLink } from './links.ts';
import { failure, readNow, type ReadRule } from './read.ts';
import { yieldToEventLoop, type Session } from './session.ts';
import type { Detail, OpenDescriptor, ProcRead } from '../contracts/process-table.ts';
import { many } from '../many.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export interface DescriptorList {
  readonly descriptors: Mutable<OpenDescriptor>[];
  unread: number;
  readonly failures: string[];
  /** Descriptors of which fdinfo is still to be read, where its process can hold that up. */
  readonly aside: Mutable<OpenDescriptor>[];
}

/** Whose descriptors, and how many slots it has at most. */
export interface DescriptorPlace {
  readonly pid: number;
  readonly dir: string;
  readonly slots: number;
  readonly detail: Detail;
}

export const FDINFO: ReadRule = { cap: 64 * 1024, whole: true };
/** Above this many slots the folder is read piece by piece: listing a million names would hold the main thread. */
const MAX_SLOTS_AT_ONCE = 4096;
/** Descriptors, or names, between two turns of the event loop. */
const A_STRETCH = 24;
const A_LISTING = 512;
const MAX_ASIDE = 256;

/**
 * Reads the descriptors of one process. Never rejects; a descriptor that was closed meanwhile is left out.
 */
export async function readDescriptors(session: Session, place: DescriptorPlace): Promise<DescriptorList> {
  const { dir, slots } = place;
  const list: DescriptorList = { descriptors: [], unread: 0, failures: [], aside: [] };
  const most = Math.max(0, Math.min(session.descriptorsEach, session.descriptors.left));
  let names: string[];
  try {
    names = slots <= MAX_SLOTS_AT_ONCE ? readdirSync(`${dir}/fd`) : await listPiecewise(session, list, dir, most);
  } catch (error) {
    list.failures.push(described('fd', failure(error)));
    return list;
  }
  let read = 0;
  for (const name of names) {
    if (read === most || session.stopped()) break;
    if (read % A_STRETCH === A_STRETCH - 1) await yieldToEventLoop();
    readDescriptor(session, place, name, list);
    read += 1;
  }
  list.descriptors.sort((a, b) => a.fd - b.fd);
  session.descriptors.left -= read;
  list.unread += names.length - read;
  if (list.unread > 0)
    list.failures.push(
      `fd: ${many(list.unread, 'descriptor beyond the limit was', 'descriptors beyond the limit were')} not read`,
    );
  return list;
}

async function listPiecewise(session: Session, list: DescriptorList, dir: string, most: number): Promise<string[]> {
  const folder = opendirSync(`${dir}/fd`, { bufferSize: 256 });
  const names: string[] = [];
  try {
    for (let entry = folder.readSync(); entry !== null && !session.stopped(); entry = folder.readSync()) {
      if (names.length < most) names.push(entry.name);
      else list.unread += 1;
      if ((names.length + list.unread) % A_LISTING === 0) await yieldToEventLoop();
    }
  } finally {
    folder.closeSync();
  }
  return names;
}

function readDescriptor(
  session: Session,
  { pid, dir, detail }: DescriptorPlace,
  name: string,
  list: DescriptorList,
): void {
  const descriptor = linkOf(dir, name, list.failures);
  if (descriptor === undefined) return;
  list.descriptors.push(descriptor);
  const way = wayToInfo(descriptor.link.target, detail);
  if (way === 'now' || (way === 'aside' && pid === session.self)) {
    takeInfo(descriptor, readNow(`${dir}/fdinfo/${name}`, FDINFO, session.allowance));
  } else if (way === 'aside') {
    if (list.aside.length < MAX_ASIDE) list.aside.push(descriptor);
    else descriptor.failure = 'fdinfo: skipped (limit)';
  }
}

function linkOf(dir: string, name: string, failures: string[]): Mutable<OpenDescriptor> | undefined {
  try {
    const link = readLink(`${dir}/fd/${name}`);
    const inode = linkInode(link.target);
    return inode === undefined ? { fd: Number(name), link } : { fd: Number(name), link, inode };
  } catch (error) {
    const read = failure(error);
    if (read.outcome !== 'missing') failures.push(described(`fd/${name}`, read));
    return undefined;
  }
}

/**
 * Regular files, pipes and sockets give their offset and flags at once. Anonymous inodes and devices have fdinfo
 * functions of their own, and those may wait: that of an epoll takes a mutex under which epoll_wait copies to its
 * owner's memory. That of a tun device the lock of all network configuration.
 */
function wayToInfo(target: string, detail: Detail): 'now' | 'aside' | 'none' {
  if (target === '/dev/null') return detail === 'full' ? 'now' : 'none';
  if (target.startsWith('/')) return target.startsWith('/dev/') && !target.startsWith('/dev/shm/') ? 'aside' : 'now';
  if (detail === 'core') return 'none';
  return target.startsWith('anon_inode:') ? 'aside' : 'now';
}

/** Adds what fdinfo says to a descriptor. */
export function takeInfo(descriptor: Mutable<OpenDescriptor>, info: ProcRead): void {
  if (!info.ok) {
    if (info.outcome !== 'missing') descriptor.failure = described('fdinfo', info);
    return;
  }
  const { position, flags, mount, details } = parseFdInfo(info.body);
  if (position !== undefined) descriptor.position = position;
  if (flags !== undefined) descriptor.flags = flags;
  if (mount !== undefined) descriptor.mount = mount;
  if (details.length > 0) descriptor.details = details;
}

/** `environ: denied (EACCES)`. */
export function described(name: string, read: Extract<ProcRead, { ok: false }>): string {
  return `${name}: ${read.outcome} (${read.reason})`;
}
