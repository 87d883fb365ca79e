/**
 * The two things that `amber` does to a function, both only if asked: invoking it, and setting its environment flag.
 */
import { defined } from '../defined.ts';
import type { Clients } from './clients.ts';
import type { Target } from './contracts.ts';
import { fatalError } from './error-class.ts';
import { compareAnswer, parseFunctionName } from './function-name.ts';
import { AmberError } from '../errors.ts';

export interface Probe {
  readonly statusCode: number | undefined;
  /** `Unhandled` where the handler failed. */
  readonly functionError?: string;
}

/**
 * Invokes the function this many times at once: idle sandboxes thaw. @throws AmberError ACQUIRE_DENIED
 * (lambda:InvokeFunction), …
 */
export async function probe(
  aws: Clients,
  { askedAs, qualifier, region }: Target,
  payload: string,
  count: number,
): Promise<readonly Probe[]> {
  const lambda = await aws.lambda();
  try {
    return await Promise.all(
      Array.from({ length: count }, async () => {
        const { StatusCode, FunctionError } = await lambda.invoke({
          FunctionName: askedAs,
          ...defined({ Qualifier: qualifier }),
          Payload: Buffer.from(payload),
        });
        return { statusCode: StatusCode, ...defined({ functionError: FunctionError }) };
      }),
    );
  } catch (error) {
    throw fatalError({ path: '', call: `lambda:Invoke ${askedAs}`, action: 'lambda:InvokeFunction' }, error, region);
  }
}

/**
 * `AMBER_CAPTURE=now` in the configuration of $LATEST, with every other variable as it was. New sandboxes start with
 * it; the ones that are warm get no further invocation.
 *
 * @throws AmberError ACQUIRE_DENIED (lambda:UpdateFunctionConfiguration), ACQUIRE_FAILED.
 */
export async function setFlag(
  aws: Clients,
  { askedAs, functionName, functionArn, qualifier, region }: Target,
): Promise<void> {
  if (qualifier !== undefined && qualifier !== '$LATEST') {
    throw new AmberError(
      'USAGE',
      `--env-flag changes $LATEST, and ${functionName}:${qualifier} was named, which would not see it. Name the ` +
        'function alone, or leave --env-flag out.',
    );
  }
  const lambda = await aws.lambda();
  const call = { path: '', call: `lambda:UpdateFunctionConfiguration ${askedAs}` };
  try {
    // Read anew: what was read before may have changed, and RevisionId refuses a change in between.
    const answer = await lambda.getFunctionConfiguration({ FunctionName: askedAs });
    const { Environment, RevisionId } = answer;
    compareAnswer({ ...parseFunctionName(functionArn), region }, answer);
    if (Environment?.Error !== undefined)
      throw new AmberError(
        'ACQUIRE_DENIED',
        'The environment of the function cannot be read (kms:Decrypt), so it cannot be written back either. Set ' +
          'AMBER_CAPTURE=now by hand.',
      );
    await lambda.updateFunctionConfiguration({
      FunctionName: askedAs,
      Environment: { Variables: { ...Environment?.Variables, AMBER_CAPTURE: 'now' } },
      ...defined({ RevisionId }),
    });
  } catch (error) {
    throw error instanceof AmberError ? error : fatalError(call, error, region);
  }
}

/** Credentials of the responder, as the SDK finds them, and who that is. @throws AmberError ACQUIRE_CREDENTIALS. */
export async function credentialsOf(
  aws: Clients,
  region: string,
): Promise<{
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}> {
  try {
    return await (await aws.sts()).config.credentials();
  } catch (error) {
    throw fatalError({ path: '', call: 'sts:GetCallerIdentity' }, error, region);
  }
}

/** ARN of the caller, or undefined where that is not to be had. */
export async function callerOf(aws: Clients): Promise<string | undefined> {
  try {
    return (await (await aws.sts()).getCallerIdentity({})).Arn;
  } catch {
    return undefined;
  }
}
