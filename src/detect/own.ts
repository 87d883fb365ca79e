/** What only the process itself knows of itself, out of what its host has noted since init. */
import type { Debugger } from 'node:inspector';
import { types } from 'node:util';
import type { OwnFacts, PatchedBuiltin, Spawned } from '../contracts/evidence.ts';
import type { RecordedEvent, RecordedNews } from '../contracts/recorded.ts';
import { isReaderObject } from '../proc/aside/started.ts';
import { functionPlaces } from '../proc/function-places.ts';
import { watchedOf } from './variables.ts';
import { many } from '../many.ts';

/** What the host of a wrapped function has noted. */
export interface OwnRecords {
  readonly env: NodeJS.ProcessEnv;
  /**
   * Children that Node told of (diagnostics_channel `child_process`), in the order of their start. Emptied by its
   * reader.
   */
  readonly children: { readonly child: unknown; readonly atMs: number }[];
  /** Functions as they were at init, or when they were first met. */
  readonly builtins: Map<string, unknown>;
  readonly currentBuiltins: () => ReadonlyMap<string, unknown>;
  /**
   * True for a child that Amber has started. Set by who reads these records: the host has not loaded what starts such
   * children.
   */
  isOurs?: (child: unknown) => boolean;
  /** What the black box has recorded since it was last asked. */
  readonly news?: () => RecordedNews;
  /** Children of Amber that the list has told of, and the black box has not yet. */
  readers?: Set<number>;
  /** Children that were started and are not in `children`, because there were too many between two readings. */
  missed?: number;
}

/** Characters, and arguments, of one start. */
const MAX_CHARACTERS = 2048;
const MAX_WORDS = 32;
/** Starts that are remembered: a function may start one at each invocation. */
const MAX_SPAWNED = 256;

/** Makes a reader of the facts. Each call looks anew; what was started before stays in the list. */
export function ownFactsOf(records: OwnRecords): () => Promise<OwnFacts> {
  const spawned: Spawned[] = [];
  let left = 0;
  records.isOurs = isReaderObject;
  return async () => {
    for (const { child, atMs } of records.children.splice(0)) {
      if (isReaderObject(child)) {
        const { pid } = child as { readonly pid?: number };
        if (pid !== undefined) records.readers?.add(pid);
        continue;
      }
      if (spawned.length >= MAX_SPAWNED) {
        spawned.shift();
        left += 1;
      }
      spawned.push(spawnOf(child, atMs));
    }
    const missed = records.missed ?? 0;
    return {
      env: watchedOf(records.env),
      spawned: [...spawned],
      patched: await patchedOf(records),
      resolvers: resolversOf(),
      heapBytes: process.getBuiltinModule('node:v8').getHeapStatistics().used_heap_size,
      rssBytes: process.memoryUsage.rss(),
      left: [
        ...(left === 0
          ? []
          : [
              `${many(left, 'earlier start of child processes is', 'earlier starts of child processes are')} no ` +
                `longer in the list of the last ` +
                String(MAX_SPAWNED),
            ]),
        ...(missed === 0
          ? []
          : [
              `${many(missed, 'start')} of child processes ${missed === 1 ? 'was' : 'were'} not noted: too many ` +
                `came between two looks`,
            ]),
      ],
    };
  };
}

/**
 * What the black box has recorded since the last call, without what a look of Amber has started: that is no doing of
 * the function. Called behind the facts, which know the readers.
 */
export function newsOf(records: OwnRecords): (() => RecordedNews) | undefined {
  const { news } = records;
  if (news === undefined) return undefined;
  const readers = (records.readers ??= new Set());
  return () => {
    const { events, left } = news();
    const isOurs = ({ kind, lineage }: RecordedEvent): boolean =>
      kind === 'spawn' && lineage?.child !== undefined && readers.delete(lineage.child);
    return { events: events.filter((one) => !isOurs(one)), left };
  };
}

/** A ChildProcess; user code may have made of it what it likes. */
function spawnOf(child: unknown, atMs: number): Spawned {
  const { spawnfile, spawnargs, pid } = (typeof child === 'object' && child !== null ? child : {}) as {
    spawnfile?: unknown;
    spawnargs?: unknown;
    pid?: unknown;
  };
  return {
    file: typeof spawnfile === 'string' ? spawnfile : '',
    ...argvOf(Array.isArray(spawnargs) ? spawnargs : []),
    pid: typeof pid === 'number' ? pid : undefined,
    atMs,
  };
}

function argvOf(spawnargs: readonly unknown[]): Pick<Spawned, 'argv' | 'left'> {
  const argv: string[] = [];
  let room = MAX_CHARACTERS;
  let cut = 0;
  for (const argument of spawnargs.slice(0, MAX_WORDS)) {
    const word = String(argument);
    if (room > 0) argv.push(word.slice(0, room));
    cut += Math.max(0, word.length - room);
    room = Math.max(0, room - word.length);
  }
  const beyond = spawnargs.length - MAX_WORDS;
  const left = [...(cut > 0 ? [many(cut, 'character')] : []), ...(beyond > 0 ? [many(beyond, 'argument')] : [])];
  return { argv, ...(left.length === 0 ? {} : { left: left.join(', ') }) };
}

/** Node's own list, without loading its module for the purpose. */
function resolversOf(): string[] {
  const loaded = (process as { moduleLoadList?: readonly string[] }).moduleLoadList ?? [];
  return loaded.includes('NativeModule dns')
    ? process
        .getBuiltinModule('node:dns')
        .getServers()
        .map((server) => server.replace(/^\[(.+)\](?::\d+)?$/u, '$1'))
    : [];
}

async function patchedOf({ builtins, currentBuiltins }: OwnRecords): Promise<PatchedBuiltin[]> {
  const moved: { readonly name: string; readonly value: unknown }[] = [];
  for (const [name, value] of currentBuiltins()) {
    // A module that was loaded meanwhile is taken as it is met: tracing patches it right then.
    if (!builtins.has(name)) builtins.set(name, value);
    else if (builtins.get(name) !== value) moved.push({ name, value });
  }
  if (moved.length === 0) return [];
  const scripts = await scriptsOf(moved.map(({ value }) => value));
  return moved.map(({ name }, index) => ({ name, script: scripts[index] }));
}

/**
 * Where functions are defined: `file:///var/task/x.mjs`, `''` for text that was evaluated, undefined where V8 does not
 * say (native and bound functions, proxies). Enabling the debugger makes V8 list its scripts, some milliseconds, which
 * is why this is asked only when a built-in has been replaced.
 */
async function scriptsOf(values: readonly unknown[]): Promise<(string | undefined)[]> {
  const places: (string | undefined)[] = values.map(() => undefined);
  try {
    const { Session: Inspector } = await import('node:inspector');
    const session = new Inspector();
    session.connect();
    try {
      const urls = new Map<string, string>();
      session.on('Debugger.scriptParsed', ({ params }: { readonly params: Debugger.ScriptParsedEventDataType }) =>
        urls.set(params.scriptId, params.url),
      );
      session.post('Debugger.enable');
      // A proxy is not looked into.
      const open = values.map((value) => (typeof value === 'function' && !types.isProxy(value) ? value : undefined));
      for (const [index, place] of functionPlaces(session, open).entries())
        if (place !== undefined) places[index] = urls.get(place.scriptId);
      session.post('Debugger.disable');
    } finally {
      session.disconnect();
    }
  } catch {
    // Node without an inspector: the places stay unknown.
  }
  return places;
}
