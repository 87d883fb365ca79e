/** Memory as metadata: what is mapped where, how much of it is resident, what the limits are. No contents. */
import v8 from 'node:v8';
import type { Collector, JsonEntry, CollectorContext } from '../contracts/evidence.ts';
import { toText } from '../proc/bytes.ts';
import { sizesOf } from '../proc/fields.ts';
import { executableRows, mapsRows, type VmaText } from '../proc/maps.ts';
import { startSummary } from './memory-summary.ts';
import { cgroupLimits } from './system-cgroup.ts';
import type { ProcessRecord, ProcRead } from '../contracts/process-table.ts';

const CGROUP = [
  'memory.max',
  'memory.high',
  'memory.current',
  'memory.peak',
  'memory.swap.current',
  'memory.events',
  'memory.stat',
  'memory.limit_in_bytes',
  'memory.usage_in_bytes',
  'memory.max_usage_in_bytes',
  'memory.failcnt',
  'memory.oom_control',
];

export const memory: Collector = {
  name: 'memory',
  description:
    'Mappings of every process with a summary, resident sizes, system and cgroup memory, V8 heap statistics. No ' +
    'contents.',
  tier: 'volatile',
  async *collect(context: CollectorContext): AsyncGenerator<JsonEntry> {
    const table = await context.processes();
    const rows: unknown[] = [];
    for (const record of table.processes) {
      rows.push({ ...(await mappingsOf(context, record)), ...sizesOfProcess(record) });
      await context.budget.yieldIfDue();
    }
    yield {
      kind: 'json',
      path: 'live_response/memory.json',
      source: context.roots.proc,
      method: 'procfs',
      value: {
        meminfo: sizesIn(table.system.get('meminfo')),
        cgroup: cgroupLimits(context.roots.proc, CGROUP),
        ...(context.inProcess ? { own: ownMemory() } : {}),
        processes: rows,
      },
    };
  },
};

function sizesOfProcess(record: ProcessRecord): Record<string, unknown> {
  return { status: sizesIn(record.files.get('status')), rollup: sizesIn(record.files.get('smaps_rollup')) };
}

const BETWEEN_BREATHS = 256;

async function mappingsOf(context: CollectorContext, record: ProcessRecord): Promise<Record<string, unknown>> {
  const who = { pid: record.pid, comm: toText(record.comm) };
  const maps = record.files.get('maps');
  if (maps?.ok !== true)
    return { ...who, failure: `maps: ${maps?.outcome ?? 'skipped'} (${maps?.reason ?? 'not reached'})` };
  // Of a thousand processes most have all their mappings in [root]/proc alone.
  const full = record.detail === 'full';
  const summary = startSummary({ whole: full });
  const regions: VmaText[] | undefined = full ? [] : undefined;
  let count = 0;
  for (const region of full ? mapsRows(maps.body) : executableRows(maps.body)) {
    summary.add(region);
    regions?.push(regionOf(region));
    count += 1;
    if (count % BETWEEN_BREATHS === 0) await context.budget.yieldIfDue();
  }
  return { ...who, summary: summary.finish(), truncated: maps.truncated ? true : undefined, regions };
}

function regionOf({ path, ...region }: VmaText): VmaText {
  return { ...region, path: toText(path) };
}

function sizesIn(read: ProcRead | undefined): Record<string, number> | undefined {
  return read?.ok === true ? sizesOf(read.body) : undefined;
}

function ownMemory(): unknown {
  return {
    usage: process.memoryUsage(),
    resources: process.resourceUsage(),
    heap: v8.getHeapStatistics(),
    spaces: v8.getHeapSpaceStatistics(),
  };
}
