/**
 * What the end of a sandbox needs is made ready after the first answer, when nobody waits: the engine is loaded, one
 * capture is rehearsed with a destination that keeps nothing, and the scanner is opened. A function of 128 MB has 140
 * ms of CPU in the two seconds of its shutdown. Loading and running code for the first time would take all of it.
 */
import type { Destination, DestinationProvider, FindingsReport, Receipt } from '../../contracts/evidence.ts';
import { describeError } from '../../errors.ts';
import { besideOf } from './black-box.ts';
import { configAtTheEnd, lastCapture } from './capture.ts';
import { handleFindings } from './orders.ts';
import { tuneForIdle } from './settle.ts';
import { doneWithin, loadMonitor, scan, currentFacts, type ExtensionState, type Sight } from './state.ts';

/** Longest wait for the end of the first invocation, beyond its deadline: the platform may never say. */
const GRACE_MS = 200;
const REHEARSAL_MS = 5000;
/** The second time runs what the first has compiled, and has it compiled further. */
const REHEARSALS = 1;

/** Waits until the platform says that the invocation is over; false if it did not before the deadline. */
export async function invocationOver(state: ExtensionState): Promise<boolean> {
  const { invocation } = state;
  if (invocation === undefined || !state.telemetry) return false;
  return doneWithin(state, invocation, (invocation.event.deadlineMs ?? Date.now()) - Date.now() - GRACE_MS);
}

/** Once in a life. Never rejects. */
export async function prepare(state: ExtensionState): Promise<void> {
  const { sight, captures } = state;
  if (sight.prepared) return;
  sight.prepared = true;
  try {
    sight.init = initBefore({ init: sight.init, invocation: state.invocation });
    await loadMonitor(state);
    await handleFindings(state, await scan(state));
    for (let time = 0; time < REHEARSALS && captures.running === undefined; time += 1) await rehearse(state);
    tuneForIdle();
  } catch (error) {
    state.environment.log('fault', { where: 'extension', what: 'prepare', error: describeError(error) });
  }
}

/**
 * The end of init, as the platform tells it with the end of the first invocation: we hear of its beginning late where
 * the handler has the CPU, and what it does by then would count for init's. Anybody here can post what the platform
 * posts, so that this moves init to an earlier moment alone, and not before our own start: then more is new.
 */
export function initBefore({
  init,
  invocation,
}: Pick<Sight, 'init'> & Pick<ExtensionState, 'invocation'>): Sight['init'] {
  const startedMs = invocation?.number === 1 ? invocation.done?.startedMs : undefined;
  if (init === undefined || startedMs === undefined) return init;
  const earlierMs = Math.min(Math.max(0, init.ms - startedMs), init.uptimeSeconds * 1000);
  return { ...init, ms: init.ms - earlierMs, uptimeSeconds: init.uptimeSeconds - earlierMs / 1000 };
}

async function rehearse(state: ExtensionState): Promise<void> {
  const engine = await state.environment.engine();
  let met: Promise<unknown> | undefined;
  await engine({
    cause: { trigger: 'shutdown', reason: 'rehearsal' },
    config: {
      ...configAtTheEnd(state, { contents: false }),
      destination: 'rehearsal://none',
      destinations: [
        rehearsal(state, (connection) => {
          met = connection;
        }),
      ],
    },
    invocation: currentFacts(state),
    hardStopMs: Date.now() + REHEARSAL_MS,
    inProcess: false,
    quiet: true,
    ...besideOf(state),
    last: lastCapture(state, { contents: false }),
    findings: () => Promise.resolve(state.sight.monitor?.snapshot() ?? NOTHING_FOUND),
  });
  await met;
}

const NOTHING_FOUND: FindingsReport = {
  by: 'extension',
  findings: [],
  threshold: 'off',
  baselineMs: undefined,
  failed: {},
  left: [],
};

/** Does what the real destination would up to the last step, where that leaves nothing there, and keeps nothing. */
function rehearsal({ config }: ExtensionState, met: (connection: Promise<unknown>) => void): DestinationProvider {
  const receipt: Receipt = { state: 'stored', attempts: 1 };
  const nowhere: Destination = {
    location: 'nowhere',
    put: () => Promise.resolve(receipt),
    commit: () => Promise.resolve(receipt),
    close: () => undefined,
  };
  return {
    name: 'rehearsal',
    protocol: 'rehearsal:',
    description: 'Keeps nothing.',
    open: async (_, capture): Promise<Destination> => {
      if (config.destination?.startsWith('s3:') !== true) return nowhere;
      const { openRehearsal } = await import('../../ship/rehearsal.ts');
      const opened = await openRehearsal(config.destination, capture, config).catch(() => undefined);
      if (opened !== undefined) met(opened.met);
      return opened?.destination ?? nowhere;
    },
  };
}
