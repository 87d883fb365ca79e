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
const TABLES = ['tcp', 'tcp6', 'udp', 'udp6'] as const;
/** Connections that are known, and descriptors of one process that are looked through for a new one. */
const MAX_KNOWN = 2048;
const MAX_DESCRIPTORS = 256;
const MAX_HOLDERS = 8;
/** An estimate of one reading of the tables, milliseconds. */
const READING_MS = 0.5;

export interface Connections {
  /** Reads the tables where the counts have moved. Gives what that takes of the CPU, milliseconds. */
  readonly look: (holders: readonly number[]) => number;
  readonly close: () => void;
}

interface State {
  readonly proc: string;
  readonly journal: Journal;
  /** The Runtime API, `127.0.0.1:9001`: each client of it is connected there. */
  readonly api: string;
  counts: string;
  known: Set<string>;
  isFirst: boolean;
  isReading: boolean;
  isClosed: boolean;
}

export function followConnections(journal: Journal, api: string, proc: string = '/proc'): Connections {
  const fresh = { known: new Set<string>(), isFirst: true, isReading: false, isClosed: false };
  const state: State = { proc, journal, api, counts: '', ...fresh };
  return {
    look: (holders) => {
      const counts = ['sockstat', 'sockstat6'].map((name) => textOf(`${proc}/net/${name}`)).join('');
      if (counts === state.counts || state.isReading) return 0;
      state.counts = counts;
      state.isReading = true;
      void readTables(state, holders);
      return READING_MS;
    },
    close: () => {
      state.isClosed = true;
    },
  };
}

/** Without the memory of queues, which moves with every packet. */
function textOf(path: string): string {
  const read = readNow(path, COUNTS, { left: COUNTS.cap });
  return read.ok ? latin1(read.body).replace(/mem \d+/gu, '') : '';
}

/** Never rejects. */
async function readTables(state: State, holders: readonly number[]): Promise<void> {
  try {
    const found: InetSocket[] = [];
    for (const name of TABLES) {
      const read = await readAside(`${state.proc}/net/${name}`, TABLE, { left: TABLE.cap });
      if (read.ok) found.push(...parseInet(read.body, name));
    }
    if (!state.isClosed) take(state, found, holders);
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
