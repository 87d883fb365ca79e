/** The debugger of the runtime listens: who reaches it runs what he likes in the function. */
import type { Detector, Finding, Observation } from '../contracts/evidence.ts';
import { placeOf } from './addresses.ts';
import { makeFinding, once } from './finding.ts';
import { eventEvidence, eventsOf } from './recorded.ts';

export const openInspector: Detector = {
  name: 'open-inspector',
  description: 'The debugger of Node.js was opened after init.',
  technique: { id: 'T1059.007', name: 'JavaScript' },
  kind: 'channel',
  severity: 'high',
  benign: ['profilers that open it at the loopback address, which is medium at most'],
  runs: ['extension', 'process'],
  detect: (now: Observation): readonly Finding[] =>
    once(
      eventsOf(now, ['inspector']).map((event) =>
        makeFinding(openInspector, {
          title: `the debugger listens at ${event.subject}`,
          severity: isLoopback(event.subject) ? 'medium' : 'high',
          subject: { pid: event.pid, address: event.subject },
          evidence: eventEvidence(event),
        }),
      ),
    ),
};

/** `127.0.0.1:9229`, `[::1]:9229`. The address of all interfaces is none. */
function isLoopback(at: string): boolean {
  const host = at.replace(/:\d+$/u, '').replace(/^\[|\]$/gu, '');
  if (host === 'localhost') return true;
  return host !== '0.0.0.0' && host !== '::' && placeOf(host) === 'local';
}
