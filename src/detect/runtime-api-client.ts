/** Somebody else takes the function's events: a process that is neither runtime nor extension talks to the Runtime API. */
import type { Detector, Finding, Observation } from '../contracts.ts';
import { makeFinding, named, subjectOf } from './finding.ts';
import { declaredApis, endpointOf } from './runtime-api.ts';
import { socketEvidence } from './stdio-socket.ts';

export const runtimeApiClient: Detector = {
  name: 'runtime-api-client',
  description: 'A process that is neither the runtime nor an extension holds a connection to the Runtime API.',
  technique: { id: 'T1557', name: 'Adversary-in-the-Middle' },
  kind: 'hijack',
  severity: 'high',
  cost: 'sockets',
  benign: ['a helper process of an extension that proxies the Runtime API'],
  runs: ['extension', 'process'],
  detect: (now: Observation): readonly Finding[] => {
    const ports = new Set(declaredApis(now).flatMap(({ value }) => endpointOf(value)?.port ?? []));
    const roles = new Map(now.processes.map((one) => [one.pid, one]));
    return now.sockets.flatMap((socket): Finding[] => {
      if (!ports.has(socket.remotePort) || socket.state === 'LISTEN') return [];
      const holders = socket.pids.flatMap((pid) => roles.get(pid) ?? []);
      // A descriptor that a child has inherited is the runtime's own.
      if (holders.some(({ role }) => role !== 'other')) return [];
      return holders.map((one) => makeFinding(runtimeApiClient, {
        title: `${named(one)} is connected to the Runtime API`,
        severity: isBelowExtension(one.ppid, now) ? 'medium' : 'high',
        subject: { ...subjectOf(one), address: `${socket.remoteAddress}:${String(socket.remotePort)}` }, evidence: [socketEvidence(socket)],
      }));
    });
  },
};

function isBelowExtension(ppid: number, { processes }: Observation): boolean {
  return processes.some(({ pid, role }) => pid === ppid && role === 'extension');
}
