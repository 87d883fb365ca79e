/**
 * Arms the recorder of a Node process: one call at the end of init, before code of the function runs where a layer does
 * it; one at the beginning of each invocation. Hooks tell what happens, and checks compare what no hook tells of.
 *
 * All that an idle function runs stands here: the ring with its first event, a stand-in at every place of a hook, and
 * what stood in the sandbox at init. What writes events is loaded at the first event, what compares at the second
 * invocation.
 */
import type { OwnRecord, RecordedNews } from '../contracts/recorded.ts';
import type { Armed, RecordingScope } from './armed.ts';
import { beginRing } from './begin.ts';
import type { Checks } from './checks/index.ts';
import { bindingOf, bindingsBarred, takePlaces } from './hooks/places.ts';
import { lateChecks, lateRecorder } from './load.ts';
import type { Recorder, RecorderFacts, RecorderIdentity } from './recorder.ts';
import type { Ring } from './ring.ts';

export type { RecordLevel } from './armed.ts';

/** The recorder of this process, as hosts see it. */
export interface Recording {
  /** An invocation begins. Never throws. */
  readonly begins: (number: number) => void;
  readonly ring: () => Ring | undefined;
  /** What has happened since the last look of a detector. */
  readonly tail: { readonly take: () => RecordedNews; readonly isDue: () => boolean };
  readonly facts: () => RecorderFacts & { readonly longestDelay: number };
  /** For a capture. */
  readonly own: () => OwnRecord;
}

export function armRecorder(given: RecordingScope): Recording {
  const { env, initial, isBare } = given;
  const identity = identityHere();
  const barred = bindingsBarred(initial);
  let recorder: Recorder | undefined;
  let checks: Checks | undefined;
  let number = 0;
  let isLoading = false;
  const load = (): Recorder | undefined => {
    if (recorder !== undefined || isLoading) return recorder;
    isLoading = true; // for good, if it fails: a function pays for that once
    recorder = lateRecorder().openArmed(armed);
    recorder.invocation = number;
    return recorder;
  };
  const needed = (): Recorder => load() ?? failed();
  const places = isBare === true ? undefined : takePlaces(barred, () => void load());
  const begun = identity.detail === undefined ? beginRing(identity.language) : undefined;
  const inspector = barred === undefined ? inspectorHere() : undefined;
  const armed: Armed = { ...given, identity, begun, places, inspector, polluted: namesInObjects() };
  if (begun === undefined || barred !== undefined || places?.hasFailed === true) load();
  const restores = env['AWS_LAMBDA_INITIALIZATION_TYPE'] === 'snap-start';
  const compare = (): Checks =>
    (checks ??= lateChecks().openChecks(armed, {
      put: (kind, subject, told) => load()?.put(kind, subject, told) === true,
    }));
  const facts: Recording['facts'] = () => ({ ...needed().facts(), longestDelay: compare().longest() });
  return {
    begins: (now) => {
      const isFirst = number === 0;
      number = now;
      if (recorder !== undefined) recorder.invocation = now;
      try {
        if (!isFirst) compare().ask();
        if (isFirst && restores) load()?.renew('restored');
      } catch {
        // The function has put something in the place of a built-in: its handler comes first, and checks tell of it.
      }
    },
    ring: () => needed().ring(),
    tail: { take: () => needed().tail.take(), isDue: () => recorder?.tail.isDue() === true },
    facts,
    own: () => lateRecorder().ownRecord(needed(), { ...facts() }),
  };
}

function failed(): never {
  throw new TypeError('absent');
}

function identityHere(): RecorderIdentity {
  const identity = { language: `node ${process.versions.node}`, pid: process.pid };
  // The module is loaded in a thread, and costs a millisecond elsewhere.
  const loaded = (process as unknown as { moduleLoadList: readonly string[] }).moduleLoadList;
  if (!loaded.includes('NativeModule internal/main/worker_thread')) return identity;
  return { ...identity, detail: { thread: process.getBuiltinModule('node:worker_threads').threadId } };
}

/** Without node:inspector, which takes three milliseconds to load. */
function inspectorHere(): Armed['inspector'] {
  try {
    const found = bindingOf('inspector') as { readonly url?: () => string | undefined };
    if (found.url === undefined) return undefined;
    const url = (): string | undefined => found.url?.();
    return { url, initial: url() };
  } catch {
    return undefined;
  }
}

function namesInObjects(): readonly string[] {
  const names: string[] = [];
  for (const name in Object.prototype) names.push(name);
  return names;
}
