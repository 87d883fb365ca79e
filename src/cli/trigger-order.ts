/** The order that `amber trigger` writes: signed where asked for, and judged before anything is written. */
import { AmberError } from '../errors.ts';
import { IN_EVENTS } from '../trigger/order-binding.ts';
import type { Order } from '../trigger/order.ts';
import { textOption } from './command.ts';
import { orderFrom } from './order-options.ts';
import type { Values } from './option-values.ts';
import type { OrdersOf } from './orders-of.ts';

/** The order, judged as a sandbox will judge it: what it would refuse is not written. @throws AmberError USAGE. */
export async function makeOrder(place: OrdersOf, values: Values): Promise<Order> {
  const { callerOf } = await import('../acquire/act.ts');
  const { judgeOrder } = await import('../trigger/order-judge.ts');
  const requester = textOption(values, 'requester') ?? (await callerOf(place.aws));
  if (requester === undefined)
    throw new AmberError('USAGE', 'Who asks is not known: sts:GetCallerIdentity gave no answer; say --requester WHO.');
  const isEvent = values['event'] === true;
  const unsigned = orderFrom(values, place.target.functionName, requester, isEvent ? IN_EVENTS : place.control);
  const keyFile = textOption(values, 'sign');
  const order = keyFile === undefined ? unsigned : await sign(unsigned, keyFile);
  const verdict = judgeOrder(Buffer.from(JSON.stringify(order)), {
    config: place.config,
    channel: place.control,
    trigger: isEvent ? 'event' : 'control',
    nowMs: Date.now(),
    needsSignature: isEvent,
    ...(isEvent ? { maxLifeMs: 3_600_000 } : {}),
  });
  if (verdict.kind === 'refused')
    throw new AmberError('USAGE', `${place.target.functionName} would refuse this order: ${verdict.reason}`, {
      details: { refused: verdict.why },
    });
  return order;
}

async function sign(order: Order, keyFile: string): Promise<Order> {
  const { readControlKey } = await import('./control-keys.ts');
  const { signOrder } = await import('../trigger/order-signature.ts');
  return signOrder(order, readControlKey(keyFile));
}
