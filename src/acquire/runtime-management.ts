import { ahead, ask, only } from './ask.ts';
import type { Source } from './contracts.ts';
import { component } from './paths.ts';

const WIDTH = 4;

function pathOf(version: string): string {
  return `control_plane/function/${component(version)}/runtime_management.json`;
}

/** A runtime that is pinned stays as it is, also where it has a hole. */
export const runtimeManagement: Source = {
  name: 'runtime-management',
  description: 'How the runtime of each version is updated, and which runtime version is pinned.',
  lane: 'control-plane',
  actions: ['lambda:GetRuntimeManagementConfig'],
  acquire: async function* (target, context) {
    const lambda = await context.aws.lambda();
    const open = target.versions
      .map(({ Version = '$LATEST' }) => Version)
      .filter((version) => !context.ledger.done(pathOf(version)));
    const answers = ahead(open, WIDTH, async (Qualifier) => {
      const asked = {
        path: pathOf(Qualifier),
        call: `lambda:GetRuntimeManagementConfig ${target.askedAs}:${Qualifier}`,
      };
      return only(
        ask(context, asked, () => lambda.getRuntimeManagementConfig({ FunctionName: target.askedAs, Qualifier })),
      );
    });
    for await (const entries of answers) yield* entries;
  },
};
