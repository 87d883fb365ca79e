/** The environment of every process, and how that of the function's own process has changed since it was started. */
import { isAscii } from 'node:buffer';
import type { Collector, JsonEntry, CollectorContext } from '../contracts/evidence.ts';
import { latin1, splitNul, toText } from '../proc/bytes.ts';
import type { ProcessRecord } from '../contracts/process-table.ts';

/** Names to values. Without a prototype, so that a variable called `__proto__` is one like any other. */
type Variables = Record<string, string>;

interface Environment {
  readonly variables: Variables;
  /** Further values of names that came before; getenv(3) gives the first. */
  readonly repeated?: readonly { readonly variables: Variables }[];
  /** Items that are no NAME=value: a process may write what it likes there. */
  readonly others?: readonly string[];
  /** Empty items: what setproctitle leaves. */
  readonly empty?: number;
}

export const environment: Collector = {
  name: 'environment',
  description:
    'The environment with which every readable process was started, and what the function changed in its own since.',
  tier: 'volatile',
  async *collect(context: CollectorContext): AsyncGenerator<JsonEntry> {
    const table = await context.processes();
    const rows: unknown[] = [];
    const known: Known = new Map();
    for (const record of table.processes) {
      rows.push(...split(rowOf(record, known)));
      await context.budget.yieldIfDue();
    }
    const own = table.processes.find(({ pid }) => pid === table.self);
    yield {
      kind: 'json',
      path: 'live_response/environment.json',
      source: `${context.roots.proc}/*/environ`,
      method: 'procfs',
      value: {
        processes: rows,
        live: context.inProcess && own !== undefined ? ownChanges(own, context.env) : undefined,
      },
    };
  },
};

/** Environments by their bytes: children have that of their parent. */
type Known = Map<string, Environment>;

/**
 * A row is redacted at a stretch. No sane process has more; what an attacker has goes on in further rows of its pid.
 */
const MAX_VARIABLES = 200;

function* split(row: Row): Generator<Row> {
  const names = row.variables === undefined ? [] : Object.keys(row.variables);
  if (names.length <= MAX_VARIABLES) {
    yield row;
    return;
  }
  for (let start = 0; start < names.length; start += MAX_VARIABLES) {
    const variables = Object.create(null) as Variables;
    for (const name of names.slice(start, start + MAX_VARIABLES)) variables[name] = row.variables?.[name] ?? '';
    yield start === 0 ? { ...row, variables } : { pid: row.pid, comm: row.comm, continues: true, variables };
  }
}

interface Row extends Partial<Environment> {
  readonly pid: number;
  readonly comm: string;
  readonly [more: string]: unknown;
}

function rowOf(record: ProcessRecord, known: Known): Row {
  const { pid, comm } = record;
  const read = record.files.get('environ');
  if (read?.ok !== true)
    return { pid, comm: toText(comm), outcome: read?.outcome ?? 'skipped', reason: read?.reason ?? 'not reached' };
  const bytes = latin1(read.body);
  const parsed = known.get(bytes) ?? parseEnvironment(read.body);
  known.set(bytes, parsed);
  return { pid, comm: toText(comm), truncated: read.truncated ? true : undefined, ...parsed };
}

/** Takes an environ file apart without losing anything of it. */
export function parseEnvironment(body: Uint8Array): Environment {
  const variables = Object.create(null) as Variables;
  const repeated: { variables: Variables }[] = [];
  const others: string[] = [];
  let empty = 0;
  // One look at the whole spares one at each of its parts.
  const text = isAscii(body) ? asItIs : toText;
  for (const item of splitNul(body)) {
    const equals = item.indexOf('=');
    if (item === '') empty += 1;
    else if (equals <= 0) others.push(text(item));
    else {
      const name = text(item.slice(0, equals));
      const value = text(item.slice(equals + 1));
      if (name in variables) repeated.push({ variables: single(name, value) });
      else variables[name] = value;
    }
  }
  return {
    variables,
    ...(repeated.length === 0 ? {} : { repeated }),
    ...(others.length === 0 ? {} : { others }),
    ...(empty === 0 ? {} : { empty }),
  };
}

function asItIs(bytes: string): string {
  return bytes;
}

function single(name: string, value: string): Variables {
  const variables = Object.create(null) as Variables;
  variables[name] = value;
  return variables;
}

function ownChanges({ pid, files }: ProcessRecord, live: CollectorContext['env']): unknown {
  const read = files.get('environ');
  return read?.ok === true ? environmentChanges(pid, read.body, live) : undefined;
}

/**
 * What code in a process has set, changed or removed: /proc/self/environ stays as it was at exec.
 *
 * @param environ - body of that file
 */
export function environmentChanges(pid: number, environ: Uint8Array, live: CollectorContext['env']): unknown {
  const before = new Map<string, string>();
  for (const item of splitNul(environ)) {
    const equals = item.indexOf('=');
    const name = asNode(item.slice(0, equals));
    // As Node reads it: as UTF-8, with U+FFFD for what is not.
    if (equals > 0 && !before.has(name)) before.set(name, asNode(item.slice(equals + 1)));
  }
  const sets = { added: empty(), changed: empty(), removed: empty() };
  for (const [name, value] of Object.entries(live)) {
    if (value === undefined || before.get(name) === value) continue;
    sets[before.has(name) ? 'changed' : 'added'].variables[name] = value;
  }
  for (const [name, value] of before) if (live[name] === undefined) sets.removed.variables[name] = value;
  return { pid, ...sets };
}

function empty(): { readonly variables: Variables } {
  return { variables: Object.create(null) as Variables };
}

function asNode(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
