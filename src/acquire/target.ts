/** Finds the function, its versions and aliases: what the other sources are asked about. */
import type { AliasConfiguration, FunctionConfiguration, Lambda } from '@aws-sdk/client-lambda';
import { defined } from '../defined.ts';
import { isAmberError, type AmberError } from '../errors.ts';
import { everyItem } from './ask.ts';
import type { Clients } from './clients.ts';
import type { Gap, Target } from './contracts.ts';
import { remains } from './remains.ts';
import { compareAnswer, type FunctionName } from './function-name.ts';
import { credentialsError, fatalError, classifyError } from './error-class.ts';
import type { TargetOptions } from './target-options.ts';

/**
 * Needs lambda:GetFunctionConfiguration; lists that are denied are gaps.
 *
 * @throws AmberError ACQUIRE_MISMATCH, ACQUIRE_MISSING, ACQUIRE_DENIED, ACQUIRE_CREDENTIALS, ACQUIRE_FAILED.
 */
export async function readTarget(aws: Clients, options: TargetOptions): Promise<Target> {
  const { named, region } = options;
  const { name: functionName, askedAs } = named;
  const lambda = await aws.lambda();
  const configuration = await firstAnswer(lambda, named, region).catch((error: unknown) => absentOr(error, options));
  if (isAmberError(configuration)) return remains(aws, options, configuration);
  const functionArn = compareAnswer({ ...named, region }, configuration);
  const gaps: Gap[] = [];
  const published = await listed(
    gaps,
    { path: 'control_plane/versions', action: 'lambda:ListVersionsByFunction' },
    () => listVersions(lambda, askedAs),
  );
  const aliases = await listed(gaps, { path: 'control_plane/aliases', action: 'lambda:ListAliases' }, () =>
    listAliases(lambda, askedAs),
  );
  const versions = await everyVersion(lambda, named, { configuration, published, region });
  return {
    functionName,
    functionArn,
    askedAs,
    qualifier: named.qualifier,
    configuration,
    isAbsent: false,
    versions,
    aliases,
    gaps,
    region,
    account: functionArn.split(':')[4] ?? 'unknown',
    roles: distinct(versions.map((one) => one.Role)),
    logGroups: distinct([
      ...versions.map((one) => one.LoggingConfig?.LogGroup ?? `/aws/lambda/${functionName}`),
      ...(options.logGroups ?? []),
    ]),
    sinceMs: options.sinceMs,
    untilMs: options.untilMs,
    accessKeyIds: options.accessKeyIds,
    trail: options.trail,
    captures: options.captures,
  };
}

interface Versions {
  readonly configuration: FunctionConfiguration;
  readonly published: readonly FunctionConfiguration[];
  readonly region: string;
}

/** The error that {@link remains} stands in for. @throws what it is, where nothing can be collected after it. */
function absentOr(error: unknown, { allowAbsent }: TargetOptions): AmberError {
  if (
    allowAbsent === true &&
    isAmberError(error) &&
    (error.code === 'ACQUIRE_MISSING' || error.code === 'ACQUIRE_DENIED')
  )
    return error;
  throw error;
}

/** `$LATEST` first; where a version or an alias was named, it is asked for apart. */
async function everyVersion(
  lambda: Lambda,
  named: FunctionName,
  { configuration, published, region }: Versions,
): Promise<FunctionConfiguration[]> {
  const latest =
    configuration.Version === '$LATEST' || named.qualifier === undefined
      ? configuration
      : await firstAnswer(lambda, { ...named, qualifier: undefined }, region);
  return [latest, ...published.filter((one) => one.Version !== '$LATEST')];
}

async function firstAnswer(
  lambda: Lambda,
  { askedAs, qualifier }: FunctionName,
  region: string,
): Promise<FunctionConfiguration> {
  try {
    return await lambda.getFunctionConfiguration({
      FunctionName: askedAs,
      ...defined({ Qualifier: qualifier }),
    });
  } catch (error) {
    throw fatalError(
      { path: '', call: `lambda:GetFunctionConfiguration ${askedAs}${qualifier === undefined ? '' : `:${qualifier}`}` },
      error,
      region,
    );
  }
}

async function listed<T>(gaps: Gap[], gap: Omit<Gap, 'error'>, run: () => Promise<T[]>): Promise<T[]> {
  try {
    return await run();
  } catch (error) {
    if (classifyError(error) === 'credentials') throw credentialsError(error);
    gaps.push({ ...gap, error });
    return [];
  }
}

function listVersions(lambda: Lambda, FunctionName: string): Promise<FunctionConfiguration[]> {
  return everyItem(
    (Marker) => lambda.listVersionsByFunction({ FunctionName, Marker, MaxItems: 50 }),
    (page) => page.NextMarker,
    (page) => page.Versions,
  );
}

function listAliases(lambda: Lambda, FunctionName: string): Promise<AliasConfiguration[]> {
  return everyItem(
    (Marker) => lambda.listAliases({ FunctionName, Marker, MaxItems: 50 }),
    (page) => page.NextMarker,
    (page) => page.Aliases,
  );
}

function distinct(values: readonly (string | undefined)[]): string[] {
  return [...new Set(values.filter((value) => value !== undefined && value !== ''))] as string[];
}
