import { ask } from './ask.ts';
import type { Source } from './contracts.ts';

/** Weights send a share of the traffic to a version that nobody looks at. */
export const aliases: Source = {
  name: 'aliases',
  description: 'Aliases with the versions and the weights that they route to.',
  lane: 'control-plane',
  actions: ['lambda:ListAliases'],
  acquire: async function* (target, context) {
    if (target.gaps.some((gap) => gap.path === 'control_plane/aliases')) return; // told by the source of the versions
    const asked = { path: 'control_plane/aliases.json', call: `lambda:ListAliases ${target.askedAs}` };
    yield* ask(context, asked, () => Promise.resolve(target.aliases));
  },
};
