/** Which function, version and sandbox this is: the platform's own words for it, read from what it hands a runtime. */
import type { InvocationFacts } from '../contracts/evidence.ts';

/**
 * Everything that names the execution environment. The variables are the reserved ones of AWS ("Using Lambda
 * environment variables"); an extension lacks some of them (handler, log stream, task root), so they may be absent.
 */
export interface Identity {
  readonly functionName: string;
  readonly functionVersion: string | undefined;
  /** As invoked: an alias or a version may stand behind the name. */
  readonly functionArn: string | undefined;
  readonly region: string;
  readonly account: string;
  readonly memoryMb: number | undefined;
  readonly logGroup: string | undefined;
  /** One stream a sandbox: the name by which the logs of this sandbox are found. */
  readonly logStream: string | undefined;
  /** The id alone, never the secret: CloudTrail records every call that was made with it. */
  readonly accessKeyId: string | undefined;
  /** `on-demand`, `provisioned-concurrency`, `snap-start`, `lambda-managed-instances`. */
  readonly initializationType: string | undefined;
  /** `AWS_Lambda_nodejs24.x`. */
  readonly executionEnv: string | undefined;
  readonly handler: string | undefined;
  readonly taskRoot: string | undefined;
  /** Host and port of the Runtime API. Another value than the platform's means that a proxy sits in between. */
  readonly runtimeApi: string | undefined;
  readonly execWrapper: string | undefined;
  /** Files below /opt that the environment makes the runtime load: what layers put in the way. */
  readonly layerHints: readonly string[];
  /** Invocations that this environment may run at once (Managed Instances); undefined where it is one. */
  readonly maxConcurrency: number | undefined;
  readonly tenantId: string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Stands for a name that is not known, or that has a form AWS does not give: it becomes a folder in a bucket. */
const UNKNOWN = 'unknown';

// arn:partition:lambda:region:account:function:name[:qualifier]
const ARN = /^arn:aws[a-z-]*:lambda:([a-z0-9-]+):(\d{12}):function:([\w-]+)(?::[\w$.-]+)?$/u;

/** Reads the identity. Pure: the environment and the facts of the invocation go in, nothing else is asked. */
export function readIdentity(env: Environment, invocation: InvocationFacts | undefined): Identity {
  const arn = ARN.exec(invocation?.functionArn ?? '');
  return {
    functionName: fitting(/^[\w-]{1,140}$/u, env['AWS_LAMBDA_FUNCTION_NAME'], arn?.[3]) ?? UNKNOWN,
    functionVersion: env['AWS_LAMBDA_FUNCTION_VERSION'],
    functionArn: invocation?.functionArn,
    region: fitting(/^[a-z]{2,}[a-z0-9-]{1,30}$/u, arn?.[1], env['AWS_REGION'], env['AWS_DEFAULT_REGION']) ?? UNKNOWN,
    account: fitting(/^\d{12}$/u, arn?.[2], env['AWS_ACCOUNT_ID']) ?? UNKNOWN,
    memoryMb: positive(env['AWS_LAMBDA_FUNCTION_MEMORY_SIZE']),
    logGroup: env['AWS_LAMBDA_LOG_GROUP_NAME'],
    logStream: env['AWS_LAMBDA_LOG_STREAM_NAME'],
    accessKeyId: env['AWS_ACCESS_KEY_ID'],
    initializationType: env['AWS_LAMBDA_INITIALIZATION_TYPE'],
    executionEnv: env['AWS_EXECUTION_ENV'],
    handler: env['_HANDLER'],
    taskRoot: env['LAMBDA_TASK_ROOT'],
    runtimeApi: env['AWS_LAMBDA_RUNTIME_API'],
    execWrapper: env['AWS_LAMBDA_EXEC_WRAPPER'],
    layerHints: layerHints(env),
    maxConcurrency: positive(env['AWS_LAMBDA_MAX_CONCURRENCY']),
    tenantId: invocation?.tenantId,
  };
}

function fitting(form: RegExp, ...candidates: readonly (string | undefined)[]): string | undefined {
  return candidates.find((candidate) => candidate !== undefined && form.test(candidate));
}

function positive(text: string | undefined): number | undefined {
  return text !== undefined && /^[1-9]\d{0,8}$/u.test(text) ? Number(text) : undefined;
}

/** Variables through which a file is loaded before, or in place of, the function. */
const LOADERS = [
  'AWS_LAMBDA_EXEC_WRAPPER',
  'NODE_OPTIONS',
  'LD_PRELOAD',
  'LD_AUDIT',
  'NODE_EXTRA_CA_CERTS',
  '_HANDLER',
] as const;

function layerHints(env: Environment): readonly string[] {
  const words = LOADERS.flatMap((name) => (env[name] ?? '').split(/[\s=:,"']+/u));
  return [...new Set(words.filter((word) => word.startsWith('/opt/')))];
}
