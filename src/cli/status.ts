/** `amber status`: who has been captured, what is ordered, what the fleet cap has left. */
import type { CaptureSummary } from '../case/store/list.ts';
import type { LeaveOut } from '../case/store/store.ts';
import { renderText } from '../case/view/safe-names.ts';
import { parseBucketUrl } from '../config/destination.ts';
import { defined } from '../defined.ts';
import { isAmberError } from '../errors.ts';
import { windowOption } from './aws-options.ts';
import { textOption, type Command } from './command.ts';
import { ORDER_PLACE_OPTIONS, openFunctionPlace, channelError, type FunctionPlace } from './orders-of.ts';
import { LEFT_OUT, leftOutLines } from './left-out.ts';
import type { Output } from './output.ts';
import { MAX_ORDER_BYTES } from '../trigger/order.ts';
import type { Values } from './option-values.ts';
import { many } from '../many.ts';

export const status: Command = {
  name: 'status',
  summary: 'Tells which sandboxes of a function have been captured, and what is ordered.',
  usage: 'FUNCTION [--since TIME]',
  details: `
Coverage is sandboxes captured out of those that were at work in the window: one log stream each. CloudWatch shows a new
stream after some seconds and its last event after some minutes, so ask again. The control object is judged as a sandbox
judges it; a function without one has coverage all the same. Changes nothing.
A capture that is not read covers no sandbox. ${LEFT_OUT}
Exit code 0: nothing is wrong. 1: the control object would be refused. 3: it or a place of captures cannot be read.

  amber status checkout --since 2h`,
  options: {
    since: {
      type: 'string',
      value: 'TIME',
      description: 'Begin of the window: 2025-06-30T09:00Z, or so long ago: 90m, 24h; default 1h.',
    },
    until: { type: 'string', value: 'TIME', description: 'End of the window; default now.' },
    ...ORDER_PLACE_OPTIONS,
  },
  run: async (invocation) => {
    const { values, out } = invocation;
    const nowMs = Date.now();
    const { sinceMs = nowMs - HOUR_MS, untilMs = nowMs } = windowOption(values);
    const place = await openFunctionPlace(invocation);
    try {
      const { activeStreams } = await import('../acquire/coverage.ts');
      const ordered = await orderNow(place, nowMs);
      const { leave, unread, notFollowed } = leftOutLines(out);
      const captures = await capturesSince(place, { sinceMs, untilMs }, leave);
      const { streams, capped } = await activeStreams(
        place.aws,
        place.target.logGroups,
        { sinceMs, untilMs },
        place.target.region,
      );
      const captured = new Set(captures.map(({ logStream }) => logStream));
      const slots = await slotsOf(place, values, nowMs);
      const missing = streams.filter(({ name }) => !captured.has(name)).map(({ name }) => name);
      const figures: Figures = {
        ordered,
        captures,
        active: streams.length,
        covered: streams.length - missing.length,
        missing,
        capped,
        slots,
      };
      out.json({
        functionArn: place.target.functionArn,
        since: new Date(sinceMs).toISOString(),
        until: new Date(untilMs).toISOString(),
        control: place.orders?.control ?? null,
        ...figures,
        unread,
        notFollowed,
      });
      tell(place, figures, out);
      if (ordered.state === 'refused') return 1;
      return unread.length > 0 ? 3 : 0;
    } finally {
      place.close();
    }
  },
};

const HOUR_MS = 3_600_000;
const READ_MS = 20_000;

interface Ordered {
  /** `none`: the function reads no orders. */
  readonly state: 'none' | 'idle' | 'pending' | 'stop' | 'expired' | 'refused';
  readonly reason?: string;
  readonly id?: string;
  readonly requester?: string;
  readonly expires?: string;
  readonly signed?: boolean;
}

interface Figures {
  readonly ordered: Ordered;
  readonly captures: readonly CaptureSummary[];
  /** Log streams in the window, those of them that were captured, and the others. */
  readonly active: number;
  readonly covered: number;
  readonly missing: readonly string[];
  readonly capped: boolean;
  /** Slots of the fleet cap that are taken today; undefined where there is no cap, or they cannot be listed. */
  readonly slots: { readonly cap: number; readonly taken: number } | undefined;
}

/** @throws AmberError ACQUIRE_* when the channel cannot be read. */
async function orderNow({ orders, config }: FunctionPlace, nowMs: number): Promise<Ordered> {
  if (orders === undefined)
    return { state: 'none', reason: 'AMBER_CONTROL is not set, so no order reaches its warm sandboxes' };
  const { channel, control } = orders;
  const { judgeOrder } = await import('../trigger/order-judge.ts');
  const reply = await channel.read(MAX_ORDER_BYTES, AbortSignal.timeout(READ_MS));
  if (!reply.ok) {
    if (reply.fault.code === 'AnswerTooLong')
      return { state: 'refused', reason: `it is longer than ${MAX_ORDER_BYTES} bytes` };
    throw channelError(control, 'read', reply.fault);
  }
  if (reply.value.state === 'unchanged') return { state: 'idle' };
  const verdict = judgeOrder(reply.value.body, { config, channel: control, trigger: 'control', nowMs });
  if (verdict.kind === 'idle') return { state: 'idle' };
  if (verdict.kind === 'refused')
    return {
      state: verdict.why === 'expired' ? 'expired' : 'refused',
      reason: verdict.reason,
      ...defined({ id: verdict.id }),
    };
  const { id, expires, requester, reason, state } = verdict.order;
  return {
    state: state === 'stop' ? 'stop' : 'pending',
    id,
    expires,
    requester,
    reason,
    signed: verdict.record.signedBy !== undefined,
  };
}

async function capturesSince(
  { captures: location, s3 }: FunctionPlace,
  { sinceMs, untilMs }: { readonly sinceMs: number; readonly untilMs: number },
  leave: LeaveOut,
): Promise<readonly CaptureSummary[]> {
  if (location === undefined) return [];
  const { openPlace } = await import('../case/store/locate.ts');
  const { listCaptures } = await import('../case/store/list.ts');
  const found: CaptureSummary[] = [];
  try {
    const place = await openPlace(location, s3);
    try {
      for await (const one of listCaptures(place.store, leave)) {
        if (one.state === 'unreadable') leave({ path: one.location, kind: 'unread', why: one.reason ?? '' });
        const startedMs = Date.parse(one.started ?? '');
        if (one.trigger !== 'collect' && startedMs >= sinceMs && startedMs <= untilMs) found.push(one);
      }
    } finally {
      place.close();
    }
  } catch (error) {
    if (!isAmberError(error) || error.code !== 'CASE_MISSING') throw error;
  }
  return found;
}

async function slotsOf(
  { config, target, s3 }: FunctionPlace,
  values: Values,
  nowMs: number,
): Promise<Figures['slots']> {
  const place = parseBucketUrl(textOption(values, 'captures') === undefined ? (config.destination ?? '') : '');
  if (config.fleetCap === 0 || !place.ok) return undefined;
  const { bucket, prefix } = place.value;
  const { openS3Reader } = await import('../ship/s3-read.ts');
  const { slotFolder } = await import('../ship/slots.ts');
  const reader = await openS3Reader(bucket, s3);
  try {
    const folder = `${slotFolder(target.account, target.region, target.functionName, nowMs)}/`;
    const { objects } = await reader.children(prefix === '' ? folder : `${prefix}/${folder}`);
    return { cap: config.fleetCap, taken: objects.length };
  } finally {
    reader.close();
  }
}

const MAX_NAMED = 20;

function tell(
  { orders }: FunctionPlace,
  { ordered, captures, active, covered, missing, capped, slots }: Figures,
  out: Output,
): void {
  const tone =
    ordered.state === 'refused' ? 'bad' : ordered.state === 'idle' || ordered.state === 'none' ? 'dim' : 'strong';
  const who =
    ordered.requester === undefined
      ? ''
      : ` by ${ordered.requester}, ${ordered.signed === true ? 'signed' : 'not signed'}, until ` +
        (ordered.expires ?? '');
  out.line(
    `control   ${out.paint(tone, ordered.state)}${orders === undefined ? '' : ` ${renderText(orders.control)}`}` +
      renderText(`${who}${ordered.reason === undefined ? '' : `: ${ordered.reason}`}`),
  );
  out.line(
    `coverage  ${covered} of ${active}${capped ? ' or more' : ''} ` +
      `${active === 1 ? 'sandbox that was' : 'sandboxes that were'} at ` +
      `work ${active === 1 ? 'has' : 'have'} been captured (${many(captures.length, 'capture')})`,
  );
  for (const name of missing.slice(0, MAX_NAMED)) out.line(`          not yet  ${renderText(name)}`);
  if (missing.length > MAX_NAMED) out.line(`          and ${missing.length - MAX_NAMED} more`);
  if (slots === undefined) out.line('fleet cap off (AMBER_FLEET_CAP)');
  else
    out.line(
      `fleet cap ${slots.taken} of ${many(slots.cap, 'slot of today is', 'slots of today are')} ` +
        'taken' +
        (slots.taken >= slots.cap ? out.paint('bad', ': no capture starts on its own before midnight UTC') : ''),
    );
}
