/**
 * Where hooks stand: channels of node:diagnostics_channel, and in front of functions of Node's bindings. All of it is
 * put in at init, since each of these may be used by code that comes next. What a hook makes of a call is loaded at the
 * first one: an idle function makes none.
 */
import { kept } from '../kept.ts';
import type { Before } from './hook.ts';

const { apply, subscribe } = kept;

type Holder = Record<string, unknown>;
type Call = (this: unknown, ...args: unknown[]) => unknown;

/** Channels that are heard from init on. */
const CHANNELS: readonly string[] = [
  'net.client.socket',
  'udp.socket',
  'http.client.request.created',
  'undici:request:create',
  'tracing:net.server.listen:asyncEnd',
  'worker_threads',
  'process.execve',
];

const QUERIES = ['A', 'Aaaa', 'Any', 'Cname', 'Mx', 'Ns', 'Ptr', 'Soa', 'Srv', 'Txt'];

/** Functions by their binding, and by the object in it that holds them; '' is the binding itself. */
const FUNCTIONS: readonly (readonly [binding: string, holder: string, keys: readonly string[]])[] = [
  ['spawn_sync', '', ['spawn']],
  ['process_wrap', 'Process', ['spawn']],
  ['tcp_wrap', 'TCP', ['connect', 'connect6']],
  ['pipe_wrap', 'Pipe', ['connect']],
  ['cares_wrap', '', ['getaddrinfo']],
  ['cares_wrap', 'ChannelWrap', QUERIES.map((type) => `query${type}`)],
  ['contextify', 'ContextifyScript', ['runInContext']],
];

/** A channel that is heard. */
export interface Heard {
  readonly name: string;
  readonly own: (message: unknown) => void;
  listener: ((message: unknown) => void) | undefined;
}

/** A function that has another in front of it. */
export interface Fronted {
  /** As a hook names it: `tcp_wrap.TCP.prototype.connect`. */
  readonly name: string;
  readonly holder: Holder;
  readonly key: string;
  readonly own: unknown;
  told: Before | undefined;
}

export interface Places {
  readonly heard: Heard[];
  readonly fronted: Fronted[];
  /** Not heard yet. */
  /** Why bindings are left alone. */
  readonly barred: string | undefined;
  /** A function that should be there is not. */
  hasFailed: boolean;
}

/** Why bindings are left alone; undefined where they may be used. */
export function bindingsBarred(env: Readonly<Record<string, string | undefined>>): string | undefined {
  if ((process as { permission?: unknown }).permission !== undefined) return '--permission';
  const { NODE_OPTIONS: options = '', NODE_PENDING_DEPRECATION: warning } = env;
  const warns = warning === '1' || `${process.execArgv.join(' ')} ${options}`.includes('--pending-deprecation');
  return warns ? '--pending-deprecation' : undefined;
}

/** @param load - gives every place what its hook makes of it */
export function takePlaces(barred: string | undefined, load: () => void): Places {
  const places: Places = { heard: [], fronted: [], barred, hasFailed: false };
  for (const name of CHANNELS) places.heard.push(hear(name, load));
  if (barred !== undefined) return places;
  for (const [binding, path, keys] of FUNCTIONS) {
    try {
      const found = bindingOf(binding);
      const holder = path === '' ? found : (found[path] as { prototype: Holder }).prototype;
      const name = path === '' ? binding : `${binding}.${path}.prototype`;
      for (const key of keys) places.fronted.push(putBefore(`${name}.${key}`, holder, key, load));
    } catch {
      places.hasFailed = true;
    }
  }
  return places;
}

export function hear(name: string, load: () => void): Heard {
  const one = heardBy(name, load);
  subscribe(name, one.own);
  return one;
}

function heardBy(name: string, load: () => void): Heard {
  const one: Heard = {
    name,
    listener: undefined,
    own: (message) => {
      try {
        if (one.listener === undefined) load();
        one.listener?.(message);
      } catch {
        // What a message holds is the function's: it may throw when it is read.
      }
    },
  };
  return one;
}

export function bindingOf(name: string): Holder {
  // The one way to what stands behind the public functions, which stay as they are.
  return (process as unknown as { binding: (name: string) => Holder }).binding(name);
}

export function putBefore(name: string, holder: Holder, key: string, load: () => void): Fronted {
  const real = holder[key];
  if (typeof real !== 'function') throw new TypeError('absent');
  const own = function before(this: unknown, ...args: unknown[]): unknown {
    let after: (() => void) | undefined;
    try {
      if (one.told === undefined) load();
      after = one.told?.(args, this);
    } catch {
      // The call is the function's, and comes first.
    }
    const result = apply(real as Call, this, args);
    try {
      after?.();
    } catch {
      // as above
    }
    return result;
  };
  Object.defineProperty(own, 'name', { value: real.name });
  const one: Fronted = { name, holder, key, own, told: undefined };
  holder[key] = own;
  return one;
}
