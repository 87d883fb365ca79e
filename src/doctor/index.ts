/**
 * The checks of `amber doctor`, in the order in which they are told. A new one = one plain object and one line here.
 */
import { resolveConfig, type Warn } from '../config/config.ts';
import { parseBucketUrl } from '../config/destination.ts';
import { describeError, isAmberError } from '../errors.ts';
import type { Clients } from '../acquire/clients.ts';
import type { Target } from '../acquire/contracts.ts';
import { absentEntry } from '../acquire/error-class.ts';
import {
  bucketOwner,
  bucketPolicy,
  bucketThere,
  encryption,
  objectLock,
  publicAccess,
  reachable,
  versioning,
} from './bucket-checks.ts';
import type { BucketPlace, Diagnosis, DoctorCheck, InspectedFunction } from './contracts.ts';
import { active, memory, network, recipient, runtime, settings, timeout } from './function-checks.ts';
import { attached, handler } from './layer-checks.ts';
import { logging } from './log-checks.ts';
import { roleOrders } from './order-checks.ts';
import { roleKey, roleLimits, roleLogs, roleWrites } from './role-checks.ts';
import type { Config } from '../contracts/evidence.ts';

export const CHECKS: readonly DoctorCheck[] = [
  active,
  runtime,
  attached,
  handler,
  settings,
  recipient,
  timeout,
  memory,
  network,
  logging,
  roleWrites,
  roleLimits,
  roleKey,
  roleLogs,
  roleOrders,
  bucketThere,
  bucketOwner,
  bucketPolicy,
  versioning,
  objectLock,
  encryption,
  publicAccess,
  reachable,
];

export interface CheckedLine extends Diagnosis {
  readonly name: string;
  readonly what: string;
}

/**
 * Runs every check; one that is denied is `not-checked` with the action that it needs. @throws AmberError
 * ACQUIRE_CREDENTIALS.
 */
export async function* runChecks(inspected: InspectedFunction): AsyncGenerator<CheckedLine> {
  for (const { name, what, actions, check } of CHECKS)
    yield { name, what, ...(await diagnose(check, actions, inspected)) };
}

async function diagnose(
  check: DoctorCheck['check'],
  actions: readonly string[],
  inspected: InspectedFunction,
): Promise<Diagnosis> {
  try {
    return await check(inspected);
  } catch (error) {
    if (isAmberError(error)) throw error;
    const { reason, outcome } = absentEntry({ path: '', call: actions[0] ?? 'none' }, error);
    return {
      state: 'not-checked',
      detail: outcome === 'denied' ? `${actions[0] ?? reason} is denied to you` : describeError(error),
    };
  }
}

/** What the environment of the function says of Amber. */
export function inspectedFunction(target: Target, aws: Clients, signal: AbortSignal): InspectedFunction {
  const { configuration } = target;
  const environment = configuration.Environment?.Variables ?? {};
  const ours = Object.fromEntries(Object.entries(environment).filter(([name]) => name.startsWith('AMBER_')));
  const configWarnings: string[] = [];
  const [config, configProblem] = read(ours, ({ message }) => configWarnings.push(message));
  return {
    target,
    aws,
    signal,
    configuration,
    environment,
    config,
    configProblem,
    configWarnings,
    bucket: bucketOf(config, target),
  };
}

function read(variables: NodeJS.ProcessEnv, warn: Warn): [Config, string | undefined] {
  try {
    return [resolveConfig({}, variables, warn), undefined];
  } catch (error) {
    const destination = variables['AMBER_DESTINATION'];
    return [
      resolveConfig(
        {},
        destination !== undefined && parseBucketUrl(destination).ok ? { AMBER_DESTINATION: destination } : {},
      ),
      describeError(error).replace(/^AmberError: /u, ''),
    ];
  }
}

function bucketOf(config: Config, { account, region, functionName }: Target): BucketPlace | undefined {
  const judged = parseBucketUrl(config.destination ?? '');
  if (!judged.ok) return undefined;
  const { bucket: name, prefix } = judged.value;
  const sampleKey = [
    ...(prefix === '' ? [] : [prefix]),
    `account=${account}/region=${region}/function=${functionName}`,
    'date=2025-01-01/capture=0/capture-0000.tar.zst',
  ].join('/');
  return { name, prefix, sampleKey, region: config.s3Region ?? region };
}
