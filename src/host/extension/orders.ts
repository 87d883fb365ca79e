/** Why the extension captures while an invocation runs or has just ended: orders of responders, and what detectors find. */
import type { Config } from '../../config/config.ts';
import type { Cause, Finding } from '../../contracts/evidence.ts';
import { describeError, isAmberError } from '../../errors.ts';
import { anomaly } from '../../trigger/anomaly.ts';
import { logRefusal, startCapture } from './capture.ts';
import { turnFacts, type Duty } from './state.ts';
import { learnStream } from './stream.ts';

/** Longest time of one read of the control object; the handler runs meanwhile. */
const CHECK_MS = 150;
const LAST_CHECK_MS = 250;
/** What is left to the platform when a capture must end before the invocation's deadline. */
const LEAST_MS = 300;
const MOST_OPEN = 50;

/** Opens the channel of orders where one is configured. Never rejects. */
export async function openOrders(duty: Duty): Promise<void> {
  if (duty.config.control === undefined) return;
  try {
    duty.control = await duty.ground.control(duty.config);
  } catch (error) {
    duty.ground.log('fault', { where: 'control', error: describeError(error) });
  }
}

/** Reads orders under the TTL, and carries out the one that is due. Never rejects. */
export async function obey(duty: Duty): Promise<void> {
  const { control, ground } = duty;
  if (control !== undefined) await learnStream(ground.env);
  const ordered = await control?.check(CHECK_MS, turnFacts(duty));
  if (control === undefined || ordered === undefined) return;
  if (await capture(duty, ordered.cause, { ...ordered.config, s3Transport: 'light' })) control.took(ordered);
}

/** The last look at the channel: an order that waits here makes the end of the sandbox its capture. Never rejects. */
export async function lastOrder(duty: Duty): Promise<void> {
  const ordered = await duty.control?.check(LAST_CHECK_MS, turnFacts(duty), { last: true });
  if (ordered !== undefined) duty.open.add(`order ${ordered.cause.order?.id ?? ''}: ${ordered.cause.reason}`);
}

/** Captures if what was found reaches the level of the policy; what no capture has answered is open at the end. */
export async function found(duty: Duty, fresh: readonly Finding[]): Promise<void> {
  if (fresh.length === 0) return;
  for (const { detector, severity } of fresh) {
    if ((severity === 'high' || severity === 'critical') && duty.open.size < MOST_OPEN) duty.open.add(`${detector} (${severity})`);
  }
  const moment = { at: 'found', invocation: duty.turn?.number ?? 0, findings: fresh } as const;
  const cause = anomaly.moments(duty.config).length === 0 ? undefined : anomaly.fires(moment, duty.config);
  if (cause !== undefined && (await capture(duty, cause, duty.config))) duty.open.clear();
}

/** Its own limit, or what the invocation leaves: also when it has been answered, the platform keeps to its deadline. */
export function hardStopOf({ turn }: Duty, config: Config): number {
  return Math.min(Date.now() + config.maxMs, (turn?.event.deadlineMs ?? Infinity) - Math.max(LEAST_MS, config.marginMs));
}

/** True if a capture has begun and was stored whole: the poll waits for it, so that the sandbox is not frozen in its middle. */
async function capture(duty: Duty, cause: Cause, config: Config): Promise<boolean> {
  const start = startCapture(duty, { cause, config, hardStopMs: hardStopOf(duty, config) });
  if (isAmberError(start)) {
    logRefusal(duty, cause, start);
    return false;
  }
  const report = await start.ended;
  return report?.state === 'whole';
}
