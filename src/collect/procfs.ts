/**
 * Procfs as it was, under `[root]/proc`: what other tools read (dissect.target, UAC), and what a finding can be checked
 * against.
 */
import type { Collector, Entry, Redaction, CollectorContext } from '../contracts/evidence.ts';
import { linkText } from '../proc/links.ts';
import { processDir } from '../proc/table.ts';
import type { ProcessRecord, ProcessTable, ProcRead, SocketTables } from '../contracts/process-table.ts';
import { many } from '../many.ts';

/** Numbers alone: nothing to search for secrets. Everything else may hold a name that somebody chose. */
const NUMBERS: ReadonlySet<string> = new Set([
  'statm',
  'oom_score',
  'oom_score_adj',
  'io',
  'smaps_rollup',
  'limits',
  'wchan',
  'uptime',
  'loadavg',
  'meminfo',
]);
/** Loaders recognise a Linux root by these: dissect.target asks for /etc, /var and one more. */
const FOLDERS = ['etc', 'var', 'opt'];

export const procfs: Collector = {
  name: 'procfs',
  description: 'Raw files and links of /proc for every process, the socket tables and the system, under [root]/proc.',
  tier: 'volatile',
  async *collect(context: CollectorContext): AsyncGenerator<Entry> {
    const table = await context.processes();
    const { proc } = context.roots;
    for (const folder of FOLDERS)
      yield { kind: 'directory', path: `[root]/${folder}`, source: `/${folder}`, method: 'api' };
    for (const [name, read] of table.system)
      yield fileEntry(`[root]/proc/${name}`, `${proc}/${name}`, read, NUMBERS.has(name) ? 'content' : 'text');
    for (const record of table.processes) yield* processEntries(record, proc);
    const sockets = await table.sockets;
    yield* netEntries(sockets, proc);
    yield* absentees(table, sockets.unread, proc);
  },
};

function* netEntries({ namespaces }: SocketTables, proc: string): Generator<Entry> {
  for (const { pid, files } of namespaces) {
    const folder = pid === 'self' ? 'net' : `${pid}/net`;
    for (const [name, read] of files)
      yield fileEntry(`[root]/proc/${folder}/${name}`, `${proc}/${folder}/${name}`, read, 'text');
  }
}

function* processEntries(record: ProcessRecord, proc: string): Generator<Entry> {
  const path = `[root]/proc/${record.pid}`;
  const source = processDir(proc, record);
  for (const [name, read] of record.files)
    yield fileEntry(`${path}/${name}`, `${source}/${name}`, read, redactionOf(name));
  for (const [name, link] of record.links) {
    yield {
      kind: 'link',
      path: `${path}/${name}`,
      source: `${source}/${name}`,
      method: 'readlink',
      target: linkText(link),
      redaction: 'text',
    };
  }
  for (const { fd, link } of record.descriptors) {
    yield {
      kind: 'link',
      path: `${path}/fd/${fd}`,
      source: `${source}/fd/${fd}`,
      method: 'readlink',
      target: linkText(link),
      redaction: 'text',
    };
  }
  if (record.descriptorsUnread > 0)
    yield absent(
      `${path}/fd`,
      `${source}/fd`,
      'skipped',
      `${many(record.descriptorsUnread, 'descriptor')} beyond the limit`,
    );
}

function fileEntry(path: string, source: string, read: ProcRead, redaction: Redaction): Entry {
  if (!read.ok) return absent(path, source, read.outcome, read.reason);
  const entry: Entry = { kind: 'bytes', path, source, method: 'procfs', body: read.body, redaction };
  return read.truncated
    ? { ...entry, outcome: 'truncated', reason: `cut at ${many(read.body.byteLength, 'byte')}` }
    : entry;
}

function redactionOf(name: string): Redaction {
  if (name === 'environ' || name === 'cmdline') return name;
  return NUMBERS.has(name) ? 'content' : 'text';
}

function* absentees(
  { vanished, unreadable, unread, stopped }: ProcessTable,
  netUnread: number,
  proc: string,
): Generator<Entry> {
  for (const pid of vanished)
    yield absent(`[root]/proc/${pid}`, `${proc}/${pid}`, 'missing', 'it ended between listing and reading');
  for (const { pid, outcome, reason } of unreadable)
    yield absent(`[root]/proc/${pid}`, `${proc}/${pid}`, outcome, reason);
  if (unread > 0)
    yield absent(
      '[root]/proc',
      proc,
      'skipped',
      `${many(unread, 'process was', 'processes were')} not read: ${stopped ?? 'limit on processes'}`,
    );
  if (netUnread > 0)
    yield absent(
      '[root]/proc/net',
      `${proc}/*/net`,
      'skipped',
      `${many(netUnread, 'network namespace was', 'network namespaces were')} not read`,
    );
}

function absent(
  path: string,
  source: string,
  outcome: 'missing' | 'denied' | 'skipped' | 'timed-out' | 'failed',
  reason: string,
): Entry {
  return { kind: 'absent', path, source, method: 'procfs', outcome, reason };
}
