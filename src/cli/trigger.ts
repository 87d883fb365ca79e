/** `amber trigger`: orders a capture, in the order of steps that destroys nothing. */
import { readFileSync } from 'node:fs';
import { asciiDocument } from '../case/view/ascii.ts';
import { renderText } from '../case/view/safe-names.ts';
import { AmberError } from '../errors.ts';
import type { Order } from '../trigger/order.ts';
import { textOption, type Command, type Invocation } from './command.ts';
import { ORDER_PLACE_OPTIONS, channelError, openOrdersOf, type OrdersOf } from './orders-of.ts';
import { ORDER_OPTIONS, wholeOption } from './order-options.ts';
import type { Output } from './output.ts';
import { makeOrder } from './trigger-order.ts';
import type { Waited } from './trigger-wait.ts';
import type { Values } from './option-values.ts';
import { many } from '../many.ts';

export const trigger: Command = {
  name: 'trigger',
  summary: 'Orders a capture of every sandbox of a function, warm ones included.',
  usage: 'FUNCTION --reason TEXT [--wait] [--sign KEYFILE] | --new-key DIR',
  details: `
Writes the control object first, and nothing before it: warm sandboxes read it at their next invocation. Frozen ones
need an invocation for that: --probe-payload sends some, and they run the function's code. Only if asked, and last,
--env-flag sets AMBER_CAPTURE=now: that starts new sandboxes and leaves the warm ones without invocations, so wait for
their captures first (--wait).
A signature holds in one channel alone (an S3 order is no event order). Layers older than this take such orders as well;
this layer refuses orders that an older command has signed, unless the function has AMBER_CONTROL_UNBOUND=1.
Exit code 0: written (with --wait: every sandbox that was at work has been captured). 1: some have not, when the time
was over. 2: the order would be refused. 3: it could not be written, with the action that is missing.

  amber trigger --new-key ./keys                       # once: a key pair; the public half goes into AMBER_CONTROL_KEY
  amber trigger checkout --reason "GuardDuty 42" --wait
  amber trigger checkout --reason "GuardDuty 42" --sign ./keys/amber-control.key --collect +process-memory
  amber trigger checkout --reason "GuardDuty 42" --sign ./keys/amber-control.key --log-stream '2026/11/24/[$LATEST]01…'
  amber trigger checkout --withdraw                    # the control object says idle again`,
  options: {
    ...ORDER_OPTIONS,
    wait: { type: 'boolean', description: 'Tell captures as they arrive.' },
    'wait-for': { type: 'string', value: 'SECONDS', description: 'How long; default 600.' },
    every: { type: 'string', value: 'SECONDS', description: 'How often captures are looked for; default 5.' },
    'probe-payload': {
      type: 'string',
      value: 'JSON|@FILE',
      description: 'Invoke the function with this, to thaw idle sandboxes. It runs the function.',
    },
    probes: {
      type: 'string',
      value: 'N',
      description: 'How many at once; default as many as sandboxes were at work, 50 at most.',
    },
    'env-flag': {
      type: 'boolean',
      description: 'At last, set AMBER_CAPTURE=now: new sandboxes capture, warm ones are orphaned.',
    },
    event: {
      type: 'boolean',
      description: 'Write nothing; print the signed order as an event carries it (an hour at most).',
    },
    withdraw: { type: 'boolean', description: 'Write the idle control object: the order ends.' },
    'dry-run': { type: 'boolean', description: 'Print the JSON that would be written, and write nothing.' },
    'new-key': { type: 'string', value: 'DIR', description: 'Make an Ed25519 key pair there, and nothing else.' },
    ...ORDER_PLACE_OPTIONS,
  },
  run: async (invocation) => {
    const { values, out } = invocation;
    const folder = textOption(values, 'new-key');
    if (folder !== undefined) return newKey(folder, out);
    const payload = payloadOf(values);
    const place = await openOrdersOf(invocation);
    try {
      if (values['withdraw'] === true) return await withdraw(place, values, out);
      const order = await makeOrder(place, values);
      if (values['event'] === true) return await tellToken(order, out);
      if (values['dry-run'] === true) {
        await tellDocument(place, order, out);
        return 0;
      }
      return await carryOut(place, order, payload, invocation);
    } finally {
      place.close();
    }
  },
};

async function newKey(folder: string, out: Output): Promise<number> {
  const { newControlKey } = await import('./control-keys.ts');
  const made = newControlKey(folder);
  out.json(made);
  out.line(`${renderText(made.privateFile)}  keep it out of AWS; orders are signed with it (--sign)`);
  out.line(`${renderText(made.publicFile)}  fingerprint ${made.fingerprint}`);
  out.line(`AMBER_CONTROL_KEY=${made.publicKey}`);
  return 0;
}

function payloadOf(values: Values): string | undefined {
  const given = textOption(values, 'probe-payload');
  if (given === undefined) return undefined;
  try {
    const text = given.startsWith('@') ? readFileSync(given.slice(1), 'utf8') : given;
    JSON.parse(text);
    return text;
  } catch (cause) {
    throw new AmberError(
      'USAGE',
      `--probe-payload is ${JSON.stringify(given.slice(0, 100))}; expected JSON, or @FILE with JSON in it, ` +
        "for example --probe-payload '{}'.",
      { cause },
    );
  }
}

async function tellToken(order: Order, out: Output): Promise<number> {
  const { EVENT_FIELD, EVENT_HEADERS } = await import('../trigger/event.ts');
  const token = Buffer.from(JSON.stringify(order)).toString('base64url');
  out.json({ order, field: EVENT_FIELD, header: EVENT_HEADERS[0], token });
  out.line(token);
  out.note(
    `Put it into the event as ${EVENT_FIELD}, into the header ${EVENT_HEADERS[0] ?? ''}, ` +
      `or into custom.${EVENT_FIELD} of the client context. It reaches the sandbox that gets it.`,
  );
  return 0;
}

async function withdraw(place: OrdersOf, values: Values, out: Output): Promise<number> {
  const idle = { amber: 1, state: 'idle' };
  if (values['dry-run'] === true) await tellDocument(place, idle, out);
  else {
    await write(place, idle);
    out.json({ order: idle, control: place.control, written: true });
    out.line(`${renderText(place.control)} says idle`);
  }
  return 0;
}

/** The document alone on standard output, as it would be written: it can be deployed by other means. */
async function tellDocument({ control }: OrdersOf, document: object, out: Output): Promise<void> {
  out.json({ order: document, control, written: false });
  if (!out.wantsJson) await out.write(`${asciiDocument(document)}\n`);
  out.note(`It would be written to ${control}`);
}

const WRITE_MS = 20_000;

async function write({ channel, control }: OrdersOf, document: object): Promise<void> {
  if (channel.onlyAtTheEnd === true)
    throw new AmberError(
      'USAGE',
      `${control} holds no order: what reaches the sandboxes that are left behind is AMBER_CAPTURE=now ` +
        'in the configuration of the function.',
    );
  if (channel.write === undefined)
    throw new AmberError(
      'USAGE',
      `${control} takes a deployment: put what --dry-run prints into the configuration profile and deploy it at once ` +
        '(aws appconfig start-deployment).',
    );
  const reply = await channel.write(
    Buffer.from(`${JSON.stringify(document, null, 1)}\n`),
    AbortSignal.timeout(WRITE_MS),
  );
  if (!reply.ok) throw channelError(control, 'write', reply.fault);
}

/** The steps, each only if asked for except the first. */
async function carryOut(
  place: OrdersOf,
  order: Order,
  payload: string | undefined,
  { values, out }: Invocation,
): Promise<number> {
  const { activeStreams } = await import('../acquire/coverage.ts');
  await write(place, order);
  const { target, aws } = place;
  out.line(`${out.paint('good', 'written')} ${renderText(place.control)}, order ${order.id}, until ${order.expires}`);
  tellWhen(place, order, out);
  const wantsStreams = values['wait'] === true || (payload !== undefined && values['probes'] === undefined);
  const nowMs = Date.now();
  const active = wantsStreams
    ? (
        await activeStreams(aws, target.logGroups, { sinceMs: nowMs - ACTIVE_MS, untilMs: nowMs }, target.region)
      ).streams.map(({ name }) => name)
    : [];
  const probes =
    payload === undefined ? [] : await sendProbes(place, payload, wholeOption(values, 'probes') ?? active.length, out);
  const waited = values['wait'] === true ? await wait(place, order, active, { values, out }) : undefined;
  if (values['env-flag'] === true) await flag(place, { waited: values['wait'] === true }, out);
  out.json({
    order,
    control: place.control,
    written: true,
    probes,
    envFlag: values['env-flag'] === true,
    ...(waited === undefined ? {} : { active: waited.active, captures: waited.captures }),
  });
  return waited === undefined ? 0 : tellWaited(waited, out);
}

/**
 * A sandbox that had an event within this may still be warm: idle ones are kept 5 to 15 minutes as a rule, busy ones
 * longer.
 */
const ACTIVE_MS = 30 * 60_000;
const MAX_PROBES = 50;

function tellWhen({ config, target }: OrdersOf, order: Order, out: Output): void {
  const ttl = Math.ceil((config.controlTtlMs * 1.2) / 1000);
  if (order.state === 'stop')
    out.line(`sandboxes stop capturing within ${ttl} s of invocations, until ${order.expires}`);
  else
    out.line(
      `warm sandboxes capture at an invocation within ${ttl} s of invocations, or at the next one; ` +
        'an orphaned one at SHUTDOWN, where it has the extension',
    );
  if (target.configuration.State === 'Inactive') out.note('The function is Inactive: it has no sandbox.');
}

async function sendProbes(
  { aws, target }: OrdersOf,
  payload: string,
  wanted: number,
  out: Output,
): Promise<readonly object[]> {
  const { probe } = await import('../acquire/act.ts');
  const count = Math.min(Math.max(1, wanted), MAX_PROBES);
  const answers = await probe(aws, target, payload, count);
  const failed = answers.filter(({ functionError }) => functionError !== undefined).length;
  out.line(`${many(count, 'probe')} sent${failed > 0 ? `, ${failed} answered with an error of the function` : ''}`);
  return answers;
}

const WAIT_SECONDS = 600;
const EVERY_SECONDS = 5;

async function wait(
  place: OrdersOf,
  order: Order,
  active: readonly string[],
  { values, out }: Pick<Invocation, 'values' | 'out'>,
): Promise<Waited> {
  const { awaitCaptures } = await import('./trigger-wait.ts');
  if (place.captures === undefined)
    throw new AmberError(
      'USAGE',
      'Where captures go is not known: the function has no AMBER_DESTINATION; give --captures LOCATION.',
    );
  const at = order.destination === undefined ? place : { ...place, captures: order.destination };
  const controller = new AbortController();
  const onSignal = (): void => controller.abort();
  process.once('SIGINT', onSignal);
  try {
    return await awaitCaptures(at, order, active, out, {
      forMs: 1000 * (wholeOption(values, 'wait-for') ?? WAIT_SECONDS),
      everyMs: 1000 * (wholeOption(values, 'every') ?? EVERY_SECONDS),
      signal: controller.signal,
    });
  } finally {
    process.removeListener('SIGINT', onSignal);
  }
}

function tellWaited({ captures, active }: Waited, out: Output): number {
  const captured = new Set(captures.map(({ logStream }) => logStream));
  const missing = active.filter((name) => !captured.has(name));
  out.line(
    `${many(captures.length, 'capture')}; ${active.length - missing.length} of the ` +
      `${many(active.length, 'sandbox', 'sandboxes')} that were ` +
      'at work',
  );
  for (const name of missing) out.line(`${out.paint('bad', 'not yet')} ${renderText(name)}`);
  return captures.length > 0 && missing.length === 0 ? 0 : 1;
}

async function flag({ aws, target }: OrdersOf, { waited }: { readonly waited: boolean }, out: Output): Promise<void> {
  const { setFlag } = await import('../acquire/act.ts');
  if (!waited)
    out.note(
      'The flag starts new sandboxes: warm ones that have not captured yet get no further invocation. ' +
        '--wait lets them capture first.',
    );
  await setFlag(aws, target);
  out.line('AMBER_CAPTURE=now is set: new sandboxes capture at their first invocation');
}
