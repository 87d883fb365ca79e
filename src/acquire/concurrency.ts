import { ask, everyItem } from './ask.ts';
import type { Source } from './contracts.ts';

/** A reserved concurrency of 0 says that somebody has contained the function already. */
export const concurrency: Source = {
  name: 'concurrency',
  description: 'Reserved and provisioned concurrency.',
  lane: 'control-plane',
  actions: ['lambda:GetFunctionConcurrency', 'lambda:ListProvisionedConcurrencyConfigs'],
  acquire: async function* (target, context) {
    const lambda = await context.aws.lambda();
    const { askedAs: FunctionName } = target;
    yield* ask(
      context,
      { path: 'control_plane/concurrency.json', call: `lambda:GetFunctionConcurrency ${FunctionName}` },
      () => lambda.getFunctionConcurrency({ FunctionName }),
    );
    const asked = {
      path: 'control_plane/provisioned_concurrency.json',
      call: `lambda:ListProvisionedConcurrencyConfigs ${FunctionName}`,
    };
    yield* ask(context, asked, () =>
      everyItem(
        (Marker) => lambda.listProvisionedConcurrencyConfigs({ FunctionName, Marker }),
        (page) => page.NextMarker,
        (page) => page.ProvisionedConcurrencyConfigs,
      ),
    );
  },
};
