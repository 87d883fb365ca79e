/** Which of the two runtime clients runs the handler: they differ in what a handler may look like. */

/**
 * `v3`: nodejs18.x to nodejs22.x, callbacks allowed. `v4`: nodejs24.x, and every Node.js on Managed Instances; a
 * handler of three parameters is refused at init, and what a synchronous handler returns is its result.
 */
export type RuntimeGeneration = 'v3' | 'v4';

/** First major version of Node.js of which the managed runtime brings the v4 client. */
const FIRST_V4 = 24;

/**
 * Tells the generation without touching the client.
 *
 * Source: aws-lambda-nodejs-runtime-interface-client, `src/context/constants.ts`: the v4 client serves Node.js 24 and
 * above, and Node.js 22 where several invocations run at once.
 *
 * @param nodeVersion - as in `process.versions.node`.
 */
export function runtimeGeneration(
  env: Readonly<Record<string, string | undefined>>,
  nodeVersion: string = process.versions.node,
): RuntimeGeneration {
  const several = env['AWS_LAMBDA_MAX_CONCURRENCY'];
  if (several !== undefined && several !== '') return 'v4';
  return Number.parseInt(nodeVersion, 10) >= FIRST_V4 ? 'v4' : 'v3';
}
