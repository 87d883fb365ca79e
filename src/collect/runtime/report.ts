/** Node's diagnostic report, made in memory: no file, no look-up of names on the network, no environment. */
import { readdirSync, readlinkSync } from 'node:fs';
import { describeError } from '../../errors.ts';

export type ReportRead =
  | { readonly ok: true; readonly report: Record<string, unknown> }
  | { readonly ok: false; readonly reason: string };

/** Settings that exist from Node.js 22.0 (excludeNetwork) and 22.13 (excludeEnv) on. */
interface ReportSettings {
  excludeNetwork?: boolean;
  excludeEnv?: boolean;
  getReport: (error: object) => unknown;
}

/**
 * Makes the report. The settings are those of the whole process, so they are put back.
 *
 * With worker threads there is no report: `getReport` waits, without limit, until every worker has answered, and a
 * worker that is inside a blocking call (a FIFO, execSync) never does.
 */
export function diagnosticReport(builtins: readonly string[]): ReportRead {
  if (builtins.includes('internal/worker') && mayHaveWorkers()) {
    return { ok: false, reason: 'worker threads may be running, and the report waits for each of them without limit' };
  }
  const settings = process.report as unknown as ReportSettings;
  const before = { excludeNetwork: settings.excludeNetwork, excludeEnv: settings.excludeEnv };
  try {
    if (before.excludeNetwork !== undefined) settings.excludeNetwork = true;
    if (before.excludeEnv !== undefined) settings.excludeEnv = true;
    // An error of our own making: reading `stack` of a real one runs whatever Error.prepareStackTrace is.
    const report = settings.getReport({ message: 'capture', stack: '' }) as Record<string, unknown>;
    delete report['environmentVariables'];
    return { ok: true, report: withArgv(report) };
  } catch (cause) {
    return { ok: false, reason: describeError(cause) };
  } finally {
    if (before.excludeNetwork !== undefined) settings.excludeNetwork = before.excludeNetwork;
    if (before.excludeEnv !== undefined) settings.excludeEnv = before.excludeEnv;
  }
}

/** The command line under the name by which arguments are searched for secrets. */
function withArgv(report: Record<string, unknown>): Record<string, unknown> {
  const { commandLine, ...header } = report['header'] as Record<string, unknown>;
  return { ...report, header: { ...header, argv: commandLine } };
}

/**
 * Event loops of a process without workers: its own and two of Node's platform. Seen in Node.js 22 and 24, whatever the
 * flags.
 */
const LOOPS_WITHOUT_WORKERS = 3;

/**
 * A worker thread brings an event loop of its own, and that an epoll descriptor; there is no public list of workers.
 */
function mayHaveWorkers(): boolean {
  try {
    // In a worker, only workers of that worker would be waited for: nobody nests them.
    const [pid, , thread] = readlinkSync('/proc/thread-self').split('/');
    if (pid !== thread) return false;
    let loops = 0;
    for (const fd of readdirSync('/proc/self/fd')) if (isEventLoop(fd)) loops += 1;
    return loops > LOOPS_WITHOUT_WORKERS;
  } catch {
    return true;
  }
}

function isEventLoop(fd: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`) === 'anon_inode:[eventpoll]';
  } catch {
    return false;
  }
}
