/** Stands guard over a wrapped function where anomalies may start a capture. */
import type { Config } from '../../config/config.ts';
import { policyOf } from '../../config/detect-policy.ts';
import type { Roots } from '../../contracts/evidence.ts';
import { ask, fault, type Armed, type Ground } from '../wrapper/setup.ts';
import { openGuard, type Alarm, type Guard, type OpenSentry } from './change-monitor.ts';
import { openProbe } from './probe.ts';
import { shared, type Kept } from '../limits/state.ts';
import { beginFound, type Watch } from '../wrapper/tracked-invocation.ts';

export const guards: Kept<Guard<Watch>> = shared('guard');

/** Opens the guard of the sandbox, one for all hosts in it, unless the policy has no use for one. */
export function standGuard(armed: Armed): void {
  const { config, state, ground, found } = armed;
  if (found.length === 0) return;
  try {
    let guard = guards.get(state);
    if (guard === undefined) {
      guard = openGuard(ground.probe ?? ((spawned) => openProbe(config.writable, spawned)), ground.env, ground.sentry ?? opener(config), alarmOf(ground));
      guards.set(state, guard);
    }
    armed.guard = guard;
  } catch (error) {
    fault(ground, 'guard', error);
  }
}

/** What a guard does with its findings. */
export function alarmOf(ground: Ground): Alarm<Watch> {
  return {
    ask: (watch, findings) => ask(watch.armed, watch.armed.found, { at: 'found', invocation: watch.number, findings }),
    begin: beginFound,
    fault: (error) => fault(ground, 'detect', error),
  };
}

export function opener({ detect, writable, code }: Config): OpenSentry {
  const roots: Roots = { proc: '/proc', writable, code, etc: '/etc' };
  return async (records, init) => (await import('../../detect/in-process.ts')).openInProcess({ roots, policy: policyOf(detect) }, records, init);
}
