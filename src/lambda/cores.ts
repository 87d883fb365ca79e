/** How much CPU a function has: it grows with its memory. */

/** "At 1,769 MB, a function has the equivalent of one vCPU" (AWS, "Configure Lambda function memory"). */
const MB_A_CORE = 1769;

/**
 * Cores that the function may use, more than one included; undefined where its memory is not known (outside of Lambda).
 * One thread cannot use more than one.
 */
export function coresOf(env: NodeJS.ProcessEnv): number | undefined {
  const memoryMb = Number(env['AWS_LAMBDA_FUNCTION_MEMORY_SIZE'] ?? Number.NaN);
  return Number.isFinite(memoryMb) && memoryMb > 0 ? memoryMb / MB_A_CORE : undefined;
}
