/**
 * One whole capture in a process of its own: `node capture-child.ts JOB.json …`, where further arguments are ignored.
 * Its last line of output tells what it came to, what it held the main thread for and what memory it took. Run by
 * whole.ts.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { resolveConfig, type Options } from '../../../src/config/config.ts';
import { runCapture } from '../../../src/capture/capture.ts';
import type { CaptureReport } from '../../../src/contracts/evidence.ts';
import { watchHolds, type Holds } from './holds.ts';

export interface CaptureJob {
  readonly writable: readonly string[];
  readonly code?: readonly string[];
  readonly destination: string;
  readonly options?: Options;
  readonly hardStopInMs?: number;
  readonly event?: unknown;
  /** Properties of the error that the handler failed with. */
  readonly error?: Readonly<Record<string, unknown>>;
}

export interface CaptureOutcome {
  readonly report: Omit<CaptureReport, 'error'> & { readonly error?: string };
  readonly holds: Holds;
  /** Resident bytes before the capture, and at the most. */
  readonly idleBytes: number;
  readonly peakBytes: number;
  readonly descriptors: { readonly before: number; readonly after: number };
}

const job = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as CaptureJob;
const { writable, code = [] } = job;
const config = resolveConfig({ destination: job.destination, ...job.options }, {});
const openDescriptors = (): number => readdirSync('/proc/self/fd').length;

const before = openDescriptors();
const idleBytes = process.memoryUsage.rss();
const watch = watchHolds();
const report = await runCapture({
  cause: { trigger: 'call', reason: 'hostile input' },
  config,
  invocation:
    job.event === undefined
      ? undefined
      : {
          requestId: '11111111-2222-3333-4444-555555555555',
          functionArn: undefined,
          traceId: undefined,
          tenantId: undefined,
          deadlineMs: undefined,
          number: 1,
          concurrent: 0,
          event: job.event,
          ...(job.error === undefined
            ? {}
            : { error: Object.assign(new Error(String(job.error['message'])), job.error) }),
        },
  hardStopMs: Date.now() + (job.hardStopInMs ?? 60_000),
  inProcess: true,
  roots: { proc: '/proc', etc: '/etc', writable, code },
});
const holds = watch.end();
// Descriptors of the destination are closed in the thread pool.
await new Promise((resolve) => setTimeout(resolve, 50));
const outcome: CaptureOutcome = {
  report: {
    ...report,
    ...(report.error === undefined ? {} : { error: `${report.error.code}: ${report.error.message}` }),
  } as CaptureOutcome['report'],
  holds,
  idleBytes,
  peakBytes: process.resourceUsage().maxRSS * 1024,
  descriptors: { before, after: openDescriptors() },
};
process.stdout.write(`\n${JSON.stringify(outcome)}\n`);
