import { ask } from './ask.ts';
import type { Source } from './contracts.ts';

/** Who owns it, and which deployment made it. */
export const tags: Source = {
  name: 'tags',
  description: 'Tags of the function.',
  lane: 'control-plane',
  actions: ['lambda:ListTags'],
  acquire: async function* (target, context) {
    const lambda = await context.aws.lambda();
    yield* ask(context, { path: 'control_plane/tags.json', call: `lambda:ListTags ${target.functionArn}` }, () =>
      lambda.listTags({ Resource: target.functionArn }),
    );
  },
};
