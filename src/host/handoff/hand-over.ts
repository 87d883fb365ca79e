/**
 * Hands a due capture to the extension, where one listens: so that neither the caller nor the main thread carries it.
 */
import { connect } from 'node:net';
import type { CaptureRequest } from '../../capture/capture.ts';
import type { HostSetup } from '../wrapper/setup.ts';
import { isExtension, listeningInode } from './listener.ts';
import { policyPrint, socketName, HandoffConnection, type HandoffRequest } from './connection.ts';
import { firstTime } from '../limits/state.ts';
import type { Config } from '../../contracts/evidence.ts';
import { fault } from '../environment.ts';

/**
 * Without an answer within this the capture is made in process. Both sides share the CPU of the function, so it is of a
 * whole core.
 */
const ACK_MS = 20;
const MAX_ACK_MS = 200;
/** An order is read anew by the extension before it says what becomes of it. */
const VERDICT_MS = 400;
const GOT_MS = 1000;

/** What is handed over, beside the request itself. */
export interface HandOver {
  readonly setup: HostSetup;
  readonly request: CaptureRequest;
  /** The order as it stood in the event. */
  readonly token: string | undefined;
}

/**
 * Offers the capture to the extension.
 *
 * @returns true once nobody need wait for it any more: the extension keeps the sandbox awake until it has what only
 *   this
 *   process knows, or has that and has ended. False: nobody listens, or not for this; the capture is to be made in
 *   process. Never rejects.
 */
export async function handOver(given: HandOver): Promise<boolean> {
  const { setup, request } = given;
  let connection: HandoffConnection | undefined;
  let after: Promise<unknown> | undefined;
  try {
    const name = mayHandOver(request) ? socketName() : undefined;
    const inode = name === undefined ? undefined : listeningInode(name);
    if (name === undefined || inode === undefined) return false;
    connection = new HandoffConnection(connect({ path: `\0${name}` }), { keepsAlive: true });
    const pid = (await connection.readMessage(1024, Math.min(MAX_ACK_MS, ACK_MS / Math.min(1, setup.cores ?? 1))))?.[
      'pid'
    ];
    if (pid === undefined) return false;
    if (isExtension(pid, inode)) {
      const offered = await offer(connection, given);
      after = offered.after;
      return offered.isTaken;
    }
    if (firstTime(setup.state, 'hint'))
      setup.environment.log('fault', {
        where: 'hint',
        error: 'somebody other than the extension listens in its place: the capture is made in process',
      });
    return false;
  } catch (error) {
    fault(setup.environment, 'hint', error);
    return false;
  } finally {
    if (after === undefined) connection?.close();
    else
      void after.catch((error: unknown) => fault(setup.environment, 'hint', error)).finally(() => connection?.close());
  }
}

/** Code waits for the report of its own capture; what only code knows, or is too large to pass on, stays here. */
function mayHandOver({ cause, config }: CaptureRequest): boolean {
  // the extension knows no trigger of code
  if (config.triggers.some(({ name }) => name === cause.trigger)) return false;
  return (
    cause.trigger !== 'call' && !asksForMore(config) && process.getBuiltinModule('node:worker_threads').isMainThread
  );
}

function asksForMore({ collectors, destinations, collect }: Config): boolean {
  return (
    collectors.length + destinations.length > 0 ||
    collect.findLast((item) => item.slice(1) === 'heap')?.startsWith('+') === true
  );
}

interface Offered {
  readonly isTaken: boolean;
  /** What goes on over the wire meanwhile. */
  readonly after?: Promise<unknown>;
}

async function offer(connection: HandoffConnection, given: HandOver): Promise<Offered> {
  const {
    setup,
    request: { cause, invocation, hardStopMs },
    token,
  } = given;
  const request: HandoffRequest = {
    trigger: cause.trigger,
    reason: cause.reason,
    requestId: invocation?.requestId,
    order: cause.order?.id,
    token,
    policy: policyPrint(setup.config),
  };
  connection.writeMessage(request);
  const verdict = await connection.readMessage(4096, VERDICT_MS);
  const answer = String(verdict?.['verdict']);
  if (verdict === undefined || !['taken', 'running', 'done'].includes(answer)) return { isTaken: false };
  const told = { trigger: cause.trigger, reason: cause.reason, verdict: answer, held: verdict['held'] === true };
  if (answer === 'done') {
    setup.environment.log('handed', told);
    return { isTaken: true };
  }
  // The platform freezes nothing until the extension has asked for its next event: the answer need not wait for us.
  if (told.held) return { isTaken: true, after: tell(connection, given, told) };
  return { isTaken: (await tell(connection, given, told)) && (await untilFree(connection, hardStopMs)) };
}

/** Hands over what only this process knows: true once the extension has it. */
async function tell(
  connection: HandoffConnection,
  { setup, request }: HandOver,
  told: Readonly<Record<string, unknown>>,
): Promise<boolean> {
  const { gatherFacts } = await import('./facts.ts');
  const facts = await gatherFacts(request);
  connection.writeMessage(facts);
  if ((await connection.readMessage(1024, Math.min(GOT_MS, request.hardStopMs - Date.now()))) === undefined)
    return false;
  setup.environment.log('handed', { ...told, entries: facts.entries.length, ...facts.cost });
  return true;
}

/** Until the extension says that the sandbox stays awake for it, or how the capture has ended. */
async function untilFree(connection: HandoffConnection, hardStopMs: number): Promise<boolean> {
  const line = await connection.readMessage(1024, hardStopMs - Date.now());
  return line?.['held'] === true || line?.['ended'] === 'whole' || line?.['ended'] === 'cut';
}
