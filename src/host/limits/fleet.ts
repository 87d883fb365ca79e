/**
 * The cap over all sandboxes (AMBER_FLEET_CAP), as a host asks for it: only for captures that no responder has ordered.
 */
import type { Cause, InvocationFacts, TriggerName, Config } from '../../contracts/evidence.ts';
import type { AmberError } from '../../errors.ts';
import type { Claim, SlotRequest } from '../../ship/slots.ts';
import { signalAfter } from '../../signal-after.ts';
import { shared, type SandboxState } from './state.ts';

/** What somebody decides, or what comes once in a sandbox. Any other trigger may be wrong in every sandbox at once. */
const DECIDED: ReadonlySet<string> = new Set<TriggerName>(['call', 'flag', 'control', 'event', 'shutdown', 'collect']);

/** How a slot is claimed; replaced in tests. */
export type ClaimSlot = (request: SlotRequest) => Promise<Claim>;

interface Full {
  readonly untilMs: number;
  readonly refused: AmberError;
}

const kept = shared<Full>('fleet');

/** True if this capture needs a slot. */
export function needsSlot(config: Config, cause: Cause): boolean {
  return config.fleetCap > 0 && !DECIDED.has(cause.trigger);
}

/** Why no slot is asked for now: the last answer was that none is free, and it still holds. No request is made. */
export function knownFull(config: Config, cause: Cause, state: SandboxState, nowMs: number): AmberError | undefined {
  if (!needsSlot(config, cause)) return undefined;
  const full = kept.get(state);
  return full !== undefined && nowMs < full.untilMs ? full.refused : undefined;
}

export interface FleetRequest {
  readonly config: Config;
  readonly cause: Cause;
  readonly state: SandboxState;
  readonly env: NodeJS.ProcessEnv;
  readonly invocation: InvocationFacts | undefined;
  readonly hardStopMs: number;
  readonly claim?: ClaimSlot | undefined;
}

/** A part of the capture's time that the claim may take. */
const PART = 4;
const MAX_MS = 3000;

/** Claims a slot if the capture needs one. @returns why it may not start, or undefined: it may. Never throws. */
export async function claimFleet({
  config,
  cause,
  state,
  env,
  invocation,
  hardStopMs,
  claim,
}: FleetRequest): Promise<AmberError | undefined> {
  if (!needsSlot(config, cause)) return undefined;
  const nowMs = Date.now();
  const ask = claim ?? (await import('../../ship/slots.ts')).claimSlot;
  const ms = Math.max(1, Math.min(MAX_MS, (hardStopMs - nowMs) / PART));
  const answer = await ask({ config, cause, env, nowMs, invocation, signal: signalAfter(ms) });
  if (answer.kind === 'claimed') return undefined;
  kept.set(state, answer);
  return answer.refused;
}
