/** Code of no file starts something: what came as a text does what the code that was deployed does not. */
import type { Detector, Finding, Observation, Severity } from '../contracts/evidence.ts';
import type { RecordedEvent, RecordedKind } from '../contracts/recorded.ts';
import { firstOf, makeFinding, once } from './finding.ts';
import { eventEvidence, eventsOf, isNowhere } from './recorded.ts';

const MAX = 16;
const DOES: Readonly<Partial<Record<RecordedKind, string>>> = {
  spawn: 'starts a program',
  execve: 'becomes another program',
  connect: 'connects',
  datagram: 'sends a datagram',
  request: 'sends a request',
  listen: 'listens',
  inspector: 'opens the debugger',
};

export const codeFromNowhere: Detector = {
  name: 'code-from-nowhere',
  description: 'Code that stands in no file (eval, a data: URL, node:vm) starts a program, connects or listens.',
  technique: { id: 'T1059.007', name: 'JavaScript' },
  kind: 'execution',
  severity: 'high',
  benign: ['functions that run the rules or plug-ins of their users by node:vm, which is medium at most'],
  runs: ['extension', 'process'],
  detect: (now: Observation): readonly Finding[] =>
    firstOf(
      once(
        eventsOf(now, Object.keys(DOES) as RecordedKind[])
          .filter(isNowhere)
          .map(found),
      ),
      MAX,
    ),
};

function found(event: RecordedEvent): Finding {
  const { kind, subject, origin, pid } = event;
  const from = origin?.[0] ?? '';
  return makeFinding(codeFromNowhere, {
    title: `code of no file (${from}) ${DOES[kind] ?? kind}: ${subject}`,
    severity: severityOf(kind, from),
    subject: { pid, name: `${from} ${kind} ${subject}` },
    evidence: eventEvidence(event),
  });
}

function severityOf(kind: RecordedKind, from: string): Severity {
  return from === 'vm' && kind !== 'spawn' && kind !== 'execve' ? 'medium' : 'high';
}
