// A collector of your own is a plain object like Amber's: a name, a tier (when it is read) and entries.
import { capture, withCapture } from 'lambda-amber';

const queue = [];

const pendingOrders = {
  name: 'pending-orders',
  description: 'orders that this sandbox took and has not written yet',
  tier: 'volatile',
  *collect() {
    yield {
      kind: 'json',
      path: 'live_response/pending-orders.json',
      source: 'orders',
      method: 'api',
      value: { queue },
    };
  },
};

export const handler = withCapture(async (event, context) => {
  queue.push({ id: event.id, apiKey: event.apiKey }); // the capture redacts `apiKey` by its name
  if (event.suspicious) {
    const report = await capture({ reason: 'order looks forged', context, collectors: [pendingOrders], cooldownMs: 0 });
    return { captured: report.captureId, state: report.state };
  }
  return { queued: queue.length };
});
