/** Monitors a wrapped function where anomalies may start a capture. */
import { policyOf } from '../../config/detect-policy.ts';
import type { Roots, Config } from '../../contracts/evidence.ts';
import { ask, type HostSetup, type TrackedInvocation } from '../wrapper/setup.ts';
import { openChangeMonitor, type FindingHandler, type ChangeMonitor, type OpenMonitor } from './change-monitor.ts';
import { notedFunctions } from './builtins.ts';
import { openProbe } from './probe.ts';
import { shared, type Kept } from '../limits/state.ts';
import { recordings } from '../wrapper/record.ts';
import { beginFound } from '../wrapper/tracked-invocation.ts';
import { fault, type HostEnvironment } from '../environment.ts';

export const monitors: Kept<ChangeMonitor<TrackedInvocation>> = shared('guard');

/** Opens the change monitor of the sandbox, one for all hosts in it, unless the policy has no use for one. */
export function startMonitoring(setup: HostSetup): void {
  const { config, state, environment, found } = setup;
  if (found.length === 0) return;
  try {
    let changeMonitor = monitors.get(state);
    if (changeMonitor === undefined) {
      changeMonitor = openChangeMonitor(
        environment.probe ?? ((spawned) => openProbe(config.writable, spawned)),
        environment.env,
        environment.anomalyMonitor ?? opener(config),
        alarmOf(environment),
        { functions: notedFunctions(state), recorded: recordings.get(state)?.tail },
      );
      monitors.set(state, changeMonitor);
    }
    setup.changeMonitor = changeMonitor;
  } catch (error) {
    fault(environment, 'guard', error);
  }
}

/** What a change monitor does with its findings. */
export function alarmOf(environment: HostEnvironment): FindingHandler<TrackedInvocation> {
  return {
    ask: (tracked, findings) =>
      ask(tracked.setup, tracked.setup.found, { at: 'found', invocation: tracked.number, findings }),
    begin: beginFound,
    fault: (error) => fault(environment, 'detect', error),
  };
}

export function opener({ detect, writable, code }: Config): OpenMonitor {
  const roots: Roots = { proc: '/proc', writable, code, etc: '/etc' };
  return async (records, init) =>
    (await import('../../detect/in-process.ts')).openInProcess({ roots, policy: policyOf(detect) }, records, init);
}
