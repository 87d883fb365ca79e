/** /proc/net/unix. Source: proc_net_unix(5), `unix_seq_show` in net/unix/af_unix.c. */
import type { BytePath } from '../contracts/evidence.ts';
import { latin1 } from './bytes.ts';

export interface UnixSocket {
  readonly type: 'stream' | 'dgram' | 'seqpacket' | 'unknown';
  readonly state: 'LISTEN' | 'CONNECTED' | 'CONNECTING' | 'DISCONNECTING' | 'UNCONNECTED' | 'FREE';
  readonly inode: string;
  /**
   * File it is bound to, or `@name` for an abstract one (the kernel prints every NUL of that as `@`); empty if unbound.
   */
  readonly path: BytePath;
}

const TYPES: Readonly<Record<string, UnixSocket['type']>> = { '0001': 'stream', '0002': 'dgram', '0005': 'seqpacket' };
// include/uapi/linux/net.h: enum socket_state. A listening socket has __SO_ACCEPTCON (1 << 16) among its flags.
const STATES = ['FREE', 'UNCONNECTED', 'CONNECTING', 'CONNECTED', 'DISCONNECTING'] as const;
const ACCEPTS = 0x10000;

const ROW = /^[^\s:]+: [0-9A-F]{8} [0-9A-F]{8} ([0-9A-F]{8}) ([0-9A-F]{4}) ([0-9A-F]{2}) +(\d+)(?: (.*))?$/su;

/**
 * Every unix socket. The kernel prints names raw, newlines included: a line that is no row belongs to the name before
 * it. A name can therefore also contain something that looks like a row. Nothing in the file tells such a one apart,
 * but no descriptor has its inode.
 */
export function parseUnix(body: Uint8Array): UnixSocket[] {
  return [...unixSockets(body)];
}

/** The same row by row, for tables that would hold the main thread for long. */
export function* unixSockets(body: Uint8Array): Generator<UnixSocket> {
  const lines = latin1(body).split('\n');
  if (lines.at(-1) === '') lines.pop();
  let last: { -readonly [K in keyof UnixSocket]: UnixSocket[K] } | undefined;
  for (const line of lines.slice(1)) {
    const match = ROW.exec(line);
    if (match === null) {
      if (last !== undefined) last.path += `\n${line}`;
      continue;
    }
    if (last !== undefined) yield last;
    const [, flags = '', type = '', state = '', inode = '', path = ''] = match;
    const listens = (Number.parseInt(flags, 16) & ACCEPTS) !== 0;
    last = {
      type: TYPES[type] ?? 'unknown',
      state: listens ? 'LISTEN' : (STATES[Number.parseInt(state, 16)] ?? 'FREE'),
      inode,
      path,
    };
  }
  if (last !== undefined) yield last;
}
