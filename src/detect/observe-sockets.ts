/**
 * The internet sockets of a sandbox with the processes that hold them. Reading /proc/net/tcp walks the kernel's whole
 * hash table (1.6 ms and more on large machines), so it is read only when the sockets have changed.
 */
import type { ObservedSocket } from '../contracts/evidence.ts';
import { latin1 } from '../proc/bytes.ts';
import { inetSockets } from '../proc/net.ts';
import { readAside, readNow, type Allowance, type ReadRule } from '../proc/read.ts';
import type { Unplaced } from './observe-processes.ts';
import { many } from '../many.ts';

interface Beyond {
  /** Sockets. */
  readonly count: number;
  /** True if the table itself was longer than what was read of it. */
  readonly isCut: boolean;
}

export interface SocketsSeen {
  /** What they were when they were last read. */
  readonly key: string;
  readonly sockets: readonly ObservedSocket[];
  /** By table, what found no room; kept for looks at which it is not read again. */
  readonly beyond: ReadonlyMap<string, Beyond>;
  readonly left: readonly string[];
}

const SMALL: ReadRule = { cap: 16 * 1024, whole: true };
const TABLE: ReadRule = { cap: 1024 * 1024, whole: false };
const MAX_SOCKETS = 2048;

/**
 * What is in use of each table, from sockstat: `proc_net(5)`. A socket counts from the moment that it has an address.
 */
const IN_USE = [
  ['sockstat', 'TCP', 'tcp'],
  ['sockstat', 'UDP', 'udp'],
  ['sockstat6', 'TCP6', 'tcp6'],
  ['sockstat6', 'UDP6', 'udp6'],
] as const;

/** Reads the tables, or gives what `before` has where nothing has moved. Never rejects. */
export async function observeSockets(
  root: string,
  processes: readonly Unplaced[],
  before: SocketsSeen | undefined,
): Promise<SocketsSeen> {
  const allowance: Allowance = { left: 4 * 1024 * 1024 };
  const owners = ownersOf(processes);
  const used = usedTables(`${root}/self/net`, allowance);
  const counts = used.map(([name, count]) => `${name}=${String(count)}`);
  const key = `${[...owners.keys()].sort().join(',')}|${counts.join(',')}`;
  // A connected UDP socket looks no different in the counts: where there are some, the table is read again. It is
  // short.
  const moved = before?.key !== key;
  const wanted = used.filter(([name, count]) => count > 0 && (moved || name.startsWith('udp')));
  const kept = moved ? [] : before.sockets.filter(({ protocol }) => protocol.startsWith('tcp'));
  const beyond = new Map(moved ? [] : before.beyond);
  if (wanted.length === 0) return { key, sockets: withOwners(kept, owners), beyond, left: leftOf(beyond) };
  const left: string[] = [];
  const sockets = [...kept];
  for (const [name] of wanted) {
    const read = await readAside(`${root}/self/net/${name}`, TABLE, allowance);
    if (!read.ok) {
      if (read.outcome !== 'missing') left.push(`net/${name}: ${read.outcome} (${read.reason})`);
      continue;
    }
    let count = 0;
    for (const { local, remote, state, inode } of inetSockets(read.body, name)) {
      if (sockets.length >= MAX_SOCKETS) {
        count += 1;
        continue;
      }
      sockets.push({
        protocol: name,
        localAddress: local.address,
        localPort: local.port,
        remoteAddress: remote.address,
        remotePort: remote.port,
        state,
        inode,
        pids: [],
      });
    }
    beyond.set(name, { count, isCut: read.truncated });
  }
  return { key, sockets: withOwners(sockets, owners), beyond, left: [...left, ...leftOf(beyond)] };
}

function leftOf(beyond: ReadonlyMap<string, Beyond>): string[] {
  const count = [...beyond.values()].reduce((sum, one) => sum + one.count, 0);
  const cut = [...beyond]
    .filter(([, { isCut }]) => isCut)
    .map(([name]) => `net/${name}: only its first ${String(TABLE.cap)} bytes were read`);
  return [
    ...(count === 0
      ? []
      : [
          `${many(count, 'socket')} beyond the limit of ${String(MAX_SOCKETS)} ${count === 1 ? 'was' : 'were'} ` +
            `not looked at`,
        ]),
    ...cut,
  ];
}

function ownersOf(processes: readonly Unplaced[]): Map<string, number[]> {
  const owners = new Map<string, number[]>();
  for (const { pid, sockets } of processes) {
    for (const inode of sockets) {
      const others = owners.get(inode);
      if (others === undefined) owners.set(inode, [pid]);
      else if (!others.includes(pid)) others.push(pid);
    }
  }
  return owners;
}

function withOwners(
  sockets: readonly ObservedSocket[],
  owners: ReadonlyMap<string, readonly number[]>,
): ObservedSocket[] {
  return sockets.map((socket) => ({ ...socket, pids: owners.get(socket.inode) ?? [] }));
}

/** How many sockets each table has, 1 where the kernel does not say. */
function usedTables(dir: string, allowance: Allowance): [name: ObservedSocket['protocol'], count: number][] {
  const texts = new Map(
    ['sockstat', 'sockstat6'].map((file) => {
      const read = readNow(`${dir}/${file}`, SMALL, allowance);
      return [file, read.ok ? latin1(read.body) : undefined];
    }),
  );
  return IN_USE.map(([file, label, name]) => {
    const text = texts.get(file);
    const count = text === undefined ? 1 : Number(new RegExp(`^${label}: inuse (\\d+)`, 'mu').exec(text)?.[1] ?? 1);
    return [name, count];
  });
}
