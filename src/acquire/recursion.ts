import { ask } from './ask.ts';
import type { Source } from './contracts.ts';

/** Loop detection that was switched off. */
export const recursion: Source = {
  name: 'recursion',
  description: 'Whether Lambda stops the function when it invokes itself in a loop.',
  lane: 'control-plane',
  actions: ['lambda:GetFunctionRecursionConfig'],
  acquire: async function* (target, context) {
    const lambda = await context.aws.lambda();
    const { askedAs: FunctionName } = target;
    yield* ask(
      context,
      { path: 'control_plane/recursion.json', call: `lambda:GetFunctionRecursionConfig ${FunctionName}` },
      () => lambda.getFunctionRecursionConfig({ FunctionName }),
    );
  },
};
