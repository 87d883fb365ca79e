/** What hooks stand on: the places that were taken at init, and those that are only taken when they are needed. */
import type { Recorder } from '../recorder.ts';
import { bindingOf, hear, putBefore, type Fronted, type Places } from './places.ts';
import type { HookScope } from './hook.ts';

export interface ScopeGiven extends Pick<HookScope, 'whole' | 'env'> {
  readonly recorder: Recorder;
  readonly places: Places;
}

const nothing = (): void => undefined;

export function openScope({ recorder, whole, env, places }: ScopeGiven): HookScope {
  const { barred, heard, fronted } = places;
  if (barred !== undefined) recorder.put('away', 'bindings', { detail: { why: barred } });
  return {
    recorder,
    whole,
    env,
    subscribe: (name, listener) => {
      const isIt = (one: { readonly name: string }): boolean => one.name === name;
      let one = heard.find(isIt);
      if (one === undefined) heard.push((one = hear(name, nothing)));
      one.listener = listener;
    },
    before: (binding, path, told) => {
      if (barred !== undefined) return;
      const name = `${binding}.${path}`;
      let one = fronted.find((place) => place.name === name);
      if (one === undefined) fronted.push((one = frontOf(binding, path)));
      one.told = told;
    },
  };
}

function frontOf(binding: string, path: string): Fronted {
  const steps = path.split('.');
  const key = steps.pop() ?? '';
  let holder = bindingOf(binding);
  for (const step of steps) holder = holder[step] as typeof holder;
  return putBefore(`${binding}.${path}`, holder, key, nothing);
}
