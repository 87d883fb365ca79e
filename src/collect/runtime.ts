/** The JavaScript runtime from inside: what is loaded, what is open, and which built-ins are not as they were made. */
import type { Collector, Entry, CollectorContext } from '../contracts/evidence.ts';
import { describeError } from '../errors.ts';
import { extraGlobals, processListeners } from './runtime/globals.ts';
import { builtinModules, loadedModules } from './runtime/modules.ts';
import { comparedNatives } from './runtime/natives.ts';
import { comparedIntrinsics, freshRealm, type Patch } from './runtime/realm.ts';
import { diagnosticReport } from './runtime/report.ts';
import { many } from '../many.ts';

export const runtime: Collector = {
  name: 'runtime',
  description:
    'Loaded modules, active handles, diagnostic report, added globals, patched built-ins of the Node.js process.',
  tier: 'volatile',
  inProcess: true,
  async *collect(context: CollectorContext): AsyncGenerator<Entry> {
    const builtins = builtinModules();
    const { beyond, ...facts } = await tampering(context, new Set(builtins));
    yield {
      kind: 'json',
      path: 'live_response/runtime.json',
      source: 'process',
      method: 'api',
      value: {
        process: processFacts(),
        inspectorUrl: (await inspectorUrl()) ?? null,
        activeResources: countOf(process.getActiveResourcesInfo()),
        tampering: facts,
        modules: loadedModules(context.roots.writable),
      },
    };
    for (const [what, count] of Object.entries(beyond)) {
      if (count > 0)
        yield {
          kind: 'absent',
          path: `live_response/runtime-${what}-beyond-the-limit`,
          source: 'process',
          method: 'api',
          outcome: 'skipped',
          reason: `${many(count, `more ${what.slice(0, -1)} is`, `more ${what} are`)} not listed`,
        };
    }
    await context.budget.yieldIfDue();
    const read = diagnosticReport(builtins);
    const source = 'process.report.getReport';
    const path = 'live_response/diagnostic-report.json';
    if (read.ok) yield { kind: 'json', path, source, method: 'api', value: read.report };
    else yield { kind: 'absent', path, source, method: 'api', outcome: 'skipped', reason: read.reason };
  },
};

interface Tampering {
  /** Facts, not verdicts: instrumentation and polyfills patch too. */
  readonly patched: readonly Patch[];
  readonly globals: readonly unknown[];
  readonly listeners: Readonly<Record<string, number>>;
  /** What the lists have no room for. */
  readonly beyond: Readonly<Record<'globals' | 'listeners', number>>;
  readonly notKnown?: readonly string[];
}

async function tampering(context: CollectorContext, loaded: ReadonlySet<string>): Promise<Tampering> {
  try {
    const realm = freshRealm();
    const intrinsics = comparedIntrinsics(realm);
    await context.budget.yieldIfDue();
    const natives = await comparedNatives(realm, loaded, context.budget.yieldIfDue);
    const [globals, listeners] = [extraGlobals(realm), processListeners(realm)];
    return {
      patched: [...intrinsics, ...natives.patches],
      globals: globals.found,
      listeners: listeners.found,
      beyond: { globals: globals.beyond, listeners: listeners.beyond },
      ...(natives.unknown === undefined ? {} : { notKnown: [natives.unknown] }),
    };
  } catch (cause) {
    return {
      patched: [],
      globals: [],
      listeners: {},
      beyond: { globals: 0, listeners: 0 },
      notKnown: [describeError(cause)],
    };
  }
}

/** Where a debugger may connect: an open inspector lets anybody on this machine run code in the function. */
async function inspectorUrl(): Promise<string | undefined> {
  try {
    return (await import('node:inspector')).url();
  } catch {
    return undefined;
  }
}

function processFacts(): Record<string, unknown> {
  const { pid, ppid, title, version, versions, arch, platform, argv0, execPath, debugPort } = process;
  return {
    pid,
    ppid,
    title,
    version,
    versions,
    arch,
    platform,
    argv0,
    execPath,
    debugPort,
    argv: process.argv,
    node: { argv: process.execArgv },
    cwd: process.cwd(),
    uptimeSeconds: process.uptime(),
    uncaughtCapture: process.hasUncaughtExceptionCaptureCallback(),
  };
}

function countOf(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
