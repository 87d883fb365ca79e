/**
 * What the execution role may do, simulated by IAM itself. Policies of the bucket, of a VPC endpoint and of the
 * organisation come on top.
 */
import { arnName } from '../acquire/paths.ts';
import {
  failed,
  notChecked,
  ok,
  warning,
  type Diagnosis,
  type DoctorCheck,
  type InspectedFunction,
} from './contracts.ts';

const SIMULATE = 'iam:SimulatePrincipalPolicy';

/** Actions of `actions` that the role is allowed on `resource`. */
async function allowed(
  { aws, configuration }: InspectedFunction,
  actions: readonly string[],
  resource: string,
): Promise<readonly string[]> {
  const iam = await aws.iam();
  const { EvaluationResults } = await iam.simulatePrincipalPolicy({
    PolicySourceArn: configuration.Role,
    ActionNames: [...actions],
    ResourceArns: [resource],
  });
  return (EvaluationResults ?? [])
    .filter(({ EvalDecision }) => EvalDecision === 'allowed')
    .flatMap(({ EvalActionName }) => EvalActionName ?? []);
}

function sampleArn({ bucket, configuration }: InspectedFunction): string | undefined {
  const partition = configuration.Role?.split(':')[1] ?? 'aws';
  return bucket === undefined ? undefined : `arn:${partition}:s3:::${bucket.name}/${bucket.sampleKey}`;
}

export const roleWrites: DoctorCheck = {
  name: 'role-writes',
  what: 'the role may store captures',
  actions: [SIMULATE],
  check: async (inspected): Promise<Diagnosis> => {
    const resource = sampleArn(inspected);
    if (resource === undefined) return notChecked('captures do not go to a bucket');
    const folder = resource.replace(/\/region=.*/u, '/*');
    if ((await allowed(inspected, ['s3:PutObject'], resource)).length > 0) return ok(`s3:PutObject on ${folder}`);
    return failed(
      `${arnName(inspected.configuration.Role ?? '')} may not s3:PutObject on ${folder}`,
      `Give the role {"Effect":"Allow","Action":"s3:PutObject","Resource":"${folder}"} ` +
        '(examples/bucket/function-policy.json).',
    );
  },
};

/** Nothing of it is needed, and an intruder has it too. */
const TOO_MUCH = [
  's3:GetObject',
  's3:DeleteObject',
  's3:DeleteObjectVersion',
  's3:AbortMultipartUpload',
  's3:PutObjectRetention',
  's3:BypassGovernanceRetention',
];

export const roleLimits: DoctorCheck = {
  name: 'role-limits',
  what: 'the role may do nothing else with them',
  actions: [SIMULATE],
  check: async (inspected): Promise<Diagnosis> => {
    const resource = sampleArn(inspected);
    if (resource === undefined) return notChecked('captures do not go to a bucket');
    const more = await allowed(inspected, TOO_MUCH, resource);
    if (more.length === 0) return ok('no reading, deleting, aborting, nor changing of retention');
    return warning(
      `it may ${more.join(', ')}`,
      'Take it from the role, or deny it in the bucket policy (examples/bucket/bucket-policy.json): an attacker ' +
        'in the sandbox has the same credentials.',
    );
  },
};

export const roleKey: DoctorCheck = {
  name: 'role-key',
  what: 'the role may use the key',
  actions: [SIMULATE],
  check: async (inspected): Promise<Diagnosis> => {
    const key = inspected.config.s3KmsKey;
    if (key === undefined) return notChecked("AMBER_S3_KMS_KEY is not set: the bucket's own encryption counts");
    if (!key.startsWith('arn:'))
      return notChecked(`AMBER_S3_KMS_KEY is ${key}; only the ARN of a key can be simulated`);
    if ((await allowed(inspected, ['kms:GenerateDataKey'], key)).length > 0) return ok(`kms:GenerateDataKey on ${key}`);
    return failed(
      `it may not kms:GenerateDataKey on ${key}`,
      `Give the role {"Effect":"Allow","Action":"kms:GenerateDataKey","Resource":"${key}"}, and see that the ` +
        'key policy lets it.',
    );
  },
};

export const roleLogs: DoctorCheck = {
  name: 'role-logs',
  what: 'the role may write its log',
  actions: [SIMULATE],
  check: async (inspected): Promise<Diagnosis> => {
    const { target, configuration } = inspected;
    const group = configuration.LoggingConfig?.LogGroup ?? `/aws/lambda/${target.functionName}`;
    const partition = target.functionArn.split(':')[1] ?? 'aws';
    const resource = `arn:${partition}:logs:${target.region}:${target.account}:log-group:${group}:log-stream:x`;
    const may = await allowed(inspected, ['logs:CreateLogStream', 'logs:PutLogEvents'], resource);
    if (may.length === 2) return ok(`digests are anchored in ${group}`);
    return failed(
      `it may not write to ${group}`,
      'Allow logs:CreateLogStream and logs:PutLogEvents on ' +
        `arn:${partition}:logs:${target.region}:${target.account}:log-group:${group}:*: the digests in the log ` +
        'are what an attacker cannot take back.',
    );
  },
};
