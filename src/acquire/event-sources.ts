import { ask, everyItem } from './ask.ts';
import type { Source } from './contracts.ts';
import { component } from './paths.ts';

/** Queues and streams that feed the function. */
export const eventSources: Source = {
  name: 'event-sources',
  description: 'Event source mappings of the function and of its aliases.',
  lane: 'control-plane',
  actions: ['lambda:ListEventSourceMappings'],
  acquire: async function* (target, context) {
    const lambda = await context.aws.lambda();
    // A mapping belongs to the function or to one qualifier of it; asked without one, only those of the function come.
    for (const qualifier of [undefined, ...target.aliases.map((alias) => alias.Name)]) {
      const FunctionName = qualifier === undefined ? target.askedAs : `${target.askedAs}:${qualifier}`;
      const path = `control_plane/event_sources${qualifier === undefined ? '' : `/${component(qualifier)}`}.json`;
      const asked = { path, call: `lambda:ListEventSourceMappings ${FunctionName}` };
      yield* ask(context, asked, () =>
        everyItem(
          (Marker) => lambda.listEventSourceMappings({ FunctionName, Marker }),
          (page) => page.NextMarker,
          (page) => page.EventSourceMappings,
        ),
      );
    }
  },
};
