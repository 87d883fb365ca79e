/** Hands a due capture to the extension, where one listens: so that neither the caller nor the main thread carries it. */
import { connect } from 'node:net';
import type { CaptureRequest } from '../capture.ts';
import type { Config } from '../config.ts';
import { fault, type Armed } from './armed.ts';
import { isExtension, listeningInode } from './hint-listener.ts';
import { policyPrint, socketName, Wire, type Hint } from './hint-wire.ts';
import { firstTime } from './state.ts';

/** Without an answer within this the capture is made in process. Both sides share the CPU of the function, so it is of a whole core. */
const ACK_MS = 20;
const MOST_ACK_MS = 200;
/** An order is read anew by the extension before it says what becomes of it. */
const VERDICT_MS = 400;
const GOT_MS = 1000;

/** What is handed over, beside the request itself. */
export interface HandOver {
  readonly armed: Armed;
  readonly request: CaptureRequest;
  /** The order as it stood in the event. */
  readonly token: string | undefined;
}

/**
 * Offers the capture to the extension.
 *
 * @returns true once nobody need wait for it any more: the extension has what only this process knows, and either keeps the
 *   sandbox awake, or has ended. False: nobody listens, or not for this; the capture is to be made in process. Never rejects.
 */
export async function handOver(given: HandOver): Promise<boolean> {
  const { armed, request } = given;
  let wire: Wire | undefined;
  try {
    const name = mayHandOver(request) ? socketName() : undefined;
    const inode = name === undefined ? undefined : listeningInode(name);
    if (name === undefined || inode === undefined) return false;
    wire = new Wire(connect({ path: `\0${name}` }), true);
    const pid = (await wire.hear(1024, Math.min(MOST_ACK_MS, ACK_MS / Math.min(1, armed.cores ?? 1))))?.['pid'];
    if (pid === undefined) return false;
    if (isExtension(pid, inode)) return await offer(wire, given);
    if (firstTime(armed.state, 'hint')) armed.ground.log('fault', { where: 'hint', error: 'somebody other than the extension listens in its place: the capture is made in process' });
    return false;
  } catch (error) {
    fault(armed.ground, 'hint', error);
    return false;
  } finally {
    wire?.close();
  }
}

/** Code waits for the report of its own capture; what only code knows, or is too large to pass on, stays here. */
function mayHandOver({ cause, config }: CaptureRequest): boolean {
  return cause.trigger !== 'call' && !asksForMore(config) && process.getBuiltinModule('node:worker_threads').isMainThread;
}

function asksForMore({ collectors, destinations, collect }: Config): boolean {
  return collectors.length + destinations.length > 0 || collect.findLast((item) => item.slice(1) === 'heap')?.startsWith('+') === true;
}

async function offer(wire: Wire, { armed, request, token }: HandOver): Promise<boolean> {
  const { cause, invocation, hardStopMs } = request;
  const hint: Hint = { trigger: cause.trigger, reason: cause.reason, requestId: invocation?.requestId, order: cause.order?.id, token, policy: policyPrint(armed.config) };
  wire.say(hint);
  const verdict = await wire.hear(4096, VERDICT_MS);
  const answer = String(verdict?.['verdict']);
  if (verdict === undefined || !['taken', 'running', 'done'].includes(answer)) return false;
  const told = { trigger: cause.trigger, reason: cause.reason, verdict: answer, held: verdict['held'] === true };
  if (answer === 'done') {
    armed.ground.log('handed', told);
    return true;
  }
  const { gatherFacts } = await import('./hint-facts.ts');
  const facts = await gatherFacts(request);
  wire.say(facts);
  if ((await wire.hear(1024, Math.min(GOT_MS, hardStopMs - Date.now()))) === undefined) return false;
  armed.ground.log('handed', { ...told, entries: facts.entries.length, ...facts.cost });
  return told.held || (await untilFree(wire, hardStopMs));
}

/** Until the extension says that the sandbox stays awake for it, or how the capture has ended. */
async function untilFree(wire: Wire, hardStopMs: number): Promise<boolean> {
  const line = await wire.hear(1024, hardStopMs - Date.now());
  return line?.['held'] === true || line?.['ended'] === 'whole' || line?.['ended'] === 'cut';
}
