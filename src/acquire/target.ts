/** Finds the function, its versions and aliases: what the other sources are asked about. */
import type { AliasConfiguration, FunctionConfiguration, Lambda } from '@aws-sdk/client-lambda';
import { AmberError } from '../errors.ts';
import { everyItem } from './ask.ts';
import type { Clients } from './clients.ts';
import type { Gap, Target } from './contracts.ts';
import { credentialsError, fatalError, fateOf } from './faults.ts';

/** What the user typed: a name, `account:function:name` or an ARN, each with or without a qualifier. */
export interface FunctionName {
  readonly name: string;
  /** Of the ARN; it wins over the configured one. */
  readonly region: string | undefined;
}

const ARN = /^arn:aws[a-z-]*:lambda:([a-z0-9-]+):\d{12}:function:([\w-]{1,140})(?::[\w$.-]+)?$/u;
const PARTIAL = /^(?:\d{12}:function:)?([\w-]{1,140})(?::[\w$.-]+)?$/u;

/** @throws AmberError USAGE when it is neither. */
export function parseFunctionName(text: string): FunctionName {
  const arn = ARN.exec(text);
  if (arn?.[2] !== undefined) return { name: arn[2], region: arn[1] };
  const name = PARTIAL.exec(text)?.[1];
  if (name === undefined) throw new AmberError('USAGE', `${JSON.stringify(text)} is neither the name nor the ARN of a function; for example checkout, or arn:aws:lambda:eu-central-1:111122223333:function:checkout.`);
  return { name, region: undefined };
}

export interface Window {
  readonly sinceMs: number;
  readonly untilMs: number;
}

export interface TargetOptions extends Window {
  readonly functionName: string;
  readonly region: string;
  readonly accessKeyIds: readonly string[];
  readonly trail: string | undefined;
}

/**
 * Needs lambda:GetFunctionConfiguration; lists that are denied are gaps.
 *
 * @throws AmberError ACQUIRE_MISSING, ACQUIRE_DENIED, ACQUIRE_CREDENTIALS, ACQUIRE_FAILED.
 */
export async function readTarget(aws: Clients, options: TargetOptions): Promise<Target> {
  const { functionName, region } = options;
  const lambda = await aws.lambda();
  const latest = await firstAnswer(lambda, functionName, region);
  const functionArn = (latest.FunctionArn ?? '').replace(/:\$LATEST$/u, '');
  const gaps: Gap[] = [];
  const published = await listed(gaps, { path: 'control_plane/versions', action: 'lambda:ListVersionsByFunction' }, () => listVersions(lambda, functionName));
  const aliases = await listed(gaps, { path: 'control_plane/aliases', action: 'lambda:ListAliases' }, () => listAliases(lambda, functionName));
  const versions = [latest, ...published.filter((one) => one.Version !== '$LATEST')];
  return {
    functionName, functionArn, versions, aliases, gaps, region,
    account: functionArn.split(':')[4] ?? 'unknown',
    roles: distinct(versions.map((one) => one.Role)),
    logGroups: distinct(versions.map((one) => one.LoggingConfig?.LogGroup ?? `/aws/lambda/${functionName}`)),
    sinceMs: options.sinceMs, untilMs: options.untilMs,
    accessKeyIds: options.accessKeyIds,
    trail: options.trail,
  };
}

async function firstAnswer(lambda: Lambda, name: string, region: string): Promise<FunctionConfiguration> {
  try {
    return await lambda.getFunctionConfiguration({ FunctionName: name });
  } catch (error) {
    throw fatalError({ path: '', call: `lambda:GetFunctionConfiguration ${name}` }, error, region);
  }
}

async function listed<T>(gaps: Gap[], gap: Omit<Gap, 'error'>, run: () => Promise<T[]>): Promise<T[]> {
  try {
    return await run();
  } catch (error) {
    if (fateOf(error) === 'credentials') throw credentialsError(error);
    gaps.push({ ...gap, error });
    return [];
  }
}

function listVersions(lambda: Lambda, FunctionName: string): Promise<FunctionConfiguration[]> {
  return everyItem((Marker) => lambda.listVersionsByFunction({ FunctionName, Marker, MaxItems: 50 }), (page) => page.NextMarker, (page) => page.Versions);
}

function listAliases(lambda: Lambda, FunctionName: string): Promise<AliasConfiguration[]> {
  return everyItem((Marker) => lambda.listAliases({ FunctionName, Marker, MaxItems: 50 }), (page) => page.NextMarker, (page) => page.Aliases);
}

function distinct(values: readonly (string | undefined)[]): string[] {
  return [...new Set(values.filter((value) => value !== undefined && value !== ''))] as string[];
}
