import { ask, everyItem } from './ask.ts';
import type { Source } from './contracts.ts';

/** A destination on success sends every result somewhere else as well. */
export const eventInvoke: Source = {
  name: 'event-invoke',
  description: 'Retries and destinations of asynchronous invocations, by qualifier.',
  lane: 'control-plane',
  actions: ['lambda:ListFunctionEventInvokeConfigs'],
  acquire: async function* (target, context) {
    const lambda = await context.aws.lambda();
    const { askedAs: FunctionName } = target;
    const asked = {
      path: 'control_plane/event_invoke.json',
      call: `lambda:ListFunctionEventInvokeConfigs ${FunctionName}`,
    };
    yield* ask(context, asked, () =>
      everyItem(
        (Marker) => lambda.listFunctionEventInvokeConfigs({ FunctionName, Marker }),
        (page) => page.NextMarker,
        (page) => page.FunctionEventInvokeConfigs,
      ),
    );
  },
};
