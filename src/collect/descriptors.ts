/** Every open descriptor, one a line. */
import type { Collector, JsonLinesEntry, CollectorContext } from '../contracts/evidence.ts';
import { toText } from '../proc/bytes.ts';
import { openFlagNames } from '../proc/fdinfo.ts';
import type { OpenDescriptor, ProcessRecord } from '../contracts/process-table.ts';

export const descriptors: Collector = {
  name: 'descriptors',
  description: 'Every open descriptor of every process: file, pipe, socket, epoll, …, with position and open flags.',
  tier: 'volatile',
  async *collect(context: CollectorContext): AsyncGenerator<JsonLinesEntry> {
    const { processes } = await context.processes();
    const rows: unknown[] = [];
    for (const record of processes) {
      for (const descriptor of record.descriptors) rows.push(rowOf(record, descriptor));
      if (record.descriptorsUnread > 0) rows.push({ pid: record.pid, unread: record.descriptorsUnread });
      await context.budget.yieldIfDue();
    }
    yield {
      kind: 'jsonl',
      path: 'live_response/descriptors.jsonl',
      source: `${context.roots.proc}/*/fd`,
      method: 'readlink',
      rows,
    };
  },
};

function rowOf(record: ProcessRecord, { fd, link, inode, position, flags, details, failure }: OpenDescriptor): unknown {
  return {
    pid: record.pid,
    fd,
    type: typeOf(link.target),
    target: toText(link.target),
    deleted: link.deleted ? true : undefined,
    inode,
    position,
    flags: flags === undefined ? undefined : { octal: flags, names: openFlagNames(flags) },
    details: details?.map(toText),
    failure,
  };
}

/** As the kernel's own forms have it: only what is no path has a name in front of a colon. */
function typeOf(target: string): string {
  if (target.startsWith('/memfd:')) return 'memfd';
  if (target.startsWith('/')) return 'file';
  return /^([a-z_]+):/u.exec(target)?.[1] ?? 'unknown';
}
