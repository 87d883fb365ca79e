/**
 * Every script that V8 holds: ES modules, whose cache is not public, and code that was never a file (eval, vm, a
 * payload from the network). Code that stands on no disk, or where the function can write, is stored. `sha256` is of
 * the source as UTF-8, as V8 has it: for a plain script that of the file as it was loaded, so it tells when another one
 * stands there now.
 *
 * The list comes from the debugger's domain, which is enabled and disabled within one turn of the event loop: no code
 * of the function runs meanwhile, so that nothing can stop at a `debugger` statement. Enabling hashes every source, 10
 * MB a second on one CPU, and cannot be sliced; that is why this collector has to be asked for.
 */
import { many } from '../many.ts';
import { existsSync } from 'node:fs';
import type { Session } from 'node:inspector';
import { fileURLToPath } from 'node:url';
import type { Collector, Entry, Roots, CollectorContext } from '../contracts/evidence.ts';
import { describeError } from '../errors.ts';
import { statLocal } from '../fs/resolve.ts';
import type { MountBook } from '../proc/mount-book.ts';
import { groundsOf } from './grounds.ts';

const MAX_SCRIPTS = 20_000;
const MAX_BODIES = 256;
const MAX_BODY_CHARS = 4 * 2 ** 20;
const SOURCE = 'inspector Debugger';

/** What the debugger tells of a script (Debugger.scriptParsed of the Chrome DevTools protocol). */
interface Parsed {
  readonly scriptId: string;
  readonly url: string;
  readonly hash: string;
  readonly length?: number | undefined;
  readonly isModule?: boolean | undefined;
  /** The source calls itself by this URL (`//# sourceURL=`): it need not be true. */
  readonly hasSourceURL?: boolean | undefined;
  /** The name under which it was compiled, whatever it calls itself. */
  readonly embedderName?: string | undefined;
}

interface Script extends Parsed {
  readonly origin: 'node' | 'file' | 'writable' | 'no-file';
  source?: string;
}

export const scripts: Collector = {
  name: 'scripts',
  description: 'Every script that V8 holds, ES modules and eval included; the source of what is in no read-only file.',
  tier: 'code',
  optIn: true,
  inProcess: true,
  async *collect(context: CollectorContext): AsyncGenerator<Entry> {
    const path = 'live_response/scripts.jsonl';
    let found: Listed;
    try {
      const inspector = await import('node:inspector');
      found = listed(new inspector.Session(), context.roots, groundsOf(context));
    } catch (error) {
      yield { kind: 'absent', path, source: SOURCE, method: 'api', outcome: 'failed', reason: describeError(error) };
      return;
    }
    yield {
      kind: 'jsonl',
      path,
      source: SOURCE,
      method: 'api',
      rows: found.scripts.map(({ scriptId, url, embedderName, hash, length, isModule, hasSourceURL, origin }) => ({
        scriptId,
        url,
        embedderName,
        sha256: hash,
        length,
        isModule,
        hasSourceURL,
        origin,
      })),
    };
    yield* beyond(found);
    for (const { scriptId, url, source } of found.scripts) {
      if (source === undefined) continue;
      const body = Buffer.from(source, 'utf8');
      yield {
        kind: 'bytes',
        path: `recovered/${process.pid}/script-${scriptId}.js`,
        source: Buffer.from(url || SOURCE).toString('latin1'),
        method: 'api',
        redaction: 'text',
        body,
      };
    }
  },
};

interface Listed {
  readonly scripts: readonly Script[];
  readonly unlisted: number;
  /** Of no read-only file, and their source left out. */
  readonly unstored: number;
}

function* beyond({ unlisted, unstored }: Listed): Generator<Entry> {
  const common = { kind: 'absent', source: SOURCE, method: 'api', outcome: 'skipped' } as const;
  if (unlisted > 0)
    yield {
      ...common,
      path: 'live_response/scripts-beyond-the-limit',
      reason: `${many(unlisted, 'more script is', 'more scripts are')} not listed: the limit is ${MAX_SCRIPTS}`,
    };
  if (unstored > 0)
    yield {
      ...common,
      path: 'recovered/scripts-beyond-the-limit',
      reason:
        `the source of ${many(unstored, 'more script')} is not stored: the limits are ${MAX_BODIES} scripts and ` +
        `${MAX_BODY_CHARS} characters of one`,
    };
}

function listed(session: Session, roots: Roots, book: MountBook): Listed {
  const found: Script[] = [];
  let unlisted = 0;
  let unstored = 0;
  session.connect();
  try {
    session.on('Debugger.scriptParsed', ({ params }) => {
      const parsed: Parsed = params;
      if (found.length >= MAX_SCRIPTS) unlisted += 1;
      else found.push({ ...parsed, origin: originOf(parsed, roots, book) });
    });
    session.post('Debugger.enable');
    let bodies = 0;
    for (const script of found) {
      if (script.origin === 'node' || script.origin === 'file') continue;
      if (bodies >= MAX_BODIES || (script.length ?? Infinity) > MAX_BODY_CHARS) {
        unstored += 1;
        continue;
      }
      session.post('Debugger.getScriptSource', { scriptId: script.scriptId }, (error, answer) => {
        if (error === null) script.source = answer.scriptSource;
      });
      bodies += 1;
    }
    session.post('Debugger.disable');
  } finally {
    session.disconnect();
  }
  return { scripts: found, unlisted, unstored };
}

/** Judged by the name under which it was compiled: a source may call itself `node:fs`. */
function originOf({ url, embedderName }: Parsed, { writable, code }: Roots, book: MountBook): Script['origin'] {
  const name = embedderName ?? url;
  if (name.startsWith('node:')) return 'node';
  const path = pathOf(name);
  if (path === undefined) return 'no-file';
  if (writable.some((root) => path.startsWith(`${root}/`))) return 'writable';
  // Code can give itself any name, and so a path on which somebody else would have to answer.
  const isCode = code.some((root) => path.startsWith(`${root}/`)) && book.placeOf(path).ground === 'local';
  return (isCode ? existsSync(path) : statLocal(path, book) !== undefined) ? 'file' : 'no-file';
}

function pathOf(name: string): string | undefined {
  if (name.startsWith('/')) return name;
  try {
    return name.startsWith('file:') ? fileURLToPath(name.replace(/[?#].*$/u, '')) : undefined;
  } catch {
    return undefined;
  }
}
