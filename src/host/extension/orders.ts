/**
 * Why the extension captures while an invocation runs or has just ended: orders of responders, and what detectors find.
 */
import type { Cause, Finding, Config } from '../../contracts/evidence.ts';
import { describeError, isAmberError } from '../../errors.ts';
import { anomaly } from '../../trigger/anomaly.ts';
import { startCapture } from './capture.ts';
import { currentFacts, type ExtensionState } from './state.ts';
import { learnStream } from './stream.ts';

/** Longest time of one read of the control object; the handler runs meanwhile. */
const CHECK_MS = 150;
const LAST_CHECK_MS = 250;
/** What is left to the platform when a capture must end before the invocation's deadline. */
const LEAST_MS = 300;
const MAX_OPEN = 50;

/** Opens the channel of orders where one is configured. Never rejects. */
export async function openOrders(state: ExtensionState): Promise<void> {
  if (state.config.control === undefined) return;
  try {
    state.control = await state.environment.control(state.config);
  } catch (error) {
    state.environment.log('fault', { where: 'control', error: describeError(error) });
  }
}

/** Reads orders under the TTL, and carries out the one that is due. Never rejects. */
export async function executePendingOrder(state: ExtensionState): Promise<void> {
  const { control, environment } = state;
  if (control !== undefined) await learnStream(environment.env);
  const ordered = await control?.check(CHECK_MS, currentFacts(state));
  if (control === undefined || ordered === undefined) return;
  if (await capture(state, ordered.cause, { ...ordered.config, s3Transport: 'light' })) control.markConsumed(ordered);
}

/** The last look at the channel: an order that waits here makes the end of the sandbox its capture. Never rejects. */
export async function lastOrder(state: ExtensionState): Promise<void> {
  const ordered = await state.control?.check(LAST_CHECK_MS, currentFacts(state), { last: true });
  if (ordered !== undefined) state.captures.open.add(`order ${ordered.cause.order?.id ?? ''}: ${ordered.cause.reason}`);
}

/** Captures if what was found reaches the level of the policy; what no capture has answered is open at the end. */
export async function handleFindings(state: ExtensionState, fresh: readonly Finding[]): Promise<void> {
  if (fresh.length === 0) return;
  for (const { detector, severity } of fresh) {
    if ((severity === 'high' || severity === 'critical') && state.captures.open.size < MAX_OPEN)
      state.captures.open.add(`${detector} (${severity})`);
  }
  const moment = { at: 'found', invocation: state.invocation?.number ?? 0, findings: fresh } as const;
  const cause = anomaly.moments(state.config).length === 0 ? undefined : anomaly.fires(moment, state.config);
  if (cause !== undefined && (await capture(state, cause, state.config))) state.captures.open.clear();
}

/** Its own limit, or what the invocation leaves: also when it has been answered, the platform keeps to its deadline. */
export function hardStopOf({ invocation }: ExtensionState, config: Config): number {
  return Math.min(
    Date.now() + config.maxMs,
    (invocation?.event.deadlineMs ?? Infinity) - Math.max(LEAST_MS, config.marginMs),
  );
}

/**
 * True if a capture has begun and was stored whole: the poll waits for it, so that the sandbox is not frozen in its
 * middle.
 */
async function capture(state: ExtensionState, cause: Cause, config: Config): Promise<boolean> {
  const start = startCapture(state, { cause, config, hardStopMs: hardStopOf(state, config) });
  if (isAmberError(start)) {
    state.limiter.logRefusal(cause, start);
    return false;
  }
  const report = await start.ended;
  return report?.state === 'whole';
}
