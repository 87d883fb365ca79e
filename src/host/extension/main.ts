/** The program that the launcher starts: `node extension.js NAME`. Nothing ends it but the platform. */
import { basename } from 'node:path';
import { describeError } from '../../errors.ts';
import { logLine } from '../../report/log.ts';
import { openHandoffServer } from './handoffs.ts';
import { runExtension } from './extension.ts';

// Neither a mistake of ours nor a signal of somebody in the sandbox may end the extension: its end is the function's.
for (const name of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(
    name,
    (error: unknown) => void logLine('fault', { where: 'extension', what: name, error: describeError(error) }),
  );
}
for (const name of [
  'SIGTERM',
  'SIGINT',
  'SIGHUP',
  'SIGUSR2',
  'SIGALRM',
  'SIGVTALRM',
  'SIGPIPE',
  'SIGXCPU',
  'SIGXFSZ',
] as const)
  process.on(name, () => undefined);
setInterval(() => undefined, 2 ** 30);

await runExtension(
  {
    env: process.env,
    log: logLine,
    engine: async () => (await import('../../capture/capture.ts')).runCapture,
    anomalyMonitor: async (options) => (await import('../../detect/anomaly-monitor.ts')).openMonitor(options),
    beside: async (options) => (await import('../../record/beside/beside.ts')).openBeside(options),
    control: async (config) =>
      (await import('../orders/control.ts')).openControl(config, { env: process.env, log: logLine }),
    handoffs: openHandoffServer,
    exit: () => process.exit(0),
  },
  basename(process.argv[2] ?? 'amber'),
);
