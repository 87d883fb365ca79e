/**
 * Orders in events: judged beside the handler, within bounds that a flood of them cannot pass. Loaded at the first one.
 */
import type { InvocationFacts, OrderedCapture } from '../../contracts/evidence.ts';
import { readIdentity } from '../../lambda/identity.ts';
import { EVENT_FIELD, MAX_TOKEN_LENGTH } from '../../trigger/event.ts';
import { judgeOrder, misses, type Refused } from '../../trigger/order-judge.ts';
import type { HostSetup } from '../wrapper/setup.ts';
import { firstTime, shared, type SandboxState } from '../limits/state.ts';
import type { HostEnvironment } from '../environment.ts';

/** An order in an event lives an hour at most: a reader on its way must not keep it for later. */
const MAX_LIFE_MS = 3_600_000;
/** A signature takes 0.1 to 0.2 ms of a core to check. */
const MAX_A_SECOND = 20;

interface Seen {
  /** Ids that were carried out; one a capture. */
  readonly taken: Set<string>;
  second: number;
  inSecond: number;
}

const kept = shared<Seen>('event-orders');

function seenIn(state: SandboxState): Seen {
  const seen = kept.get(state) ?? { taken: new Set(), second: 0, inSecond: 0 };
  kept.set(state, seen);
  return seen;
}

/** Who judges: the function's process, or the extension when the order is handed to it. */
export interface Judge extends Pick<HostSetup, 'config' | 'state'> {
  readonly environment: Pick<HostEnvironment, 'env' | 'log'>;
}

/** What the event asks for, or undefined: then one log line for each kind of refusal says why. Never throws. */
export function judgeEvent(setup: Judge, token: string, facts: InvocationFacts): OrderedCapture | undefined {
  const { config, state, environment } = setup;
  const seen = seenIn(state);
  const nowMs = Date.now();
  if (!mayLook(seen, nowMs))
    return refuse(setup, {
      kind: 'refused',
      why: 'flood',
      reason: `more than ${String(MAX_A_SECOND)} events a second carry one`,
    });
  if (token.length > MAX_TOKEN_LENGTH)
    return refuse(setup, {
      kind: 'refused',
      why: 'too-long',
      reason: `it is longer than ${String(MAX_TOKEN_LENGTH)} characters`,
    });
  const verdict = judgeOrder(Buffer.from(token, 'base64url'), {
    config,
    channel: EVENT_FIELD,
    trigger: 'event',
    nowMs,
    maxLifeMs: MAX_LIFE_MS,
    needsSignature: true,
  });
  if (verdict.kind === 'idle') return undefined;
  if (verdict.kind === 'refused') return refuse(setup, verdict);
  if (verdict.order.state === 'stop')
    return refuse(setup, {
      kind: 'refused',
      why: 'out-of-scope',
      reason: 'stop is said in the control object, where it reaches every sandbox',
    });
  const { functionName, functionVersion, functionArn, logStream, tenantId } = readIdentity(environment.env, facts);
  const missed = misses(
    verdict,
    { functionName, functionVersion, functionArn, logStream, tenantId },
    seen.taken,
    nowMs,
  );
  if (missed !== undefined) return refuse(setup, { kind: 'refused', ...missed });
  return { cause: verdict.cause, config: verdict.config };
}

/** Its capture has begun: the id is spent in this sandbox. */
export function markEventConsumed({ state }: Pick<Judge, 'state'>, { cause }: OrderedCapture): void {
  if (cause.order !== undefined) seenIn(state).taken.add(cause.order.id);
}

function mayLook(seen: Seen, nowMs: number): boolean {
  const second = Math.floor(nowMs / 1000);
  if (second !== seen.second) Object.assign(seen, { second, inSecond: 0 });
  seen.inSecond += 1;
  return seen.inSecond <= MAX_A_SECOND;
}

/** A caller of the function writes these: one line for each kind, and nothing of the event in it. */
function refuse({ state, environment }: Judge, { why, reason }: Refused): OrderedCapture | undefined {
  if (firstTime(state, `event:${why}`))
    environment.log('refused', {
      trigger: 'event',
      limit: why,
      code: 'ORDER_REFUSED',
      error: `the order is refused: ${reason}`,
    });
  return undefined;
}
