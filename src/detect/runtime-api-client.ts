/**
 * Somebody else takes the function's events: a process that is neither runtime nor extension talks to the Runtime API.
 */
import type { Detector, Finding, Observation, ObservedProcess, ObservedSocket } from '../contracts/evidence.ts';
import { makeFinding, named, once, subjectOf } from './finding.ts';
import { isInterpreter, familyOf } from './programs.ts';
import { baseName } from './places.ts';
import { eventEvidence, eventsOf } from './recorded.ts';
import { declaredApis, endpointOf } from './runtime-api.ts';
import { socketEvidence } from './stdio-socket.ts';

export const runtimeApiClient: Detector = {
  name: 'runtime-api-client',
  description:
    'A process that is neither runtime nor extension is connected to the Runtime API, or something in the ' +
    'runtime is beside its client.',
  technique: { id: 'T1557', name: 'Adversary-in-the-Middle' },
  kind: 'hijack',
  severity: 'high',
  benign: [
    'a helper process of an extension that proxies the Runtime API',
    'an internal extension that registers after init',
  ],
  runs: ['extension', 'process'],
  detect: (now: Observation, baseline: Observation): readonly Finding[] => {
    const ports = new Set(declaredApis(now).flatMap(({ value }) => endpointOf(value)?.port ?? []));
    const roles = new Map(now.processes.map((one) => [one.pid, one]));
    const foreign = now.sockets.flatMap((socket): Finding[] => {
      if (!ports.has(socket.remotePort) || socket.state === 'LISTEN') return [];
      const holders = socket.pids.flatMap((pid) => roles.get(pid) ?? []);
      // A descriptor that a child has inherited is the runtime's own.
      if (holders.some(({ role }) => role !== 'other')) return [];
      return holders.map((one) =>
        makeFinding(runtimeApiClient, {
          title: `${named(one)} is connected to the Runtime API`,
          severity: isBelowExtension(one.ppid, now) ? 'medium' : 'high',
          subject: { ...subjectOf(one), address: `${socket.remoteAddress}:${String(socket.remotePort)}` },
          evidence: [socketEvidence(socket)],
        }),
      );
    });
    return [...foreign, ...secondClient(now, baseline, ports), ...asked(now)];
  },
};

/**
 * The runtime clients of Python and Ruby have one connection and keep it (aws-lambda-cpp, one curl handle; net/http).
 * While it stands, another one of the same process is not theirs. Node's client has several, and programs that are
 * compiled may.
 */
function secondClient(now: Observation, baseline: Observation, ports: ReadonlySet<number>): Finding[] {
  const runtime = now.processes.find(({ role }) => role === 'runtime');
  if (
    runtime === undefined ||
    !isInterpreter(runtime.exe) ||
    !ONE_CONNECTION.has(familyOf(baseName(runtime.exe ?? '')))
  )
    return [];
  const then = connections(runtime, baseline, ports);
  const are = connections(runtime, now, ports);
  const [first] = then;
  if (first === undefined || then.length > 1 || !are.some(({ inode }) => inode === first.inode)) return [];
  return are
    .filter(({ inode }) => inode !== first.inode)
    .slice(0, 1)
    .map((socket) =>
      makeFinding(runtimeApiClient, {
        title: `${named(runtime)} has a second connection to the Runtime API, and keeps the one of its client`,
        severity: 'high',
        subject: { ...subjectOf(runtime), address: `${socket.remoteAddress}:${String(socket.remotePort)}` },
        evidence: [socketEvidence(first), socketEvidence(socket)],
        part: 'second',
      }),
    );
}

/** The runtime's own client, which asks for events and answers them. */
const CLIENT = /^\/var\/runtime\/|\/aws-lambda-ric\//u;

/**
 * Code in the runtime asks for the next event, or answers one, beside its client. A runtime that is made of JavaScript
 * has asked before its first invocation.
 */
function asked(now: Observation): readonly Finding[] {
  if (now.heard?.asksRuntimeApi === true) return [];
  return once(
    eventsOf(now, ['request']).flatMap((event): Finding[] => {
      const what = /\/runtime\/invocation\/(?<what>next|[\w-]+\/(?:response|error))\b/u.exec(event.subject);
      if (what === null || event.invocation === 0 || CLIENT.test(event.origin?.[0] ?? '')) return [];
      return [
        makeFinding(runtimeApiClient, {
          title: `code of the function sends ${event.subject}`,
          severity: 'high',
          subject: { pid: event.pid, name: what.groups?.['what'] === 'next' ? 'next' : 'response' },
          part: 'asked',
          evidence: eventEvidence(event),
        }),
      ];
    }),
  );
}

const ONE_CONNECTION: ReadonlySet<string> = new Set(['python', 'ruby']);

function connections({ pid }: ObservedProcess, { sockets }: Observation, ports: ReadonlySet<number>): ObservedSocket[] {
  return sockets.filter(
    ({ state, remotePort, pids }) => state === 'ESTABLISHED' && ports.has(remotePort) && pids.includes(pid),
  );
}

function isBelowExtension(ppid: number, { processes }: Observation): boolean {
  return processes.some(({ pid, role }) => pid === ppid && role === 'extension');
}
