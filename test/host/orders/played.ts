/** A control that the test plays, beside a wrapped handler. */
import type { OrderedCapture } from '../../../src/contracts/evidence.ts';
import type { Control, HowToCheck } from '../../../src/host/orders/control.ts';
import { resolveConfig } from '../../../src/config/config.ts';
import { sleep, testEnvironment, wrap, type TestEnvironment } from '../environment.ts';
import { newOrder } from './orders.ts';
import type { Engine } from '../../../src/host/environment.ts';

export const ENV = {
  AMBER_DESTINATION: 'file:///tmp/amber-not-there',
  AMBER_CONTROL: 's3://control/orders.json',
  AMBER_CONTROL_TTL_MS: '0',
  AMBER_COOLDOWN_MS: '0',
  AMBER_DETECT: 'off',
};
const CONFIG = resolveConfig({}, ENV);

interface Played {
  readonly environment: TestEnvironment;
  /** Milliseconds that a read takes. */
  takesMs: number;
  /** What a read brings when it ends. */
  brings: OrderedCapture | undefined;
  fails: boolean;
  stopped: boolean;
  readonly reads: HowToCheck[];
  /** Reads that have ended. */
  ended: number;
  readonly took: string[];
  drops: number;
}

export function play(env: Record<string, string> = {}, more: { takesMs?: number } = {}, engine?: Engine): Played {
  let held: OrderedCapture | undefined;
  let last: 'good' | 'failed' | undefined;
  let nextMs = 0;
  const control: Control = {
    check: async (_budget, _facts, how = {}) => {
      played.reads.push(how);
      nextMs = Date.now() + Number({ ...ENV, ...env }.AMBER_CONTROL_TTL_MS);
      const called = new Promise((resolve) =>
        how.signal?.addEventListener('abort', () => resolve('off'), { once: true }),
      );
      const end = await Promise.race([pause(played.takesMs), called]);
      played.ended += 1;
      if (end === 'off') return undefined;
      last = played.fails ? 'failed' : 'good';
      if (!played.fails) held = played.brings;
      return held;
    },
    nextMs: () => nextMs,
    isPending: () => held !== undefined,
    due: () => held,
    stopped: () => played.stopped,
    lastRead: () => last,
    markConsumed: ({ cause }) => {
      played.took.push(cause.order?.id ?? '');
      held = undefined;
      played.brings = undefined;
    },
    dropConnections: () => (played.drops += 1),
    close: () => undefined,
  };
  const environment = { ...testEnvironment({ ...ENV, ...env }, 0, engine), control: () => Promise.resolve(control) };
  const played: Played = {
    environment,
    takesMs: more.takesMs ?? 0,
    brings: undefined,
    fails: false,
    stopped: false,
    reads: [],
    ended: 0,
    took: [],
    drops: 0,
  };
  return played;
}

/** Waits until what was begun is over: on a loaded machine a timer of 5 ms comes before a read of none has ended. */
export async function settled(at: Played): Promise<void> {
  do await sleep(5);
  while (at.ended < at.reads.length);
}

/** Keeps no process alive. */
const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms).unref());

export const ordered = (signedBy?: string): OrderedCapture => {
  const { id, issued, expires } = newOrder();
  return {
    config: CONFIG,
    cause: {
      trigger: 'control',
      reason: 'r',
      order: {
        id,
        issued,
        expires,
        channel: 'c',
        sha256: '',
        overrides: [],
        ...(signedBy === undefined ? {} : { signedBy }),
      },
    },
  };
};

export const handlerOf = (at: Played, ms = 0): ((event?: unknown, context?: unknown) => Promise<unknown>) =>
  wrap(at.environment, async () => {
    if (ms > 0) await sleep(ms);
    return 'answer';
  });
