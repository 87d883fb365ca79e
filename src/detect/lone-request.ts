/**
 * Something of the function talks to an address that nothing else of it has to do with. It is what a dependency does
 * that calls home, and what many harmless ones do as well: never more than a hint.
 */
import type { Detector, DetectPolicy, Finding, Observation } from '../contracts/evidence.ts';
import type { RecordedEvent } from '../contracts/recorded.ts';
import { placeOf } from './addresses.ts';
import { firstOf, isAllowedAddress, makeFinding, named, once, subjectOf } from './finding.ts';
import { eventEvidence, eventsOf } from './recorded.ts';
import { socketEvidence } from './stdio-socket.ts';
import { addressOf, unheard } from './unheard.ts';

const MAX = 16;

export const loneRequest: Detector = {
  name: 'lone-request',
  description:
    'A package sends a request to a public address that was never looked up by name, or a thread or native code of ' +
    'the runtime is connected to one of which the black box knows nothing.',
  technique: { id: 'T1071', name: 'Application Layer Protocol' },
  kind: 'channel',
  severity: 'medium',
  benign: ['packages whose service has a fixed address', 'work in threads, and drivers of databases in native code'],
  runs: ['process'],
  detect: (now: Observation, _: Observation, policy: DetectPolicy): readonly Finding[] =>
    firstOf(once([...byPackages(now, policy), ...byThreads(now, policy)]), MAX),
};

/** `POST http://203.0.113.7:443`: no name stands there. Code of a package alone asks for it. */
function byPackages(now: Observation, policy: DetectPolicy): Finding[] {
  return eventsOf(now, ['request']).flatMap((event): Finding[] => {
    const target = targetOf(event);
    if (target === undefined || !isOfPackages(event) || isUsual(target, policy)) return [];
    return [
      makeFinding(loneRequest, {
        title: `a package sends ${event.subject} to an address without a name`,
        severity: 'medium',
        subject: { pid: event.pid, address: `${target.address}:${String(target.port)}` },
        evidence: eventEvidence(event),
      }),
    ];
  });
}

/** No code of the function itself has asked its packages for it. */
function isOfPackages({ origin = [] }: RecordedEvent): boolean {
  return origin.length > 0 && origin.every((place) => place.includes('/node_modules/'));
}

/** Hooks hear of every connection of the main thread. What they have not heard of was opened elsewhere. */
function byThreads(now: Observation, policy: DetectPolicy): Finding[] {
  return unheard(now)
    .filter((socket) => !isUsual({ address: socket.remoteAddress, port: socket.remotePort }, policy))
    .flatMap((socket): Finding[] => {
      const own = now.processes.find(({ pid }) => pid === now.self);
      if (own === undefined) return [];
      return [
        makeFinding(loneRequest, {
          title: `a thread or native code of ${named(own)} is connected to ${addressOf(socket)}`,
          severity: 'medium',
          subject: { ...subjectOf(own), address: addressOf(socket) },
          part: 'thread',
          evidence: [
            socketEvidence(socket),
            'events.jsonl: no event tells of this connection',
            ...(now.heard?.workers.flatMap(eventEvidence) ?? []),
          ],
        }),
      ];
    });
}

function isUsual(
  { address, port }: { readonly address: string; readonly port: number },
  policy: DetectPolicy,
): boolean {
  return placeOf(address) !== 'public' || isAllowedAddress(policy, address, port);
}

function targetOf({ subject }: RecordedEvent): { readonly address: string; readonly port: number } | undefined {
  const url = URL.parse(subject.slice(subject.indexOf(' ') + 1));
  const address = url?.hostname.replace(/^\[|\]$/gu, '') ?? '';
  if (url === null || !/^\d+(?:\.\d+){3}$|:/u.test(address)) return undefined;
  return { address, port: url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port) };
}
