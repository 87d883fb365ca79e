/**
 * Processes as a tree, and sockets with those who hold them, out of the capture's own documents. Anybody may have
 * written these.
 */
import { renderText } from './safe-names.ts';

type Json = Readonly<Record<string, unknown>>;

const MAX_DEPTH = 64;
const MAX_ARGUMENTS = 400;

/** One line a process, children indented below their parents, with the links `├─` and `└─` of tree(1). */
export function* processLines(document: unknown): Generator<string> {
  const rows = objects(field(document, 'processes'));
  const byParent = new Map<number, Json[]>();
  const pids = new Set(rows.map((row) => number(row['pid'])));
  for (const row of rows) {
    const parent = number(row['ppid']);
    const key = pids.has(parent) && parent !== number(row['pid']) ? parent : -1;
    const siblings = byParent.get(key);
    if (siblings === undefined) byParent.set(key, [row]);
    else siblings.push(row);
  }
  const told = new Set<number>();
  yield* branch(byParent, -1, { prefix: '', depth: 0, told, self: number(field(document, 'self')) });
  // Parents that name each other in a circle hang on no root.
  for (const row of rows) if (!told.has(number(row['pid']))) yield `? ${processLine(row, -1)}`;
}

interface Branch {
  readonly prefix: string;
  readonly depth: number;
  readonly told: Set<number>;
  readonly self: number;
}

function* branch(byParent: ReadonlyMap<number, readonly Json[]>, parent: number, at: Branch): Generator<string> {
  const rows = byParent.get(parent) ?? [];
  for (const [index, row] of rows.entries()) {
    const pid = number(row['pid']);
    if (at.told.has(pid) || at.depth > MAX_DEPTH) continue;
    at.told.add(pid);
    const last = index === rows.length - 1;
    const joint = at.depth === 0 ? '' : last ? '└─ ' : '├─ ';
    yield `${at.prefix}${joint}${processLine(row, at.self)}`;
    const deeper = at.depth === 0 ? '' : last ? '   ' : '│  ';
    yield* branch(byParent, pid, { ...at, prefix: at.prefix + deeper, depth: at.depth + 1 });
  }
}

function processLine(row: Json, self: number): string {
  const argv = Array.isArray(row['argv']) ? (row['argv'] as unknown[]).slice(0, MAX_ARGUMENTS).map(text).join(' ') : '';
  const exe = row['exe'];
  const path = text(field(exe, 'path'));
  const marks = [
    field(exe, 'deleted') === true ? 'EXECUTABLE DELETED' : '',
    path !== '' && !argv.startsWith(path) ? `exe ${path}` : '',
    digestOf(exe),
    number(row['pid']) === self ? 'the function' : '',
  ].filter((mark) => mark !== '');
  const about = marks.length === 0 ? '' : ` [${marks.join(', ')}]`;
  return renderText(
    `${text(row['pid'])} uid ${text(row['uid'])} ${time(row['start'])} ` +
      `${argv === '' ? `(${text(row['comm'])})` : argv.slice(0, MAX_ARGUMENTS)}${about}`,
  );
}

function digestOf(exe: unknown): string {
  const digest = field(exe, 'sha256');
  return typeof digest === 'string' && field(exe, 'deleted') === true ? `sha256 ${digest}` : '';
}

export interface SocketRow {
  readonly protocol: string;
  readonly state: string;
  readonly local: string;
  readonly remote: string;
  readonly owners: string;
}

/**
 * Internet sockets: those that a process holds first, and of each kind those of a peer elsewhere, then the ones that
 * listen. What the host said to itself and has closed is last.
 */
export function socketRows(document: unknown): readonly SocketRow[] {
  const rows = objects(field(document, 'inet')).map((row) => ({
    held: objects(row['owners']).length > 0,
    protocol: renderText(text(row['protocol'])),
    state: renderText(text(row['state'])),
    local: renderText(endpoint(row['local'])),
    remote: renderText(endpoint(row['remote'])),
    owners: renderText(
      objects(row['owners'])
        .map((owner) => `${text(owner['pid'])}/${text(owner['comm'])} fd ${text(owner['fd'])}`)
        .join(', ') || text(row['unowned']),
    ),
  }));
  return rows.sort((one, other) => rank(one) - rank(other));
}

function rank({ held, state, remote }: SocketRow & { readonly held: boolean }): number {
  const unheld = held ? 0 : 10;
  if (state === 'LISTEN') return unheld + 1;
  if (!/^(?:127\.|\[?::1\]?:|0\.0\.0\.0:|\[?::\]?:|\*)/u.test(remote)) return unheld;
  return unheld + (state === 'TIME_WAIT' ? 3 : 2);
}

function endpoint(value: unknown): string {
  const address = text(field(value, 'address'));
  return `${address.includes(':') ? `[${address}]` : address}:${text(field(value, 'port'))}`;
}

/** A member of a value of any kind. */
export function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? (value as Json)[name] : undefined;
}

function objects(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value.filter((row): row is Json => typeof row === 'object' && row !== null) : [];
}

/** A scalar as text; nothing for what is none. */
export function text(value: unknown): string {
  return typeof value === 'string'
    ? value
    : typeof value === 'number' || typeof value === 'boolean'
      ? String(value)
      : '';
}

/** A number; NaN for what is none. `Number` of an object calls what the object brings along. */
export function number(value: unknown): number {
  return typeof value === 'number' ? value : Number.NaN;
}

function time(value: unknown): string {
  return text(value)
    .replace('T', ' ')
    .replace(/\.\d+Z$/u, 'Z');
}
