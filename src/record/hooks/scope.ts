/** How hooks are put in: by channels of node:diagnostics_channel, and in front of functions of Node's bindings. */
import type { Before, HookScope } from './hook.ts';

type Holder = Record<string, unknown>;
type Call = (this: unknown, ...args: unknown[]) => unknown;

const { apply } = Reflect;
const { subscribe } = process.getBuiltinModule('node:diagnostics_channel');

/** What was put in: whether it still stands there is asked in turns. */
export interface Standing {
  readonly name: string;
  readonly isThere: () => boolean;
}

export interface OpenedScope {
  readonly scope: HookScope;
  readonly standing: readonly Standing[];
  readonly afterInit: readonly (() => void)[];
}

/** Why bindings are left alone; undefined where they may be used. */
export function bindingsBarred(env: HookScope['env']): string | undefined {
  if ((process as { permission?: unknown }).permission !== undefined) return '--permission';
  const flags = [...process.execArgv, env['NODE_OPTIONS'] ?? ''].join(' ');
  const warns = flags.includes('--pending-deprecation') || env['NODE_PENDING_DEPRECATION'] === '1';
  return warns ? '--pending-deprecation' : undefined;
}

export function openScope({ recorder, whole, env }: Pick<HookScope, 'recorder' | 'whole' | 'env'>): OpenedScope {
  const standing: Standing[] = [];
  const afterInit: (() => void)[] = [];
  const barred = bindingsBarred(env);
  if (barred !== undefined) recorder.put('away', 'bindings', { detail: { why: barred } });
  const scope: HookScope = {
    recorder,
    whole,
    env,
    afterInit: (run) => void afterInit.push(run),
    subscribe: (name, listener) => {
      const own = (message: unknown): void => {
        try {
          listener(message);
        } catch {
          // What a message holds is the function's: it may throw when it is read.
        }
      };
      subscribe(name, own);
      standing.push({ name, isThere: () => isListed(name, own) });
    },
    before: (binding, path, told) => {
      if (barred === undefined) standing.push(putBefore(binding, path, told));
    },
  };
  return { scope, standing, afterInit };
}

/** `_subscribers` is what somebody empties who wants to be unheard (lib/diagnostics_channel.js). */
function isListed(name: string, own: unknown): boolean {
  const { channel } = process.getBuiltinModule('node:diagnostics_channel');
  const listed = (channel(name) as { _subscribers?: unknown })._subscribers;
  return !Array.isArray(listed) || listed.includes(own);
}

function bindingOf(name: string): Holder {
  // The one way to what stands behind the public functions, which stay as they are.
  return (process as unknown as { binding: (name: string) => Holder }).binding(name);
}

function putBefore(binding: string, path: string, told: Before): Standing {
  const steps = path.split('.');
  const key = steps.pop() ?? '';
  let holder = bindingOf(binding);
  for (const step of steps) holder = holder[step] as Holder;
  const real = holder[key];
  if (typeof real !== 'function') throw new TypeError('absent');
  const own = standIn(real as Call, told);
  Object.defineProperty(own, 'name', { value: real.name });
  holder[key] = own;
  return { name: `${binding}.${path}`, isThere: () => holder[key] === own };
}

function standIn(real: Call, told: Before): Call {
  return function before(this: unknown, ...args: unknown[]): unknown {
    let after: (() => void) | undefined;
    try {
      after = told(args, this);
    } catch {
      // The call is the function's, and comes first.
    }
    const result = apply(real, this, args);
    try {
      after?.();
    } catch {
      // as above
    }
    return result;
  };
}
