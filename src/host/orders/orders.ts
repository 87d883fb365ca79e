/** Orders as one invocation meets them: read at its beginning, waited for where that is promised, asked for at its end. */
import type { InvocationFacts, OrderedCapture } from '../../contracts/evidence.ts';
import { tokenOf } from '../../trigger/event.ts';
import { fault } from '../wrapper/setup.ts';
import type { Watch } from '../wrapper/tracked-invocation.ts';

/**
 * Begins what reads orders beside the handler. Costs a comparison of times where nothing is to be read.
 *
 * @param heard - called when the order in the event has been judged
 */
export function beginOrders(watch: Watch, facts: () => InvocationFacts, heard: () => void): void {
  const { armed } = watch;
  armed.checks?.begin(watch.number, () => watch.isQuiet);
  if (!armed.hearsEvents) return;
  const token = tokenOf(watch.event, watch.context);
  if (token !== undefined) watch.asking = hear(watch, token, facts).then(heard);
}

async function hear(watch: Watch, token: string, facts: () => InvocationFacts): Promise<void> {
  try {
    const { judgeEvent, tookEvent } = await import('./event-order.ts');
    const order = judgeEvent(watch.armed, token, facts());
    if (order !== undefined) watch.order = { ...order, token, took: () => tookEvent(watch.armed, order) };
  } catch (error) {
    fault(watch.armed.ground, 'event', error);
  } finally {
    watch.asking = undefined;
  }
}

/**
 * What has to be waited for before it is known whether an order is due; undefined: nothing. Never rejects.
 *
 * @param atOnce - the handler has thrown before it waited for anything: it is not held for a read
 */
export function awaitOrders(watch: Watch, atOnce: boolean): Promise<unknown> | undefined {
  const { checks, config } = watch.armed;
  const leftMs = watch.deadlineMs === undefined ? Number.MAX_SAFE_INTEGER : watch.deadlineMs - config.marginMs - Date.now();
  const wait = watch.asking ?? (atOnce ? undefined : checks?.overdue(watch.number, leftMs));
  if (watch.isQuiet) {
    if (wait === undefined) checks?.letGo();
    else return wait.then(() => checks?.letGo());
  }
  return wait;
}

/** The orders that are due in this invocation; undefined: none. */
export function ordersFor(watch: Watch, facts: () => InvocationFacts): readonly OrderedCapture[] | undefined {
  const due = watch.armed.checks?.due(facts);
  if (due === undefined && watch.order === undefined) return undefined;
  return [...(due === undefined ? [] : [due]), ...(watch.order === undefined ? [] : [watch.order])];
}

/** A capture has begun: the order behind it, if there is one, is spent. */
export function spend(watch: Watch, ordered: OrderedCapture | undefined): void {
  if (ordered === undefined) return;
  if (ordered === watch.order) {
    watch.order.took();
    watch.order = undefined;
  } else {
    watch.armed.checks?.took(ordered);
  }
}
