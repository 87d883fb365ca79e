/** What the bucket promises: that captures arrive, that they stay, that nobody else reads them. */
import type { GetObjectLockConfigurationCommandOutput } from '@aws-sdk/client-s3';
import { classifyError } from '../acquire/error-class.ts';
import { webRequest } from '../acquire/web.ts';
import {
  failed,
  notChecked,
  ok,
  warning,
  type BucketPlace,
  type Diagnosis,
  type DoctorCheck,
  type InspectedFunction,
} from './contracts.ts';
import { defined } from '../defined.ts';
import { many } from '../many.ts';

const NO_BUCKET = notChecked('captures do not go to a bucket');
const EXAMPLE = 'examples/bucket/bucket-policy.json';

/** `action`: what the user of the check needs, if anything. */
function bucketCheck(
  name: string,
  what: string,
  action: string | undefined,
  look: (bucket: BucketPlace, inspected: InspectedFunction) => Promise<Diagnosis>,
): DoctorCheck {
  return {
    name,
    what,
    actions: action === undefined ? [] : [action],
    check: (inspected) => (inspected.bucket === undefined ? NO_BUCKET : look(inspected.bucket, inspected)),
  };
}

/** The answer, or undefined where the bucket has no such configuration. */
async function unlessMissing<T>(run: () => Promise<T>, names: RegExp): Promise<T | undefined> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof Error && names.test(error.name)) return undefined;
    throw error;
  }
}

export const bucketThere: DoctorCheck = bucketCheck(
  'bucket',
  'the bucket is there',
  's3:ListBucket',
  async ({ name, region }, { aws, config }) => {
    const s3 = await aws.s3();
    try {
      const { BucketRegion } = await s3.headBucket({
        Bucket: name,
        ...defined({ ExpectedBucketOwner: config.s3BucketOwner }),
      });
      if (BucketRegion !== undefined && BucketRegion !== region)
        return failed(
          `${name} lives in ${BucketRegion}, captures are sent to ${region}`,
          `Set AMBER_S3_REGION=${BucketRegion}.`,
        );
      return ok(`${name} in ${BucketRegion ?? region}`);
    } catch (error) {
      if (classifyError(error) !== 'missing') throw error;
      return failed(
        `there is no bucket ${name}`,
        'Make it as examples/bucket/README.md says, or correct AMBER_DESTINATION.',
      );
    }
  },
);

export const bucketOwner: DoctorCheck = {
  name: 'bucket-owner',
  what: 'nobody else can own the bucket',
  actions: [],
  check: ({ bucket, config }) => {
    if (bucket === undefined) return NO_BUCKET;
    if (config.s3BucketOwner !== undefined) return ok(`account ${config.s3BucketOwner} is expected`);
    return warning(
      'AMBER_S3_BUCKET_OWNER is not set',
      `Set it to the account of ${bucket.name}: should the bucket be deleted, another account could take its ` +
        'name and get the captures.',
    );
  },
};

export const versioning: DoctorCheck = bucketCheck(
  'versioning',
  'versions are kept',
  's3:GetBucketVersioning',
  async ({ name }, { aws }) => {
    const { Status } = await (await aws.s3()).getBucketVersioning({ Bucket: name });
    return Status === 'Enabled'
      ? ok('enabled')
      : failed(
          `versioning is ${Status ?? 'off'}`,
          `aws s3api put-bucket-versioning --bucket ${name} --versioning-configuration Status=Enabled`,
        );
  },
);

export const objectLock: DoctorCheck = bucketCheck(
  'object-lock',
  'captures cannot be deleted',
  's3:GetBucketObjectLockConfiguration',
  async ({ name }, { aws }) => {
    const s3 = await aws.s3();
    const answer: GetObjectLockConfigurationCommandOutput | undefined = await unlessMissing(
      () => s3.getObjectLockConfiguration({ Bucket: name }),
      /^ObjectLockConfigurationNotFound/u,
    );
    const fix =
      `aws s3api put-object-lock-configuration --bucket ${name} --object-lock-configuration ` +
      "'ObjectLockEnabled=Enabled,Rule={DefaultRetention={Mode=GOVERNANCE,Days=90}}'";
    if (answer?.ObjectLockConfiguration?.ObjectLockEnabled !== 'Enabled') return failed('Object Lock is off', fix);
    const retention = answer.ObjectLockConfiguration.Rule?.DefaultRetention;
    if (retention === undefined)
      return warning('Object Lock is on, without a default retention: PutObject alone does not lock', fix);
    return ok(
      `${retention.Mode ?? '?'}, ` +
        (retention.Days === undefined ? `${retention.Years ?? '?'} years` : many(retention.Days, 'day')),
    );
  },
);

export const encryption: DoctorCheck = bucketCheck(
  'encryption',
  'captures are encrypted at rest',
  's3:GetEncryptionConfiguration',
  async ({ name }, { aws, config }) => {
    const s3 = await aws.s3();
    const answer = await unlessMissing(
      () => s3.getBucketEncryption({ Bucket: name }),
      /^ServerSideEncryptionConfigurationNotFound/u,
    );
    const rule = answer?.ServerSideEncryptionConfiguration?.Rules?.[0]?.ApplyServerSideEncryptionByDefault;
    if (config.s3KmsKey !== undefined) return ok(`SSE-KMS with ${config.s3KmsKey}, as Amber asks for it`);
    if (rule?.SSEAlgorithm?.startsWith('aws:kms') === true)
      return ok(`${rule.SSEAlgorithm} ${rule.KMSMasterKeyID ?? 'with the key of AWS'}`);
    if (config.recipient !== undefined) return ok("with S3's own keys; the captures are age files in themselves");
    return warning(
      "with S3's own keys: everyone who may read the bucket reads the captures",
      'Set AMBER_RECIPIENT, or a key of your own (AMBER_S3_KMS_KEY) that responders alone may decrypt with.',
    );
  },
);

export const publicAccess: DoctorCheck = bucketCheck(
  'public-access',
  'the bucket is not public',
  's3:GetBucketPublicAccessBlock',
  async ({ name }, { aws }) => {
    const s3 = await aws.s3();
    const answer = await unlessMissing(() => s3.getPublicAccessBlock({ Bucket: name }), /^NoSuchPublicAccessBlock/u);
    const { BlockPublicAcls, IgnorePublicAcls, BlockPublicPolicy, RestrictPublicBuckets } =
      answer?.PublicAccessBlockConfiguration ?? {};
    if (
      BlockPublicAcls === true &&
      IgnorePublicAcls === true &&
      BlockPublicPolicy === true &&
      RestrictPublicBuckets === true
    )
      return ok('all four are blocked');
    return failed(
      'public access is not blocked',
      `aws s3api put-public-access-block --bucket ${name} --public-access-block-configuration ` +
        'BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true',
    );
  },
);

interface Statement {
  readonly Effect?: string;
  readonly Action?: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** What the policy has to deny, each with how to see it. */
const DENIALS: readonly (readonly [what: string, Statement: (statement: Statement) => boolean])[] = [
  [
    'writing over what is there (Null s3:if-none-match)',
    (one) => acts(one, 's3:PutObject') && String(one.Condition?.['Null']?.['s3:if-none-match']) === 'true',
  ],
  [
    'deleting',
    (one) => acts(one, 's3:DeleteObject') && acts(one, 's3:DeleteObjectVersion') && one.Condition === undefined,
  ],
  ['aborting uploads', (one) => acts(one, 's3:AbortMultipartUpload') && one.Condition === undefined],
  [
    'requests without TLS (aws:SecureTransport)',
    (one) => String(one.Condition?.['Bool']?.['aws:SecureTransport']) === 'false',
  ],
];

function acts({ Action = [] }: Statement, action: string): boolean {
  return [Action]
    .flat()
    .some(
      (one) =>
        one === action || one === 's3:*' || one === '*' || (one.endsWith('*') && action.startsWith(one.slice(0, -1))),
    );
}

export const bucketPolicy: DoctorCheck = bucketCheck(
  'bucket-policy',
  'the policy keeps what arrived',
  's3:GetBucketPolicy',
  async ({ name }, { aws }) => {
    const s3 = await aws.s3();
    const answer = await unlessMissing(() => s3.getBucketPolicy({ Bucket: name }), /^NoSuchBucketPolicy/u);
    if (answer?.Policy === undefined) return failed('the bucket has no policy', `Put ${EXAMPLE}.`);
    const { Statement: statements = [] } = JSON.parse(answer.Policy) as {
      Statement?: Statement | readonly Statement[];
    };
    const denying = [statements].flat().filter(({ Effect }) => Effect === 'Deny');
    const absent = DENIALS.filter(([, sees]) => !denying.some(sees)).map(([what]) => what);
    return absent.length === 0
      ? ok('it denies overwriting, deleting, aborting and clear text')
      : failed(`it does not deny ${absent.join(', ')}`, `Add the statements of ${EXAMPLE}.`);
  },
);

const REACH_MS = 5000;

export const reachable: DoctorCheck = bucketCheck(
  'endpoint',
  'the endpoint answers',
  undefined,
  async ({ name, region }, { config, aws, signal }) => {
    const url =
      config.s3Endpoint ??
      `https://${name}.s3.${region}.${region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'}/`;
    try {
      const answer = await webRequest(url, { method: 'HEAD', signal, agent: aws.agent, answerMs: REACH_MS });
      answer.destroy();
      return ok(`${new URL(url).host} answers from here (${answer.statusCode ?? 0})`);
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error);
      return failed(
        `${new URL(url).host} does not answer from here: ${cause}`,
        'See to the name, the endpoint (AMBER_S3_ENDPOINT) and the network. From the sandbox it may be otherwise.',
      );
    }
  },
);
