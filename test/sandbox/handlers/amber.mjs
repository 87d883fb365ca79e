// The handlers of plain.mjs, each through withCapture; and some that are wrapped in another order, or twice.
import { withCapture } from '../../../src/host/wrap.ts';
import { handlers as plain, newStreamer } from './plain.mjs';

export const handlers = Object.fromEntries(Object.entries(plain).map(([name, handler]) => [name, withCapture(handler)]));

handlers.twice = withCapture(handlers.asynchronous);
if (globalThis.awslambda) {
  handlers.streamingInside = globalThis.awslambda.streamifyResponse(withCapture(newStreamer()), { highWaterMark: 4 });
}
