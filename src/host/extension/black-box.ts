/**
 * The recorder of the extension, as its host sees it: told when an invocation begins and ends. It is loaded behind the
 * first question for an event, so that init does not wait for it.
 */
import { policyOf, reaches } from '../../config/detect-policy.ts';
import { describeError } from '../../errors.ts';
import { coresOf } from '../../lambda/cores.ts';
import type { CaptureRequest } from '../../capture/capture.ts';
import type { ExtensionState } from './state.ts';

/** The first request is on its way by then. */
const BEHIND_MS = 5;

/** Loads it soon, once; with AMBER_RECORD off never. */
export function openSoon(state: ExtensionState): void {
  if (state.config.record === 'off' || state.blackBox.opening !== undefined) return;
  state.blackBox.opening = new Promise((resolve) => setTimeout(resolve, BEHIND_MS)).then(() => open(state));
}

async function open(state: ExtensionState): Promise<void> {
  const { environment, blackBox } = state;
  try {
    blackBox.beside = await environment.beside?.({
      cores: coresOf(environment.env) ?? 1,
      writable: state.config.writable,
      api: environment.env['AWS_LAMBDA_RUNTIME_API'] ?? '',
      always: state.phase === 'managed',
    });
  } catch (error) {
    environment.log('fault', { where: 'extension', what: 'recorder', error: describeError(error) });
  }
}

/** An invocation begins. */
export async function invocationBegins({ blackBox, invocation }: ExtensionState): Promise<void> {
  await blackBox.opening;
  blackBox.beside?.begins(invocation?.number ?? 0);
}

/** The processes have gone: what their rings hold is read, and what differs from before is a finding. */
export function lastLook({ blackBox: { beside }, sight, captures, config }: ExtensionState): void {
  if (beside === undefined) return;
  beside.ends();
  if (policyOf(config.detect).threshold === 'off') return;
  for (const { detector, severity } of sight.monitor?.rejudge(beside.doubts()) ?? [])
    if (reaches(severity, 'high')) captures.open.add(`${detector} (${severity})`);
}

/** What a capture is given of it. */
export function besideOf({ blackBox: { beside } }: ExtensionState): Pick<CaptureRequest, 'beside'> {
  return beside === undefined ? {} : { beside: beside.record };
}
