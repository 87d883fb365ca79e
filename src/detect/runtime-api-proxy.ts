/**
 * The runtime is told to find the Runtime API elsewhere than the others: a process that listens there sees every event.
 */
import type { Detector, Finding, Observation, ObservedProcess, Severity } from '../contracts/evidence.ts';
import { makeFinding, named, subjectOf } from './finding.ts';
import { declaredApis, endpointOf, listenerOn, RUNTIME_API } from './runtime-api.ts';

export const runtimeApiProxy: Detector = {
  name: 'runtime-api-proxy',
  description:
    'AWS_LAMBDA_RUNTIME_API differs between processes, or another process than init listens where it points.',
  technique: { id: 'T1557', name: 'Adversary-in-the-Middle' },
  kind: 'hijack',
  severity: 'high',
  benign: ['monitoring that proxies the Runtime API by an exec wrapper, which the configuration of the function shows'],
  runs: ['extension', 'process'],
  detect: (now: Observation): readonly Finding[] => [...differing(now), ...listeners(now), ...rewritten(now)],
};

/**
 * LambdaSpy changes the value in the memory of init: what init starts later gets another one than what it started
 * before.
 */
function differing(now: Observation): Finding[] {
  const declared = declaredApis(now).toSorted((a, b) => a.process.startTicks - b.process.startTicks);
  const first = declared[0];
  return declared.slice(1).flatMap(({ process, value }): Finding[] => {
    if (first === undefined || value === first.value) return [];
    return [
      makeFinding(runtimeApiProxy, {
        title: `${named(process)} was started with another ${RUNTIME_API} than ${named(first.process)}`,
        severity: severityOf(now),
        subject: { ...subjectOf(process), name: RUNTIME_API, address: value },
        evidence: [
          `/proc/${String(first.process.pid)}/environ: ${first.value}`,
          `/proc/${String(process.pid)}/environ: ${value}`,
          ...listenerEvidence(now, value),
        ],
      }),
    ];
  });
}

/** Only init serves the Runtime API. Its descriptors may not be readable: then nobody is known to listen. */
function listeners(now: Observation): Finding[] {
  const found = new Map<number, Finding>();
  for (const { value } of declaredApis(now)) {
    const socket = listenerOn(now, endpointOf(value)?.port ?? -1);
    const holder = holderOf(now, socket?.pids ?? []);
    if (socket === undefined || holder === undefined) continue;
    found.set(
      holder.pid,
      makeFinding(runtimeApiProxy, {
        title: `${named(holder)} listens where the Runtime API is said to be`,
        severity: holder.role === 'other' ? 'high' : severityOf(now),
        subject: { ...subjectOf(holder), address: value },
        part: 'listener',
        evidence: listenerEvidence(now, value),
      }),
    );
  }
  return [...found.values()];
}

/** Code in the function has changed the variable since the process began. */
function rewritten(now: Observation): Finding[] {
  const own = now.processes.find(({ pid }) => pid === now.self);
  const [before, value] = [own?.env?.[RUNTIME_API], now.own?.env[RUNTIME_API]];
  if (own === undefined || before === undefined || value === undefined || value === before) return [];
  return [
    makeFinding(runtimeApiProxy, {
      title: `code of the function has changed ${RUNTIME_API}`,
      severity: 'high',
      subject: { ...subjectOf(own), name: RUNTIME_API, address: value },
      part: 'rewritten',
      evidence: [
        `/proc/${String(own.pid)}/environ: ${before}`,
        `process.env: ${value}`,
        ...listenerEvidence(now, value),
      ],
    }),
  ];
}

/** What the configuration declares is not hidden. */
function severityOf({ processes }: Observation): Severity {
  return processes.some(({ role, env }) => role === 'runtime' && env?.['AWS_LAMBDA_EXEC_WRAPPER'] !== undefined)
    ? 'medium'
    : 'high';
}

function holderOf(now: Observation, pids: readonly number[]): ObservedProcess | undefined {
  return now.processes.find(
    ({ pid, role }) => pids.includes(pid) && (role === 'other' || role === 'extension' || role === 'runtime'),
  );
}

function listenerEvidence(now: Observation, value: string): string[] {
  const socket = listenerOn(now, endpointOf(value)?.port ?? -1);
  return socket === undefined
    ? []
    : [
        `${socket.localAddress}:${String(socket.localPort)} is listened on by pid ` +
          (socket.pids.join(', ') || 'unknown'),
      ];
}
