/** Connections out of the sandbox to where functions do not ordinarily go. */
import type {
  Detector,
  DetectPolicy,
  Finding,
  Observation,
  ObservedProcess,
  ObservedSocket,
  Severity,
} from '../contracts/evidence.ts';
import { placeOf } from './addresses.ts';
import { firstOf, isAllowed, isAllowedAddress, makeFinding, named, subjectOf } from './finding.ts';
import { baseName, isWritablePlace } from './places.ts';
import { isDrivenBrowser, isInterpreter, isShell } from './programs.ts';
import { isLoose, runsText } from './started-as.ts';
import { socketEvidence } from './stdio-socket.ts';

/** Findings of one look: the capture has all sockets. */
const MAX = 32;
/** 53 and 853 are the business of foreign-resolver. */
const DNS_PORTS: ReadonlySet<number> = new Set([53, 853]);

export const outbound: Detector = {
  name: 'outbound',
  description: "A connection to a public address that is not Amazon's and not allowed (allow:to=…).",
  technique: { id: 'T1071', name: 'Application Layer Protocol' },
  kind: 'channel',
  severity: 'medium',
  benign: [
    'every function that calls an API of somebody else: what the runtime and its tools do is low',
    'a browser that visits a site',
  ],
  runs: ['extension', 'process'],
  detect: (now: Observation, _: Observation, policy: DetectPolicy): readonly Finding[] => {
    const processes = new Map(now.processes.map((one) => [one.pid, one]));
    return firstOf(
      now.sockets
        .filter((socket) => isOutbound(socket, policy))
        .flatMap((socket): Finding[] => {
          const holders = socket.pids.flatMap((pid) => processes.get(pid) ?? []);
          const foreign = holders.every(({ role }) => role === 'other') ? holders : [];
          const one = foreign[0] ?? holders.find(({ role }) => role !== 'other');
          if (
            one?.exe === undefined ||
            one.role === 'amber' ||
            one.role === 'init' ||
            isAllowed(policy, 'exe', one.exe)
          )
            return [];
          return [
            makeFinding(outbound, {
              title: `${named(one)} is connected to ${socket.remoteAddress}:${String(socket.remotePort)}`,
              severity: severityOf(one, now),
              subject: { ...subjectOf(one), address: `${socket.remoteAddress}:${String(socket.remotePort)}` },
              evidence: [socketEvidence(socket)],
            }),
          ];
        }),
      MAX,
    );
  },
};

function isOutbound(socket: ObservedSocket, policy: DetectPolicy): boolean {
  const { remoteAddress, remotePort, state } = socket;
  if (remotePort === 0 || DNS_PORTS.has(remotePort) || state === 'LISTEN' || state === 'TIME_WAIT') return false;
  return placeOf(remoteAddress) === 'public' && !isAllowedAddress(policy, remoteAddress, remotePort);
}

/**
 * A destination alone says little: engines, tools and downloaders that a function brings along talk to the internet, as
 * the function does. It weighs where the program has no use for a connection (a shell), lies nowhere, or is nobody's.
 */
function severityOf(one: ObservedProcess, now: Observation): Severity {
  if (one.role !== 'other' || isDrivenBrowser(one)) return 'low';
  const isStaged = one.exe !== undefined && isWritablePlace(one.exe, now.writable);
  const strange =
    one.exeDeleted ||
    isShell(one.exe) ||
    (isInterpreter(one.exe) && runsText(one)) ||
    (isStaged && (isLoose(one, now) || baseName(one.exe).startsWith('.')));
  return strange ? 'medium' : 'low';
}
