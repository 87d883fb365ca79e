/**
 * Arms the recorder of a Node process: one call at the end of init, before code of the function runs where a layer does
 * it; one at the beginning of each invocation. Hooks tell what happens, and checks compare what no hook tells of.
 */
import type { OwnRecord } from '../contracts/recorded.ts';
import { functionChecks, standingChecks, type Functions } from './checks/functions.ts';
import { makeTurns, type Turns } from './checks/check.ts';
import { moduleChecks, type ModuleChecks } from './checks/exports.ts';
import { inspectorCheck, prototypeChecks, variableChecks } from './checks/surroundings.ts';
import { KEPT } from './hooks/children.ts';
import type { Hook } from './hooks/hook.ts';
import { HOOKS } from './hooks/index.ts';
import { bindingsBarred, openScope } from './hooks/scope.ts';
import { openRecorder, type Recorder, type RecorderFacts } from './recorder.ts';
import { openRing, type Ring } from './ring.ts';
import type { Tail } from './tail.ts';

/** AMBER_RECORD, where it is not off. */
export type RecordLevel = 'events' | 'paths';

/** The recorder of this process, as hosts see it. */
export interface Recording {
  /** An invocation begins. Never throws. */
  readonly begins: (number: number) => void;
  readonly ring: () => Ring | undefined;
  /** What has happened since the last look of a detector. */
  readonly tail: Pick<Tail, 'take' | 'isDue'>;
  readonly facts: () => RecorderFacts & { readonly longestDelay: number };
  /** For a capture. */
  readonly own: () => OwnRecord;
}

/** What the host gives. */
export interface RecordingScope {
  readonly level: RecordLevel;
  readonly env: NodeJS.ProcessEnv;
  /** Functions of the language and of Node that are compared. */
  readonly functions: readonly Functions[];
  /** Other than the usual one for tests. */
  readonly openRing?: () => Ring;
  /** Other than all for tests. */
  readonly hooks?: readonly Hook[];
}

type Look = (recorder: Recorder) => void;

/** What is asked when an invocation begins. */
interface Asked {
  readonly turns: Turns;
  readonly each: readonly Look[];
  /** Set when the first invocation begins: node:module takes a third of a millisecond to load. */
  modules: ModuleChecks | undefined;
}

export function armRecorder({
  level,
  env,
  functions,
  openRing: open = openRing,
  hooks = HOOKS,
}: RecordingScope): Recording {
  const recorder = openRecorder(identity(), open);
  // User code may change its environment later; what was configured counts.
  const { scope, standing, afterInit } = openScope({ recorder, whole: level === 'paths', env: atInit(env) });
  for (const hook of hooks) {
    try {
      hook.arm(scope);
    } catch (error) {
      recorder.put('away', hook.name, { detail: { why: (error as NodeJS.ErrnoException).code ?? 'absent' } });
    }
  }
  const turns = makeTurns();
  const prototypes = prototypeChecks();
  turns.add([...functionChecks(functions), ...standingChecks(standing), ...variableChecks(env), ...prototypes.inTurns]);
  const asked: Asked = { turns, each: [prototypes.each, ...inspectorLooks(env)], modules: undefined };
  const restores = env['AWS_LAMBDA_INITIALIZATION_TYPE'] === 'snap-start';
  let hasBegun = false;
  const facts: Recording['facts'] = () => ({ ...recorder.facts(), longestDelay: turns.longest() });
  return {
    begins: (number) => {
      recorder.invocation = number;
      try {
        if (hasBegun) {
          ask(asked, recorder);
          return;
        }
        hasBegun = true;
        if (restores) recorder.renew('restored');
        for (const run of afterInit) run();
        asked.modules = moduleChecks(cacheOf());
        asked.turns.add(asked.modules.fresh());
      } catch {
        // The function has put something in the place of a built-in: its handler comes first, and checks tell of it.
      }
    },
    ring: recorder.ring,
    tail: recorder.tail,
    facts,
    own: () => ({ ...inMemory(recorder.ring()), facts: { ...facts() } }),
  };
}

/** A copy of the whole would ask for forty variables. */
function atInit(env: NodeJS.ProcessEnv): Record<string, string | undefined> {
  return Object.fromEntries([...KEPT, 'NODE_PENDING_DEPRECATION'].map((name) => [name, env[name]]));
}

/** A ring in a file is read as that of every other process is. */
function inMemory(ring: Ring | undefined): Pick<OwnRecord, 'bytes'> {
  return ring !== undefined && 'refused' in ring.place ? { bytes: ring.bytes() } : {};
}

function identity(): Parameters<typeof openRecorder>[0] {
  // The module is loaded in a thread, and costs a millisecond elsewhere.
  const loaded = (process as unknown as { moduleLoadList: readonly string[] }).moduleLoadList;
  const isThread = loaded.includes('NativeModule internal/main/worker_thread');
  const thread = isThread ? { detail: { thread: process.getBuiltinModule('node:worker_threads').threadId } } : {};
  return { language: `node ${process.versions.node}`, pid: process.pid, ...thread };
}

function ask({ turns, each, modules }: Asked, recorder: Recorder): void {
  for (const look of each) {
    try {
      look(recorder);
    } catch {
      // a getter in the place of what is compared
    }
  }
  if (!recorder.takeMoved()) {
    turns.next(recorder);
    return;
  }
  turns.add(modules?.fresh() ?? []);
  turns.all(recorder);
}

function inspectorLooks(env: NodeJS.ProcessEnv): Look[] {
  const url = bindingsBarred(env) === undefined ? inspectorUrl() : undefined;
  return url === undefined ? [] : [inspectorCheck(url)];
}

/** Without node:inspector, which takes three milliseconds to load. */
function inspectorUrl(): (() => string | undefined) | undefined {
  try {
    const { binding } = process as unknown as { binding: (name: string) => { url?: () => string | undefined } };
    const found = binding('inspector');
    return found.url === undefined ? undefined : () => found.url?.();
  } catch {
    return undefined;
  }
}

function cacheOf(): Parameters<typeof moduleChecks>[0] {
  return (process.getBuiltinModule('node:module') as unknown as { _cache: Parameters<typeof moduleChecks>[0] })._cache;
}
