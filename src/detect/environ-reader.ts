/**
 * A process holds open what procfs shows of another one: its environment, with the credentials in it, or its memory.
 */
import type { Detector, Finding, Observation, ObservedProcess, Severity } from '../contracts/evidence.ts';
import { isReaderProgram } from '../proc/aside/started.ts';
import { placeOf } from './addresses.ts';
import { makeFinding, named, subjectOf } from './finding.ts';
import { idiomsOf } from './idioms.ts';

export const environReader: Detector = {
  name: 'environ-reader',
  description: 'A process holds /proc/PID/environ or mem of another one open, or was started to read it.',
  technique: { id: 'T1003.007', name: 'OS Credential Dumping: Proc Filesystem' },
  kind: 'access',
  severity: 'high',
  benign: [
    'profilers and monitoring extensions that read /proc of the runtime: with a connection to the internet high',
  ],
  runs: ['extension', 'process'],
  detect: (now: Observation): readonly Finding[] =>
    now.processes.flatMap((one): Finding[] => {
      if (one.role === 'init' || isOurs(one, now)) return [];
      const held = one.peeks[0];
      const idiom = one.role === 'other' ? idiomsOf(one.argv).find(({ name }) => name === 'environ-read') : undefined;
      if (held === undefined && idiom === undefined) return [];
      return [
        makeFinding(environReader, {
          title:
            `${named(one)} ` +
            (held === undefined ? 'was started to read the environment of a process' : `holds ${held} open`),
          severity: severityOf(one, held, now),
          subject: subjectOf(one),
          evidence: [
            ...one.peeks.map((path) => `/proc/${String(one.pid)}/fd -> ${path}`),
            `/proc/${String(one.pid)}/cmdline: ${one.argv.join(' ')}`,
          ],
        }),
      ];
    }),
};

/**
 * Amber reads these files itself: in the function's own process, in the extension, and by readers that either of them
 * has started. The other one's reader is known by its program. Who copies that has what it does, and no more.
 */
function isOurs(one: ObservedProcess, { self }: Observation): boolean {
  return (
    one.role === 'amber' || one.pid === self || (isReaderProgram(one.argv) && one.env?.['NODE_OPTIONS'] === undefined)
  );
}

/** The runtime may hold Amber's wrapper. An extension that sends what it has read is no profiler any more. */
function severityOf(one: ObservedProcess, held: string | undefined, now: Observation): Severity {
  if (one.role === 'other') return 'high';
  if (one.role === 'runtime' || now.by === 'process' || held?.endsWith('/maps') !== false) return 'low';
  const isConnected = now.sockets.some(
    ({ pids, state, remoteAddress }) =>
      pids.includes(one.pid) && state === 'ESTABLISHED' && placeOf(remoteAddress) === 'public',
  );
  return isConnected ? 'high' : 'medium';
}
