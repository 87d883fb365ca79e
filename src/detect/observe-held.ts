/**
 * What a process can hold up (see proc/bounded-pool.ts): environment, arguments and mappings. It is read when the
 * process is new, has called exec, or is the runtime.
 */
import type { BytePath } from '../contracts/evidence.ts';
import type { ProcRead } from '../contracts/process-table.ts';
import { splitNul } from '../proc/bytes.ts';
import { executableRows } from '../proc/maps.ts';
import { readSlowly, type Session, type SlowFile } from '../proc/session.ts';
import { isWritablePlace } from './places.ts';
import { watchedIn } from './variables.ts';

/** What such files told, at this look or at an earlier one. */
export interface Own {
  readonly exe: string | undefined;
  readonly layout: string;
  readonly argv: readonly BytePath[];
  readonly env: Readonly<Record<string, string>> | undefined;
  readonly mapped: readonly BytePath[];
  /** Objects that `mapped` has no room for. */
  readonly mappedBeyond: number;
  /** Files of it that are longer than what was read: `maps`. */
  readonly cut: readonly string[];
  readonly looks: number;
}

export interface HeldPlace {
  readonly writable: readonly BytePath[];
  /** Processes of which arguments and mappings are read at each look: the runtime. */
  readonly always: (pid: number) => boolean;
}

const KIB = 1024;
const ENVIRON: SlowFile = ['environ', { cap: 256 * KIB, whole: true }];
const CMDLINE: SlowFile = ['cmdline', { cap: 64 * KIB, whole: true }];
const MAPS: SlowFile = ['maps', { cap: 1024 * KIB, whole: false, lastLine: 'ffffffffff600000-ffffffffff601000 ' }];
export const HELD_FILES: readonly SlowFile[] = [ENVIRON, CMDLINE, MAPS];
/** New processes map their libraries a little later than we may see them. */
export const LOOKS_AT_MAPS: number = 2;
export const MAX_MAPPED: number = 16;

export interface Held {
  readonly dir: string;
  readonly owner: string;
  readonly pid: number;
  readonly link: string | undefined;
  readonly layout: string;
  readonly old: Own | undefined;
}

/**
 * What a process can hold up, or what is known of it. A kernel thread and a zombie have no executable, and none of it.
 */
export async function readHeld(
  session: Session,
  place: HeldPlace,
  { dir, owner, pid, link, layout, old }: Held,
): Promise<Own> {
  const changed = old === undefined || old.exe !== link || old.layout !== layout;
  const always = place.always(pid);
  const files = [
    ...(changed ? [ENVIRON] : []),
    ...(changed || always || old.looks < LOOKS_AT_MAPS ? [CMDLINE] : []),
    ...(changed || always || old.looks < LOOKS_AT_MAPS ? [MAPS] : []),
  ];
  const reads = new Map<string, ProcRead>();
  if (link !== undefined) await readSlowly(session, { dir, owner }, files, (name, read) => reads.set(name, read));
  const [environ, cmdline, maps] = [reads.get('environ'), reads.get('cmdline'), reads.get('maps')];
  return {
    exe: link,
    layout,
    env: environ?.ok === true ? watchedIn(environ.body) : changed ? undefined : old.env,
    argv: cmdline?.ok === true ? splitNul(cmdline.body) : (old?.argv ?? []),
    ...(maps?.ok === true
      ? mappedOf(maps.body, place.writable, link)
      : { mapped: old?.mapped ?? [], mappedBeyond: old?.mappedBeyond ?? 0 }),
    cut: [
      ...new Set([
        ...[...reads].filter(([, read]) => read.ok && read.truncated).map(([name]) => name),
        ...(changed ? [] : old.cut.filter((name) => !reads.has(name))),
      ]),
    ],
    looks: changed ? 1 : old.looks + 1,
  };
}

/** Nearly no process maps anything of these places, and looking is a hundred times cheaper than parsing. */
function mappedOf(
  body: Uint8Array,
  writable: readonly BytePath[],
  link: string | undefined,
): Pick<Own, 'mapped' | 'mappedBeyond'> {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (
    ![...writable.map((root) => `${root}/`), '/memfd:', ' (deleted)'].some((mark) => text.includes(mark, 0, 'latin1'))
  )
    return { mapped: [], mappedBeyond: 0 };
  const found = new Set<BytePath>();
  for (const { path } of executableRows(body)) {
    if (path === link) continue;
    if (
      path.startsWith('/') &&
      (path.startsWith('/memfd:') || path.endsWith(' (deleted)') || isWritablePlace(path, writable))
    )
      found.add(path);
  }
  return { mapped: [...found].slice(0, MAX_MAPPED), mappedBeyond: Math.max(0, found.size - MAX_MAPPED) };
}
