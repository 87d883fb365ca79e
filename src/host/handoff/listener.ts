/**
 * Who listens for hints. The name of an abstract socket belongs to the process that binds it first. An attacker who
 * answers in the extension's place would keep the capture from happening. The platform starts extensions before the
 * runtime (AWS, "Lambda execution environment lifecycle"), so the listener must be older than this process; what an
 * intruder starts is younger. An intruder older than the runtime came with a layer, and owns the sandbox anyway.
 */
import { readdirSync, readlinkSync } from 'node:fs';
import { readNow } from '../../proc/read.ts';
import { parseStat } from '../../proc/stat.ts';
import { parseUnix } from '../../proc/unix.ts';

/** A sandbox has a few dozen unix sockets; an attacker may open many more. */
const MAX_TABLE_BYTES = 256 * 1024;
const MAX_DESCRIPTORS = 512;

/** Inode of the one socket that listens under this name; undefined: none, or more than one claims to. */
export function listeningInode(name: string): string | undefined {
  const table = readNow('/proc/net/unix', { cap: MAX_TABLE_BYTES, whole: false }, { left: MAX_TABLE_BYTES });
  if (!table.ok || table.truncated) return undefined;
  const listening = parseUnix(table.body).filter(({ path, state }) => path === `@${name}` && state === 'LISTEN');
  return listening.length === 1 ? listening[0]?.inode : undefined;
}

/** True if process `pid` holds the socket, and was started before this one. */
export function isExtension(pid: unknown, inode: string): boolean {
  if (typeof pid !== 'number' || !Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
  const [theirs, ours] = [startTicks(pid), startTicks(process.pid)];
  return theirs !== undefined && ours !== undefined && theirs < ours && holds(pid, `socket:[${inode}]`);
}

function startTicks(pid: number): number | undefined {
  const read = readNow(`/proc/${String(pid)}/stat`, { cap: 4096, whole: true }, { left: 4096 });
  return read.ok ? parseStat(read.body)?.startTicks : undefined;
}

function holds(pid: number, socket: string): boolean {
  const folder = `/proc/${String(pid)}/fd`;
  try {
    return readdirSync(folder)
      .slice(0, MAX_DESCRIPTORS)
      .some((fd) => linkOf(`${folder}/${fd}`) === socket);
  } catch {
    return false;
  }
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined; // closed meanwhile
  }
}
