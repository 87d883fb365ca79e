/** Every file that a process runs, with its digest: also the large ones for which the first segment does not wait. */
import type { Collector, JsonLinesEntry, CollectorContext } from '../contracts/evidence.ts';
import { toText } from '../proc/bytes.ts';
import { linkText } from '../proc/links.ts';
import { executableOf, type Executable } from './executable-hash.ts';

const MAX_EACH = 1024 * 1024 * 1024;

export const executables: Collector = {
  name: 'executables',
  description:
    'Every file that a process runs, with its SHA-256 and the pids: also the large ones, which processes.json ' +
    'leaves out.',
  tier: 'code',
  async *collect(context: CollectorContext): AsyncGenerator<JsonLinesEntry> {
    const table = await context.processes();
    const found = new Map<
      string,
      { readonly executable: Executable; readonly path: string; readonly pids: number[] }
    >();
    const rows: unknown[] = [];
    const allowance = { each: MAX_EACH, left: Infinity };
    for (const record of table.processes) {
      const executable = await executableOf(context, table, record, allowance);
      if (record.exe === undefined || executable === undefined) continue;
      const path = toText(linkText(record.exe));
      if (typeof executable === 'string') {
        rows.push({ path, pids: [record.pid], reason: executable });
        continue;
      }
      const key = `${executable.device}:${executable.inode}:${path}`;
      const known = found.get(key);
      if (known === undefined) found.set(key, { executable, path, pids: [record.pid] });
      else known.pids.push(record.pid);
    }
    for (const { executable, path, pids } of found.values()) rows.push({ path, pids, ...executable });
    yield {
      kind: 'jsonl',
      path: 'live_response/executables.jsonl',
      source: context.roots.proc,
      method: 'procfs',
      rows,
    };
  },
};
