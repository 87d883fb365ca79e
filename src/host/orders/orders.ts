/**
 * Orders as one invocation meets them: read at its beginning, waited for where that is promised, asked for at its end.
 */
import type { InvocationFacts, OrderedCapture } from '../../contracts/evidence.ts';
import { tokenOf } from '../../trigger/event.ts';
import { fault } from '../environment.ts';
import type { TrackedInvocation } from '../wrapper/setup.ts';

/**
 * Begins what reads orders beside the handler. Costs a comparison of times where nothing is to be read.
 *
 * @param heard - called when the order in the event has been judged
 */
export function beginOrders(tracked: TrackedInvocation, facts: () => InvocationFacts, heard: () => void): void {
  const { setup } = tracked;
  setup.poller?.begin(tracked.number, () => tracked.isQuiet);
  if (!setup.hearsEvents) return;
  const token = tokenOf(tracked.event, tracked.context);
  if (token !== undefined) tracked.asking = hear(tracked, token, facts).then(heard);
}

async function hear(tracked: TrackedInvocation, token: string, facts: () => InvocationFacts): Promise<void> {
  try {
    const { judgeEvent, markEventConsumed } = await import('./event-order.ts');
    const order = judgeEvent(tracked.setup, token, facts());
    if (order !== undefined) tracked.order = { ...order, token, took: () => markEventConsumed(tracked.setup, order) };
  } catch (error) {
    fault(tracked.setup.environment, 'event', error);
  } finally {
    tracked.asking = undefined;
  }
}

/**
 * What has to be waited for before it is known whether an order is due; undefined: nothing. Never rejects.
 *
 * @param atOnce - the handler has thrown before it waited for anything: it is not held for a read
 */
export function awaitOrders(
  tracked: TrackedInvocation,
  { atOnce }: { readonly atOnce: boolean },
): Promise<unknown> | undefined {
  const { poller, config } = tracked.setup;
  const leftMs =
    tracked.deadlineMs === undefined ? Number.MAX_SAFE_INTEGER : tracked.deadlineMs - config.marginMs - Date.now();
  const wait = tracked.asking ?? (atOnce ? undefined : poller?.pendingRead(tracked.number, leftMs));
  if (tracked.isQuiet) {
    if (wait === undefined) poller?.cancelRead();
    else return wait.then(() => poller?.cancelRead());
  }
  return wait;
}

/** The orders that are due in this invocation; undefined: none. */
export function ordersFor(
  tracked: TrackedInvocation,
  facts: () => InvocationFacts,
): readonly OrderedCapture[] | undefined {
  const due = tracked.setup.poller?.due(facts);
  if (due === undefined && tracked.order === undefined) return undefined;
  return [...(due === undefined ? [] : [due]), ...(tracked.order === undefined ? [] : [tracked.order])];
}

/** A capture has begun: the order behind it, if there is one, is spent. */
export function spend(tracked: TrackedInvocation, ordered: OrderedCapture | undefined): void {
  if (ordered === undefined) return;
  if (ordered === tracked.order) {
    tracked.order.took();
    tracked.order = undefined;
  } else {
    tracked.setup.poller?.markConsumed(ordered);
  }
}
