/**
 * Names to addresses for requests that nobody waits for. Node's own look-up runs in a thread and keeps the event loop
 * alive until the resolver of the system gives up (5 s and more: resolv.conf(5)); a callback handler's empty event loop
 * would wait for it. So names are asked of the DNS directly, for half a second at most, and what was learned is
 * remembered.
 */
import type { LookupFunction } from 'node:net';
import { AmberError } from '../errors.ts';
import type { Background } from './exchange.ts';

/**
 * A connection that is being made keeps the event loop alive, and nothing can change that: so it does for a short time.
 */
const CONNECT_MS = 300;
/** While an event loop is waited for to become empty: what a connection takes within a region, with room. */
const QUIET_CONNECT_MS = 100;
const RESOLVE_MS = 500;
/** Addresses are asked for again after this; the old ones serve where nothing may be asked. */
const FRESH_MS = 60_000;
const MAX = 8;

export interface BackgroundNames extends Background {
  /** True: no name is asked for, and a connection is given up early. */
  quiet: boolean;
}

interface Remembered {
  addresses: readonly string[];
  atMs: number;
  /** The next one to give: a host that does not answer is not asked twice in a row. */
  next: number;
}

/** @param resolve - how names are asked for; replaced in tests */
export function backgroundNames(resolve: (hostname: string) => Promise<readonly string[]> = askDns): BackgroundNames {
  const known = new Map<string, Remembered>();
  const names: BackgroundNames = {
    quiet: false,
    connectMs: () => (names.quiet ? QUIET_CONNECT_MS : CONNECT_MS),
    lookup: (hostname, options, callback) => {
      const found = known.get(hostname);
      if (found !== undefined && (names.quiet || Date.now() - found.atMs < FRESH_MS)) {
        give(found, { all: options.all === true }, callback);
        return;
      }
      if (names.quiet) {
        callback(unresolved('no address is known yet, and none may be asked for now'), '', 4);
        return;
      }
      resolve(hostname).then(
        (addresses) => {
          const fresh: Remembered = { addresses: addresses.slice(0, MAX), atMs: Date.now(), next: 0 };
          known.set(hostname, fresh);
          give(fresh, { all: options.all === true }, callback);
        },
        (error: unknown) => callback(error instanceof Error ? error : unresolved('no address'), '', 4),
      );
    },
  };
  return names;
}

type LookupCallback = Parameters<LookupFunction>[2];

function give(found: Remembered, { all }: { readonly all: boolean }, callback: LookupCallback): void {
  const address = found.addresses[found.next % found.addresses.length] ?? '';
  found.next += 1;
  const family = address.includes(':') ? 6 : 4;
  // One address, also where all are asked for: several would be tried side by side, with timers that keep the loop
  // alive.
  queueMicrotask(() => (all ? callback(null, [{ address, family }]) : callback(null, address, family)));
}

async function askDns(hostname: string): Promise<readonly string[]> {
  const dns = process.getBuiltinModule('node:dns').promises;
  // RFC 6761 section 6.3: the name of this machine is not asked of a server.
  if (hostname === 'localhost' || hostname.endsWith('.localhost')) return ['127.0.0.1'];
  const resolver = new dns.Resolver({ timeout: RESOLVE_MS, tries: 1 });
  try {
    return await resolver.resolve4(hostname);
  } catch (error) {
    return await resolver.resolve6(hostname).catch(() => {
      throw error;
    });
  }
}

function unresolved(message: string): AmberError {
  return new AmberError('DESTINATION_UNAVAILABLE', message, { details: { fault: 'NotResolved' } });
}
