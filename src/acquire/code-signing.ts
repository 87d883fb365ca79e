import { ask } from './ask.ts';
import type { Source } from './contracts.ts';

/** Whether unsigned code would have been refused, or only warned of. */
export const codeSigning: Source = {
  name: 'code-signing',
  description: 'Code signing configuration of the function, and what it allows.',
  lane: 'control-plane',
  actions: ['lambda:GetFunctionCodeSigningConfig', 'lambda:GetCodeSigningConfig'],
  acquire: async function* (target, context) {
    const lambda = await context.aws.lambda();
    const { askedAs: FunctionName } = target;
    const asked = {
      path: 'control_plane/code_signing.json',
      call: `lambda:GetFunctionCodeSigningConfig ${FunctionName}`,
    };
    yield* ask(context, asked, async () => {
      const { CodeSigningConfigArn } = await lambda.getFunctionCodeSigningConfig({ FunctionName });
      if (CodeSigningConfigArn === undefined) return { CodeSigningConfigArn: null };
      return { CodeSigningConfigArn, ...(await lambda.getCodeSigningConfig({ CodeSigningConfigArn })) };
    });
  },
};
