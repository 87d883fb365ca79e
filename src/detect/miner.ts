/** What miners of cryptocurrency cannot do without: a pool, a wallet, an algorithm, a processor. */
import type { Detector, DetectPolicy, Finding, Observation, ObservedProcess } from '../contracts/evidence.ts';
import { placeOf } from './addresses.ts';
import { exeEvidence, isAllowed, isAllowedAddress, makeFinding, named, newcomers, subjectOf } from './finding.ts';
import { eventEvidence } from './recorded.ts';
import { socketEvidence } from './stdio-socket.ts';
import { cpuShare } from './resource-jump.ts';
import { addressOf, unheard } from './unheard.ts';

/**
 * Stratum (the protocol of pools), options that XMRig and its kind share, and addresses of Monero wallets (95
 * characters of base 58).
 */
const ARGUMENTS: readonly RegExp[] = [
  /\bstratum\+?(?:tcp|ssl|tls|udp)?\d?:\/\//u,
  /--donate-level\b/u,
  /--(?:coin|algo)[= ](?:rx|cn|monero|randomx|kawpow|ethash|etchash|autolykos|ghostrider)/u,
  /(?<![1-9A-HJ-NP-Za-km-z])[48][1-9A-HJ-NP-Za-km-z]{94}(?![1-9A-HJ-NP-Za-km-z])/u,
  /--(?:randomx|cpu-max-threads-hint|nicehash)\b/u,
];
/** Ports on which pools listen, by their own documentation. */
const PORTS: ReadonlySet<number> = new Set([
  3333, 4444, 5555, 6666, 7777, 9999, 10128, 10343, 14433, 14444, 20128, 45560, 45700,
]);

export const miner: Detector = {
  name: 'miner',
  description:
    'A process has the arguments of a miner, or keeps a processor busy while it is connected to the port of a pool; ' +
    'a thread of the runtime is connected to one.',
  technique: { id: 'T1496.001', name: 'Compute Hijacking' },
  kind: 'impact',
  severity: 'critical',
  benign: ["a service of one's own that happens to listen on port 3333 or the like"],
  runs: ['extension', 'process'],
  detect: (now: Observation, baseline: Observation, policy: DetectPolicy): readonly Finding[] => [
    ...[...newcomers(now, baseline), ...now.processes.filter(({ role }) => role === 'extension')].flatMap(
      (one): Finding[] => {
        if (one.exe !== undefined && isAllowed(policy, 'exe', one.exe)) return [];
        return [...byArguments(one), ...byPool(one, now, policy)];
      },
    ),
    ...byThread(now, policy),
  ],
};

/** The function itself may have a service at such a port; its threads have no connections of their own. */
function byThread(now: Observation, policy: DetectPolicy): Finding[] {
  const own = now.processes.find(({ pid }) => pid === now.self);
  const socket = unheard(now).find(
    ({ remotePort, remoteAddress }) =>
      PORTS.has(remotePort) &&
      placeOf(remoteAddress) === 'public' &&
      !isAllowedAddress(policy, remoteAddress, remotePort),
  );
  if (own === undefined || socket === undefined) return [];
  return [
    makeFinding(miner, {
      title: `a thread of ${named(own)} is connected to the port of a pool`,
      severity: 'high',
      subject: { ...subjectOf(own), address: addressOf(socket) },
      part: 'thread',
      evidence: [socketEvidence(socket), ...(now.heard?.workers.flatMap(eventEvidence) ?? [])],
    }),
  ];
}

function byArguments(one: ObservedProcess): Finding[] {
  const text = one.argv.join(' ').slice(0, 4096);
  const hits = ARGUMENTS.filter((pattern) => pattern.test(text)).length;
  if (hits === 0) return [];
  return [
    makeFinding(miner, {
      title: `${named(one)} has the arguments of a miner`,
      severity: hits > 1 ? 'critical' : 'high',
      subject: subjectOf(one),
      evidence: [`/proc/${String(one.pid)}/cmdline: ${text}`, exeEvidence(one)],
    }),
  ];
}

function byPool(one: ObservedProcess, now: Observation, policy: DetectPolicy): Finding[] {
  const socket = now.sockets.find(
    ({ pids, remotePort, remoteAddress }) =>
      pids.includes(one.pid) && PORTS.has(remotePort) && !isAllowed(policy, 'to', remoteAddress),
  );
  if (socket === undefined) return [];
  const busy = cpuShare(one, now) >= 0.5;
  return [
    makeFinding(miner, {
      title: `${named(one)} is connected to the port of a pool${busy ? ' and keeps a processor busy' : ''}`,
      severity: busy ? 'high' : 'medium',
      kind: busy ? 'impact' : 'channel',
      subject: { ...subjectOf(one), address: `${socket.remoteAddress}:${String(socket.remotePort)}` },
      part: 'pool',
      evidence: [socketEvidence(socket)],
    }),
  ];
}
