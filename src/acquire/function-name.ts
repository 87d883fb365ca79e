/**
 * How a function is named, and whether what answered is that function: nothing is collected or written on a likeness.
 */
import type { FunctionConfiguration } from '@aws-sdk/client-lambda';
import { AmberError } from '../errors.ts';

/** What the user typed: a name, `account:function:name` or an ARN, each with or without a version or an alias. */
export interface FunctionName {
  readonly name: string;
  /** Of an ARN; it wins over the configured one. */
  readonly region: string | undefined;
  readonly account: string | undefined;
  /** `$LATEST`, the number of a version or the name of an alias. */
  readonly qualifier: string | undefined;
  /** FunctionName of requests: as it was typed, without the qualifier. */
  readonly askedAs: string;
}

/** FunctionName as the Lambda API takes it ("GetFunctionConfiguration", pattern of FunctionName). */
const NAMED =
  /^((?:arn:aws[a-z-]*:lambda:)?(?:([a-z]{2}(?:-[a-z]+)+-\d):)?(?:(\d{12}):)?(?:function:)?([\w-]{1,140}))(?::(\$LATEST|[\w-]{1,129}))?$/u;
const ARN = /^(arn:aws[a-z-]*:lambda:([a-z0-9-]+):(\d{12}):function:([\w-]{1,140}))(?::(\$LATEST|[\w-]{1,129}))?$/u;

/** @throws AmberError USAGE when it is no form that Lambda takes. */
export function parseFunctionName(text: string): FunctionName {
  const [, askedAs, region, account, name, qualifier] = NAMED.exec(text) ?? [];
  if (askedAs !== undefined && name !== undefined && (!text.startsWith('arn:') || ARN.test(text)))
    return { name, region, account, qualifier, askedAs };
  throw new AmberError(
    'USAGE',
    `${JSON.stringify(text.slice(0, 200))} is neither the name nor the ARN of a function; for example checkout, ` +
      'checkout:live, or arn:aws:lambda:eu-central-1:111122223333:function:checkout.',
  );
}

/** What an answer is compared with. */
export interface Expected extends FunctionName {
  /** The region that was asked. */
  readonly region: string;
}

/**
 * Compares the answer of the control plane with what was asked.
 *
 * @returns the function's ARN without a qualifier.
 * @throws AmberError ACQUIRE_MISMATCH: an answer of another account, region, name, version or alias.
 */
export function compareAnswer(
  expected: Expected,
  answer: Pick<FunctionConfiguration, 'FunctionArn' | 'Version'>,
): string {
  const { FunctionArn = '', Version } = answer;
  const [, arn, region, account, name, qualifier] = ARN.exec(FunctionArn) ?? [];
  const asked = expected.qualifier ?? '$LATEST';
  const differences = [
    ...differs('region', expected.region, region),
    ...(expected.account === undefined ? [] : differs('account', expected.account, account)),
    ...differs('name', expected.name, name),
    ...(qualifier === asked ||
    Version === asked ||
    (asked === '$LATEST' && qualifier === undefined && Version === undefined)
      ? []
      : differs('version or alias', asked, qualifier ?? Version)),
  ];
  if (arn !== undefined && differences.length === 0) return arn;
  throw new AmberError(
    'ACQUIRE_MISMATCH',
    `The answer is of another function: ${differences.join('; ')}. Asked: ${described(expected)}; answered: ` +
      `${JSON.stringify(FunctionArn.slice(0, 300))}. Use credentials of that account (--profile), or name the ` +
      'function as it is.',
    { details: { asked: described(expected), answered: FunctionArn.slice(0, 300) } },
  );
}

/**
 * Logs, roles and CloudTrail are asked for without an account: they would come from the caller's own.
 *
 * @param caller - ARN of the caller, undefined where STS did not answer
 * @throws AmberError ACQUIRE_MISMATCH where the function is in another account than the caller.
 */
export function compareAccount(functionArn: string, caller: string | undefined): void {
  const own = caller?.split(':')[4];
  const account = functionArn.split(':')[4];
  if (own === undefined || own === account) return;
  throw new AmberError(
    'ACQUIRE_MISMATCH',
    `${functionArn} is in account ${account ?? 'unknown'}, and the credentials are of account ${own}, whose ` +
      `logs, roles and CloudTrail would stand in for its own. Use credentials of ${account ?? 'that account'} ` +
      '(--profile).',
    { details: { asked: functionArn, caller: own } },
  );
}

function differs(what: string, expected: string, found: string | undefined): string[] {
  return expected === found ? [] : [`${what} ${found ?? 'unknown'} instead of ${expected}`];
}

function described({ askedAs, qualifier, region }: Expected): string {
  return `${askedAs}${qualifier === undefined ? '' : `:${qualifier}`} in ${region}`;
}
