// A function that asks for a capture itself, without its context.
import { existsSync } from 'node:fs';

const { capture, withCapture } = await import(process.env.SANDBOX_LIBRARY ?? '../../../src/index.ts');

export const handler = withCapture(async ({ until, asks }, context) => {
  while (until !== undefined && !existsSync(until)) await new Promise((done) => setTimeout(done, 20));
  if (asks !== true) return context.awsRequestId;
  const { state, cause, location } = await capture('a web shell was uploaded');
  return {
    state,
    reason: cause.reason,
    location,
    requestId: context.awsRequestId,
    deadlineMs: Date.now() + context.getRemainingTimeInMillis(),
  };
});
