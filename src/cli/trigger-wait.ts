/** `amber trigger --wait`: captures of one order, as they arrive. */
import { renderText } from '../case/view/safe-names.ts';
import { size } from '../case/view/size.ts';
import type { CaptureSummary } from '../case/store/list.ts';
import { isAmberError } from '../errors.ts';
import type { Order } from '../trigger/order.ts';
import type { Output } from './output.ts';
import type { OrdersOf } from './orders-of.ts';
import { many } from '../many.ts';

export interface WaitOptions {
  readonly forMs: number;
  readonly everyMs: number;
  readonly signal: AbortSignal;
}

export interface Waited {
  readonly captures: readonly CaptureSummary[];
  /** Log streams that were at work when the order was written. */
  readonly active: readonly string[];
}

/** Ends when every sandbox that was at work has been captured, the time is over, or the signal comes. */
export async function awaitCaptures(
  { captures: location, s3 }: OrdersOf,
  order: Order,
  active: readonly string[],
  out: Output,
  options: WaitOptions,
): Promise<Waited> {
  const { openPlace } = await import('../case/store/locate.ts');
  const { listCaptures } = await import('../case/store/list.ts');
  const found = new Map<string, CaptureSummary>();
  const endMs = Date.now() + options.forMs;
  while (location !== undefined) {
    try {
      const place = await openPlace(location, s3);
      try {
        for await (const one of listCaptures(place.store)) {
          if (one.order !== order.id || found.has(one.location)) continue;
          found.set(one.location, one);
          out.status('');
          out.line(
            `${out.paint('good', 'captured')} ${renderText(one.logStream ?? 'a sandbox')}: ${one.state}, ` +
              `${size(one.bytes)}, ${renderText(one.location)}`,
          );
        }
      } finally {
        place.close();
      }
    } catch (error) {
      // Before the first capture there is no folder.
      if (!isAmberError(error) || error.code !== 'CASE_MISSING') throw error;
    }
    const captured = new Set([...found.values()].map(({ logStream }) => logStream));
    if (active.length > 0 && active.every((name) => captured.has(name))) break;
    if (Date.now() >= endMs || options.signal.aborted) break;
    out.status(
      `${found.size} captured, ${many(active.length, 'sandbox was', 'sandboxes were')} at work; ` +
        `${Math.ceil((endMs - Date.now()) / 1000)} s left`,
    );
    await pause(Math.min(options.everyMs, Math.max(0, endMs - Date.now())), options.signal);
  }
  out.status('');
  return { captures: [...found.values()], active };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
