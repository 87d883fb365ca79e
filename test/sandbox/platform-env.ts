/**
 * What the processes of a sandbox find in their environment: RIE internal/lambda/rapidcore/env/environment.go and
 * constants.go, and AWS, "Using Lambda environment variables".
 */
import type { PlatformOptions } from './platform-contracts.ts';

export const FUNCTION_NAME = 'sandboxed-function';
export const FUNCTION_ARN: string = `arn:aws:lambda:eu-central-1:123456789012:function:${FUNCTION_NAME}`;

export const TRACE_ID = 'Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled=0';

const MADE_UP = {
  accessKeyId: 'ASIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  sessionToken: 'IQoJb3JpZ2luX2VjEXAMPLETOKEN',
};

/** Everybody's: the function's own, the credentials, and the platform's. */
function sharedEnv(
  { env, memoryMb, managed, credentials = MADE_UP }: PlatformOptions,
  api: string,
): Record<string, string> {
  return {
    LANG: 'en_US.UTF-8',
    TZ: ':UTC',
    PATH: '/var/lang/bin:/usr/local/bin:/usr/bin:/bin:/opt/bin',
    LD_LIBRARY_PATH: '/var/lang/lib:/lib64:/usr/lib64:/opt/lib',
    ...env,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_SESSION_TOKEN: credentials.sessionToken,
    AWS_REGION: 'eu-central-1',
    AWS_DEFAULT_REGION: 'eu-central-1',
    AWS_LAMBDA_FUNCTION_NAME: FUNCTION_NAME,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMb ?? 512),
    AWS_LAMBDA_INITIALIZATION_TYPE: managed === true ? 'lambda-managed-instances' : 'on-demand',
    AWS_LAMBDA_RUNTIME_API: api,
    AWS_XRAY_CONTEXT_MISSING: 'LOG_ERROR',
  };
}

/** AgentExecEnv: without what begins with `_`, and without what is the runtime's alone. */
export function extensionEnv(options: PlatformOptions, api: string): Record<string, string> {
  return Object.fromEntries(Object.entries(sharedEnv(options, api)).filter(([key]) => !key.startsWith('_')));
}

export function runtimeEnv(options: PlatformOptions, api: string): Record<string, string> {
  return {
    ...sharedEnv(options, api),
    _HANDLER: options.handler ?? 'index.handler',
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    LAMBDA_TASK_ROOT: options.task === undefined ? '/' : '/var/task',
    LAMBDA_RUNTIME_DIR: '/var/runtime',
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${FUNCTION_NAME}`,
    AWS_LAMBDA_LOG_STREAM_NAME: '2026/01/31/[$LATEST]0123456789abcdef0123456789abcdef',
    ...(options.managed === true ? { AWS_LAMBDA_MAX_CONCURRENCY: '10' } : {}),
  };
}
