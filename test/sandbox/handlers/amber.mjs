// The handlers of plain.mjs, each through withCapture; and some that are wrapped in another order, or twice.
import { handlers as plain, newStreamer } from './plain.mjs';

// The library as it is published, where the test has built it: it loads in a tenth of the time of its sources.
const { withCapture } = await import(process.env.SANDBOX_LIBRARY ?? '../../../src/index.ts');

export const handlers = Object.fromEntries(
  Object.entries(plain).map(([name, handler]) => [name, withCapture(handler)]),
);

handlers.twice = withCapture(handlers.asynchronous);
if (globalThis.awslambda) {
  handlers.streamingInside = globalThis.awslambda.streamifyResponse(withCapture(newStreamer()), { highWaterMark: 4 });
}
