/** Sockets with the processes that hold them. */
import type { Collector, JsonEntry, CollectorContext } from '../contracts/evidence.ts';
import { toText } from '../proc/bytes.ts';
import { inetSockets } from '../proc/net.ts';
import { unixSockets } from '../proc/unix.ts';
import type { NetTables, ProcessTable, SocketTables } from '../contracts/process-table.ts';

interface Owner {
  readonly pid: number;
  readonly fd: number;
  readonly comm: string;
}

type Owners = ReadonlyMap<string, readonly Owner[]>;

const INET = ['tcp', 'tcp6', 'udp', 'udp6', 'udplite', 'udplite6', 'raw', 'raw6'];

export const sockets: Collector = {
  name: 'sockets',
  description:
    'TCP, UDP, raw and unix sockets of every network namespace, with state, addresses and the processes that ' +
    'hold them.',
  tier: 'volatile',
  async *collect(context: CollectorContext): AsyncGenerator<JsonEntry> {
    const table = await context.processes();
    const { yieldIfDue } = context.budget;
    const owners = await ownersByInode(table, yieldIfDue);
    const seen = new Set<string>();
    const inet: unknown[] = [];
    const unix: unknown[] = [];
    const tables = await table.sockets;
    for (const net of tables.namespaces) {
      for (const protocol of INET) await gather(inet, inetRows(net, protocol, owners, seen), yieldIfDue);
      await gather(unix, unixRows(net, owners, seen), yieldIfDue);
    }
    yield {
      kind: 'json',
      path: 'live_response/sockets.json',
      source: `${context.roots.proc}/net`,
      method: 'procfs',
      value: {
        taken: new Date(table.takenMs).toISOString(),
        namespaces: namespacesOf(tables),
        inet,
        unix,
        elsewhere: elsewhere(owners, seen),
      },
    };
  },
};

/** Rows between two looks at the clock. */
const BATCH = 64;

async function gather(
  into: unknown[],
  rows: Iterable<unknown>,
  yieldIfDue: () => Promise<void> | undefined,
): Promise<void> {
  for (const row of rows) if (into.push(row) % BATCH === 0) await yieldIfDue();
  await yieldIfDue();
}

async function ownersByInode(
  table: ProcessTable,
  yieldIfDue: () => Promise<void> | undefined,
): Promise<Map<string, Owner[]>> {
  const owners = new Map<string, Owner[]>();
  for (const { pid, comm, descriptors } of table.processes) {
    await yieldIfDue();
    for (const { fd, inode, link } of descriptors) {
      if (inode === undefined || !link.target.startsWith('socket:')) continue;
      const owner = { pid, fd, comm: toText(comm) };
      const others = owners.get(inode);
      if (others === undefined) owners.set(inode, [owner]);
      else others.push(owner);
    }
  }
  return owners;
}

function* inetRows(net: NetTables, protocol: string, owners: Owners, seen: Set<string>): Generator {
  const read = net.files.get(protocol);
  if (read?.ok !== true) return;
  for (const socket of inetSockets(read.body, protocol)) {
    seen.add(socket.inode);
    yield { protocol, ...socket, ...ownersOf(socket.inode, owners), namespace: net.namespace };
  }
}

function* unixRows(net: NetTables, owners: Owners, seen: Set<string>): Generator {
  const read = net.files.get('unix');
  if (read?.ok !== true) return;
  for (const { path, ...socket } of unixSockets(read.body)) {
    seen.add(socket.inode);
    yield {
      protocol: 'unix',
      ...socket,
      path: toText(path),
      abstract: path.startsWith('@'),
      ...ownersOf(socket.inode, owners),
      namespace: net.namespace,
    };
  }
}

function ownersOf(inode: string, owners: Owners): { owners: readonly Owner[]; unowned?: string } {
  if (inode === '0') return { owners: [], unowned: 'the kernel alone still holds it' };
  const held = owners.get(inode);
  return held === undefined ? { owners: [], unowned: 'no process that could be read holds it' } : { owners: held };
}

/**
 * Sockets that processes hold and that stand in no table: other families (netlink, vsock), other namespaces, just
 * closed.
 */
function elsewhere(owners: Owners, seen: ReadonlySet<string>): unknown[] {
  return [...owners].filter(([inode]) => !seen.has(inode)).map(([inode, held]) => ({ inode, owners: held }));
}

function namespacesOf({ namespaces, unread }: SocketTables): unknown {
  return {
    read: namespaces.map(({ namespace, pid, files }) => ({
      namespace,
      through: pid,
      failures: failuresOf(files),
      truncated: truncatedOf(files),
    })),
    unread,
  };
}

function failuresOf(files: NetTables['files']): string[] {
  return [...files].flatMap(([name, read]) => (read.ok ? [] : [`${name}: ${read.outcome} (${read.reason})`]));
}

function truncatedOf(files: NetTables['files']): string[] {
  return [...files].flatMap(([name, read]) => (read.ok && read.truncated ? [name] : []));
}
