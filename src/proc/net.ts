/**
 * /proc/net/tcp, tcp6, udp, udp6 (and raw, udplite, icmp, which look the same). Source: proc_net_tcp(5),
 * net/ipv4/tcp_ipv4.c.
 */
import { latin1 } from './bytes.ts';

export interface Endpoint {
  /** `127.0.0.1`, `2001:db8::1` (RFC 5952), `::ffff:10.0.0.1`. */
  readonly address: string;
  readonly port: number;
}

export interface InetSocket {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly state: string;
  readonly uid: number;
  /** 0 for sockets that no descriptor holds any more (TIME_WAIT, some of FIN_WAIT2). */
  readonly inode: string;
  /** Bytes waiting. For a listening TCP socket: backlog limit and connections waiting to be accepted. */
  readonly sendQueue: number;
  readonly receiveQueue: number;
}

// include/net/tcp_states.h
const STATES = [
  'UNKNOWN',
  'ESTABLISHED',
  'SYN_SENT',
  'SYN_RECV',
  'FIN_WAIT1',
  'FIN_WAIT2',
  'TIME_WAIT',
  'CLOSE',
  'CLOSE_WAIT',
  'LAST_ACK',
  'LISTEN',
  'CLOSING',
  'NEW_SYN_RECV',
  'BOUND_INACTIVE',
] as const;

const ROW = new RegExp(
  '^ *\\d+: ([0-9A-F]+):([0-9A-F]{4}) ([0-9A-F]+):([0-9A-F]{4}) ([0-9A-F]{2}) ([0-9A-F]+):([0-9A-F]+) ' +
    '[0-9A-F]+:[0-9A-F]+ [0-9A-F]+ +(\\d+) +-?\\d+ (\\d+)',
  'u',
);

/**
 * Every socket of a table. `protocol` decides the words: an unconnected UDP socket has the kernel's state CLOSE, which
 * ss(8) and this parser call UNCONN. The heading and lines of another form give no row.
 */
export function parseInet(body: Uint8Array, protocol: string): InetSocket[] {
  return [...inetSockets(body, protocol)];
}

/** The same row by row, for tables that would hold the main thread for long. */
export function* inetSockets(body: Uint8Array, protocol: string): Generator<InetSocket> {
  const stream = protocol.startsWith('tcp');
  for (const line of latin1(body).split('\n')) {
    const match = ROW.exec(line);
    if (match === null) continue;
    const [
      ,
      local = '',
      localPort = '',
      remote = '',
      remotePort = '',
      state = '',
      tx = '',
      rx = '',
      uid = '',
      inode = '',
    ] = match;
    yield {
      local: { address: formatAddress(local), port: Number.parseInt(localPort, 16) },
      remote: { address: formatAddress(remote), port: Number.parseInt(remotePort, 16) },
      state: stateName(Number.parseInt(state, 16), { stream }),
      uid: Number(uid),
      inode,
      sendQueue: Number.parseInt(tx, 16),
      receiveQueue: Number.parseInt(rx, 16),
    };
  }
}

function stateName(state: number, { stream }: { readonly stream: boolean }): string {
  if (!stream && state === 7) return 'UNCONN';
  return STATES[state] ?? `UNKNOWN(${state})`;
}

/** The kernel prints addresses as 32-bit words in host order, which is little-endian on x86-64 and arm64. */
function formatAddress(hex: string): string {
  const bytes: number[] = [];
  for (let word = 0; word < hex.length; word += 8) {
    for (let at = 6; at >= 0; at -= 2) bytes.push(Number.parseInt(hex.slice(word + at, word + at + 2), 16));
  }
  return bytes.length === 4 ? bytes.join('.') : formatV6(bytes);
}

function formatV6(bytes: readonly number[]): string {
  const groups: number[] = [];
  for (let at = 0; at < 16; at += 2) groups.push(((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0));
  const mapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (mapped) return `::ffff:${bytes.slice(12).join('.')}`;
  const [start, length] = longestZeros(groups);
  const text = (from: number, to: number): string =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(':');
  return length < 2 ? text(0, 8) : `${text(0, start)}::${text(start + length, 8)}`;
}

/** RFC 5952 section 4.2: the first of the longest runs of zero groups is shortened. */
function longestZeros(groups: readonly number[]): readonly [start: number, length: number] {
  let best: readonly [number, number] = [0, 0];
  let start = 0;
  groups.forEach((group, index) => {
    if (group !== 0) start = index + 1;
    else if (index + 1 - start > best[1]) best = [start, index + 1 - start];
  });
  return best;
}
