/** Connections of the runtime of which the black box knows nothing: no hook reaches into threads and native code. */
import type { Observation, ObservedSocket } from '../contracts/evidence.ts';

const DNS_PORTS: ReadonlySet<number> = new Set([53, 853]);

/**
 * Sockets that the black box would have told of, had the main thread opened them. None while no thread was started:
 * what was opened before the recorder was armed has gone unheard as well.
 */
export function unheard({ by, processes, sockets, self, heard }: Observation): readonly ObservedSocket[] {
  if (by !== 'process' || heard === undefined || heard.workers.length === 0) return [];
  const held = new Set(processes.filter(({ pid }) => pid !== self).flatMap((one) => one.sockets));
  return sockets.filter(
    (socket) =>
      socket.state === 'ESTABLISHED' &&
      socket.pids.includes(self) &&
      !held.has(socket.inode) &&
      !DNS_PORTS.has(socket.remotePort) &&
      !heard.addresses.has(addressOf(socket)),
  );
}

/** As a `connect` event has it. */
export function addressOf({ remoteAddress, remotePort }: ObservedSocket): string {
  const host = remoteAddress.replace(/^::ffff:(?=[\d.]+$)/u, '');
  return `${host.includes(':') ? `[${host}]` : host}:${String(remotePort)}`;
}
