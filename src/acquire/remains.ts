/** What is left of a function that is gone, or that may not be read: its logs, its trail, its captures. */
import { AmberError } from '../errors.ts';
import type { Clients } from './clients.ts';
import type { Target } from './contracts.ts';
import type { TargetOptions } from './target-options.ts';

/**
 * The target without a function: its ARN as it was named, in the account of the caller where none was, and the log
 * group that Lambda makes by default ("Sending Lambda function logs to CloudWatch Logs").
 *
 * @throws AmberError the given one, where nothing of the function is found: the name is wrong then.
 */
export async function remains(aws: Clients, options: TargetOptions, error: AmberError): Promise<Target> {
  const { named, region, caller } = options;
  const account = named.account ?? caller?.split(':')[4];
  if (account === undefined) throw error;
  const functionArn = `arn:${partitionOf(region)}:lambda:${region}:${account}:function:${named.name}`;
  const logGroups = [...new Set([`/aws/lambda/${named.name}`, ...(options.logGroups ?? [])])];
  if (error.code === 'ACQUIRE_MISSING') await demandTrace(aws, options, { functionArn, logGroups, error });
  return {
    functionName: named.name,
    functionArn,
    askedAs: named.askedAs,
    qualifier: named.qualifier,
    account,
    region,
    logGroups,
    configuration: {},
    isAbsent: true,
    versions: [],
    aliases: [],
    roles: [],
    gaps: [{ path: 'control_plane/function', action: 'lambda:GetFunctionConfiguration', error: error.cause ?? error }],
    sinceMs: options.sinceMs,
    untilMs: options.untilMs,
    accessKeyIds: options.accessKeyIds,
    trail: options.trail,
    captures: options.captures,
  };
}

function partitionOf(region: string): string {
  return region.startsWith('cn-') ? 'aws-cn' : region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
}

interface Looked {
  readonly functionArn: string;
  readonly logGroups: readonly string[];
  readonly error: AmberError;
}

/** A name that was never there leaves no trace. What may not be looked for counts as a trace: the sources say so. */
async function demandTrace(
  aws: Clients,
  { named, accessKeyIds, trail, region }: TargetOptions,
  { functionArn, logGroups, error }: Looked,
): Promise<void> {
  if (accessKeyIds.length > 0 || trail !== undefined) return;
  for (const group of logGroups) if (await hasGroup(aws, group)) return;
  for (const name of [named.name, functionArn]) if (await hasEvents(aws, region, name)) return;
  throw new AmberError(
    error.code,
    `${error.message} Nothing is left of it either: no log group ${logGroups.join(', ')}, and no event in ` +
      'CloudTrail. If it logged elsewhere, name the group (--log-group).',
    { cause: error, details: error.details },
  );
}

async function hasGroup(aws: Clients, group: string): Promise<boolean> {
  try {
    const { logGroups } = await (await aws.logs()).describeLogGroups({ logGroupNamePrefix: group });
    return logGroups?.some((one) => one.logGroupName === group) === true;
  } catch {
    return true;
  }
}

async function hasEvents(aws: Clients, region: string, AttributeValue: string): Promise<boolean> {
  try {
    const client = await aws.cloudtrail(region);
    const { Events } = await client.lookupEvents({
      LookupAttributes: [{ AttributeKey: 'ResourceName', AttributeValue }],
      MaxResults: 1,
    });
    return (Events?.length ?? 0) > 0;
  } catch {
    return true;
  }
}
