/**
 * A cap for all sandboxes of a function together, with PutObject alone: captures of a day have numbered slots, and a
 * sandbox claims one by writing its key with If-None-Match. One of all that try gets it (S3 User Guide, "conditional
 * writes").
 *
 * It guards against a detector that is wrong everywhere at once, not against an attacker: he has the same role, and can
 * claim every slot. Orders of responders need none.
 */
import { randomInt } from 'node:crypto';
import type { Cause, InvocationFacts, Config } from '../contracts/evidence.ts';
import { AmberError, describeError } from '../errors.ts';
import { readIdentity, type Identity } from '../lambda/identity.ts';
import { takeCredentials } from './credentials.ts';
import type { Fault, Reply } from './faults.ts';
import { encodeComponent } from './key.ts';
import { openLightCured } from './s3-light.ts';
import { destinationUrl, readSettings } from './s3-settings.ts';
import { many } from '../many.ts';

/** Puts an object that must not be there yet. */
export type PutNew = (name: string, body: Buffer, signal: AbortSignal) => Promise<Reply<unknown>>;

export interface SlotRequest {
  readonly config: Config;
  readonly invocation: InvocationFacts | undefined;
  readonly cause: Cause;
  readonly nowMs: number;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  /** In place of S3; for tests. */
  readonly put?: PutNew;
}

/** What came of a claim. `untilMs`: no slot is free before. */
export type Claim =
  | { readonly kind: 'claimed'; readonly slot: number }
  | { readonly kind: 'full'; readonly untilMs: number; readonly refused: AmberError };

const DAY_MS = 86_400_000;
/** Slots that one claim tries: of a cap above this some may stay free, and none is ever given twice. */
const MAX_TRIED = 32;
/** Attempts that may fail otherwise than by a slot that is taken. */
const MAX_FAULTS = 3;
/** After a fault the next claim waits so long. */
const AFTER_FAULT_MS = 60_000;

/** Folder of the slots of a day, below the prefix of the destination, where the function may write. */
export function slotFolder(account: string, region: string, functionName: string, nowMs: number): string {
  const parts = [
    `account=${encodeComponent(account)}`,
    `region=${encodeComponent(region)}`,
    `function=${encodeComponent(functionName)}`,
  ];
  return [...parts, 'slots', `date=${new Date(nowMs).toISOString().slice(0, 10)}`].join('/');
}

/** Claims a slot. Never throws: what prevents it is a `full`, because a cap that cannot be asked must hold. */
export async function claimSlot(request: SlotRequest): Promise<Claim> {
  const { config, nowMs } = request;
  const identity = readIdentity(request.env, request.invocation);
  try {
    const { put, close } =
      request.put === undefined ? await openPut(request, identity) : { put: request.put, close: () => undefined };
    try {
      return await tryAll(request, identity, put);
    } finally {
      close();
    }
  } catch (error) {
    return full(nowMs + AFTER_FAULT_MS, config, `a slot could not be claimed: ${describeError(error)}`);
  }
}

async function tryAll({ config, cause, nowMs, signal }: SlotRequest, identity: Identity, put: PutNew): Promise<Claim> {
  const folder = slotFolder(identity.account, identity.region, identity.functionName, nowMs);
  const cap = config.fleetCap;
  const first = randomInt(cap);
  const body = Buffer.from(
    `${JSON.stringify({
      logStream: identity.logStream,
      trigger: cause.trigger,
      reason: cause.reason.slice(0, 200),
      at: new Date(nowMs).toISOString(),
    })}\n`,
  );
  let fault: Fault | undefined;
  for (let tried = 0, faults = 0; tried < Math.min(cap, MAX_TRIED); tried += 1) {
    const slot = (first + tried) % cap;
    const reply = await put(`${folder}/slot-${String(slot).padStart(4, '0')}.json`, body, signal);
    if (reply.ok) return { kind: 'claimed', slot };
    if (reply.fault.status === 412) continue;
    // Not tried again: a lost answer may have claimed it, and then it counts as taken.
    fault = reply.fault;
    faults += 1;
    if (faults >= MAX_FAULTS || fault.status === 403 || signal.aborted) break;
  }
  if (fault !== undefined)
    return full(
      nowMs + AFTER_FAULT_MS,
      config,
      `a slot could not be claimed (${fault.status === undefined ? '' : `${String(fault.status)} `}${fault.code})`,
    );
  return full((Math.floor(nowMs / DAY_MS) + 1) * DAY_MS, config, 'every slot that was tried is taken');
}

function full(untilMs: number, { fleetCap }: Config, why: string): Claim {
  const message =
    `the sandboxes of this function may start ${many(fleetCap, 'capture')} a day on their own (AMBER_FLEET_CAP), ` +
    `and ${why}; none is tried before ${new Date(untilMs).toISOString()}`;
  return {
    kind: 'full',
    untilMs,
    refused: new AmberError('CAPTURE_LIMITED', message, { details: { limit: 'fleet' } }),
  };
}

async function openPut(
  { config, nowMs, env }: SlotRequest,
  identity: Identity,
): Promise<{ readonly put: PutNew; readonly close: () => void }> {
  const { account, region, functionName } = identity;
  const date = new Date(nowMs).toISOString().slice(0, 10);
  const settings = readSettings(
    destinationUrl(config.destination ?? ''),
    { captureId: '', account, region, functionName, date },
    config,
    env,
    await takeCredentials(env),
  );
  const transport = await openLightCured(settings);
  const { hash } = process.getBuiltinModule('node:crypto');
  return {
    close: transport.close,
    put: async (name, body, signal) => {
      const sha256 = hash('sha256', body, 'hex');
      const key = settings.prefix === '' ? name : `${settings.prefix}/${name}`;
      const object = {
        key,
        body: [body],
        bytes: body.length,
        sha256,
        checksum: Buffer.from(sha256, 'hex').toString('base64'),
      };
      return transport.put({ ...object, contentType: 'application/json', expectContinue: false }, signal);
    },
  };
}
