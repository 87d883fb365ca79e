import { ask } from './ask.ts';
import type { Source } from './contracts.ts';
import { component } from './paths.ts';

/** A runtime that is pinned stays as it is, also where it has a hole. */
export const runtimeManagement: Source = {
  name: 'runtime-management',
  description: 'How the runtime of each version is updated, and which runtime version is pinned.',
  lane: 'control-plane',
  actions: ['lambda:GetRuntimeManagementConfig'],
  acquire: async function* (target, context) {
    const lambda = await context.aws.lambda();
    for (const { Version: Qualifier = '$LATEST' } of target.versions) {
      const asked = { path: `control_plane/function/${component(Qualifier)}/runtime_management.json`, call: `lambda:GetRuntimeManagementConfig ${target.functionName}:${Qualifier}` };
      yield* ask(context, asked, () => lambda.getRuntimeManagementConfig({ FunctionName: target.functionName, Qualifier }));
    }
  },
};
