/** Input or output of a process is a network connection: a shell for somebody outside. */
import type { Detector, Finding, Observation, ObservedSocket } from '../contracts/evidence.ts';
import { before, makeFinding, named, subjectOf } from './finding.ts';
import { isInterpreter, isShell } from './programs.ts';

export const stdioSocket: Detector = {
  name: 'stdio-socket',
  description: 'Descriptor 0, 1 or 2 of a process is a TCP or UDP socket, or a shell has a terminal.',
  technique: { id: 'T1059.004', name: 'Unix Shell' },
  kind: 'channel',
  severity: 'critical',
  benign: ['none that is usual: Node gives its children pipes and unix sockets, which do not count'],
  runs: ['extension', 'process'],
  detect: (now: Observation, baseline: Observation): readonly Finding[] => {
    const inet = new Map(
      now.sockets.filter(({ remotePort }) => remotePort !== 0).map((socket) => [`socket:[${socket.inode}]`, socket]),
    );
    return now.processes.flatMap((one): Finding[] => {
      if (one.role === 'init' || one.role === 'amber' || one.stdio === undefined) return [];
      const fd = one.stdio.findIndex((target) => inet.has(target));
      const socket = inet.get(one.stdio[fd] ?? '');
      if (socket !== undefined) {
        return [
          makeFinding(stdioSocket, {
            title:
              `${named(one)} has a network connection for its ` + (['input', 'output', 'error output'][fd] ?? 'stdio'),
            severity: isShell(one.exe) || isInterpreter(one.exe) ? 'critical' : 'high',
            subject: { ...subjectOf(one), address: `${socket.remoteAddress}:${String(socket.remotePort)}` },
            evidence: [`/proc/${String(one.pid)}/fd/${String(fd)} -> ${one.stdio[fd] ?? ''}`, socketEvidence(socket)],
          }),
        ];
      }
      const terminal = one.stdio.find((target) => /^\/dev\/(?:pts\/\d+|ptmx)$/u.test(target));
      if (terminal === undefined || one.role !== 'other' || before(baseline, one) !== undefined) return [];
      return [
        makeFinding(stdioSocket, {
          title: `${named(one)} has a terminal, which no sandbox needs`,
          severity: 'medium',
          subject: subjectOf(one),
          part: 'terminal',
          evidence: [`/proc/${String(one.pid)}/fd -> ${terminal}`],
        }),
      ];
    });
  },
};

/** `tcp 10.0.0.2:4711 -> 203.0.113.7:3333 ESTABLISHED`. */
export function socketEvidence(socket: ObservedSocket): string {
  const { protocol, localAddress, localPort, remoteAddress, remotePort, state } = socket;
  return `${protocol} ${localAddress}:${String(localPort)} -> ${remoteAddress}:${String(remotePort)} ${state}`;
}
