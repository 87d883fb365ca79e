import { ask, everyItem } from './ask.ts';
import type { Source } from './contracts.ts';

/** A URL with AuthType NONE is a door that needs no credentials. */
export const urls: Source = {
  name: 'urls',
  description: 'Function URLs of every qualifier, with their AuthType.',
  lane: 'control-plane',
  actions: ['lambda:ListFunctionUrlConfigs'],
  acquire: async function* (target, context) {
    const lambda = await context.aws.lambda();
    const { askedAs: FunctionName } = target;
    const asked = { path: 'control_plane/urls.json', call: `lambda:ListFunctionUrlConfigs ${FunctionName}` };
    yield* ask(context, asked, () =>
      everyItem(
        (Marker) => lambda.listFunctionUrlConfigs({ FunctionName, Marker }),
        (page) => page.NextMarker,
        (page) => page.FunctionUrlConfigs,
      ),
    );
  },
};
