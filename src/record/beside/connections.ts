/** Connections by the socket tables, which are read when the kernel's counts of sockets have moved. */
import { readdirSync } from 'node:fs';
import { latin1 } from '../../proc/bytes.ts';
import { linkInode } from '../../proc/links.ts';
import { parseInet, type InetSocket } from '../../proc/net.ts';
import { readAside, readNow, type ReadRule } from '../../proc/read.ts';
import { linkOf } from './child.ts';
import type { Journal } from './journal.ts';

const COUNTS: ReadRule = { cap: 2048, whole: true };
const TABLE: ReadRule = { cap: 256 * 1024, whole: false };
/** Of each table, what is counted for this network namespace alone: other counts move with the whole machine. */
const TABLES = {
  tcp: /^TCP: inuse (?<inuse>\d+) .*?tw (?<tw>\d+)/mu,
  tcp6: /^TCP: .*?tw (?<tw>\d+)[^]*^TCP6: inuse (?<inuse>\d+)/mu,
  udp: /^UDP: inuse (?<inuse>\d+)/mu,
  udp6: /^UDP6: inuse (?<inuse>\d+)/mu,
} as const;
type Table = keyof typeof TABLES;
/** Connections that are known, and descriptors of one process that are looked through for a new one. */
const MAX_KNOWN = 2048;
const MAX_DESCRIPTORS = 256;
const MAX_HOLDERS = 8;
/** An estimate of what the kernel takes to walk through a table, milliseconds. */
const TABLE_MS = 0.5;
/** Sockets by the thousand are read less often: a reading takes one part in 200 of the time. */
const PART = 200;

export interface Connections {
  /** Reads the tables where the counts have moved and the last reading is long enough ago. True if it does. */
  readonly look: (holders: readonly number[]) => boolean;
  readonly close: () => void;
}

export interface ConnectionsOptions {
  readonly journal: Journal;
  /** The Runtime API, `127.0.0.1:9001`: each client of it is connected there. */
  readonly api: string;
  /** Between two readings, milliseconds at least. */
  readonly everyMs: number;
  /** Told what a reading takes of the CPU, milliseconds. */
  readonly charge: (ms: number) => void;
  readonly proc?: string;
}

interface State extends Required<ConnectionsOptions> {
  readonly counts: Map<Table, string>;
  dueMs: number;
  known: Set<string>;
  isFirst: boolean;
  isReading: boolean;
  isClosed: boolean;
}

export function followConnections({ proc = '/proc', ...options }: ConnectionsOptions): Connections {
  const fresh = { known: new Set<string>(), isFirst: true, isReading: false, isClosed: false };
  const state: State = { ...options, proc, counts: new Map(), dueMs: 0, ...fresh };
  return {
    look: (holders) => {
      if (state.isReading || performance.now() < state.dueMs) return false;
      const moved = movedTables(state);
      if (moved.length === 0) return false;
      state.isReading = true;
      void readTables(state, moved, holders);
      return true;
    },
    close: () => {
      state.isClosed = true;
    },
  };
}

function movedTables({ proc, counts }: State): readonly Table[] {
  const text = ['sockstat', 'sockstat6'].map((name) => textOf(`${proc}/net/${name}`)).join('');
  return (Object.keys(TABLES) as Table[]).filter((name) => {
    const { inuse = '', tw = '' } = TABLES[name].exec(text)?.groups ?? {};
    const now = `${inuse} ${tw}`;
    const hasMoved = counts.get(name) !== now;
    counts.set(name, now);
    return hasMoved;
  });
}

function textOf(path: string): string {
  const read = readNow(path, COUNTS, { left: COUNTS.cap });
  return read.ok ? latin1(read.body) : '';
}

/** Never rejects. */
async function readTables(state: State, tables: readonly Table[], holders: readonly number[]): Promise<void> {
  try {
    const found: InetSocket[] = [];
    let ms = 0;
    for (const name of tables) {
      const read = await readAside(`${state.proc}/net/${name}`, TABLE, { left: TABLE.cap });
      const startedMs = performance.now();
      if (read.ok) found.push(...parseInet(read.body, name));
      ms += performance.now() - startedMs + TABLE_MS;
    }
    if (!state.isClosed) take(state, found, holders);
    state.charge(ms);
    state.dueMs = performance.now() + Math.max(state.everyMs, ms * PART);
  } finally {
    state.isReading = false;
  }
}

function take(state: State, sockets: readonly InetSocket[], holders: readonly number[]): void {
  const fresh = sockets.filter((one) => isTold(state, one) && !state.known.has(keyOf(one)));
  if (state.known.size + fresh.length > MAX_KNOWN) state.known = new Set(sockets.map(keyOf));
  for (const one of fresh) state.known.add(keyOf(one));
  const own = state.isFirst || fresh.length === 0 ? new Set<string>() : inodesOf(state.proc, 'self');
  const isFirst = state.isFirst;
  state.isFirst = false;
  if (isFirst) return;
  for (const one of fresh.filter(({ inode }) => !own.has(inode))) tell(state, one, holders);
}

function keyOf({ local, remote }: InetSocket): string {
  return `${local.address}:${local.port} ${remote.address}:${remote.port}`;
}

function isTold({ api }: State, { local, remote, state, uid, inode }: InetSocket): boolean {
  if (`${remote.address}:${remote.port}` === api || `${local.address}:${local.port}` === api) return false;
  // Of what no descriptor holds any more the kernel tells no uid.
  if (inode !== '0' && uid !== process.getuid?.()) return false;
  return state === 'LISTEN' || remote.port !== 0;
}

function tell({ proc, journal }: State, { local, remote, state, inode }: InetSocket, holders: readonly number[]): void {
  const isListening = state === 'LISTEN';
  const end = isListening ? local : remote;
  const pid =
    inode === '0' ? undefined : holders.slice(0, MAX_HOLDERS).find((one) => inodesOf(proc, String(one)).has(inode));
  const detail = { state, local: `${local.address}:${local.port}` };
  journal.put(isListening ? 'listen' : 'connect', addressOf(end), { pid: pid ?? 0, detail });
}

function addressOf({ address, port }: InetSocket['remote']): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function inodesOf(proc: string, pid: string): ReadonlySet<string> {
  try {
    const numbers = readdirSync(`${proc}/${pid}/fd`).slice(0, MAX_DESCRIPTORS);
    const links = numbers.map((number) => linkOf(`${proc}/${pid}/fd/${number}`) ?? '');
    return new Set(links.filter((link) => link.startsWith('socket:')).map((link) => linkInode(link) ?? ''));
  } catch {
    return new Set();
  }
}
