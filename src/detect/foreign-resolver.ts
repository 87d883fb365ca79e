/** Names are asked of somebody else than the platform: a way out that no proxy and no security group of HTTP sees. */
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
import { isAllowed, makeFinding, named, once, subjectOf } from './finding.ts';
import { isDrivenBrowser } from './programs.ts';
import { eventEvidence, eventsOf } from './recorded.ts';
import { socketEvidence } from './stdio-socket.ts';

/**
 * Open resolvers, which answer over HTTPS at these addresses as well (their own documentation): Cloudflare, Google,
 * Quad9, OpenDNS, AdGuard. Code that sets a resolver of its own sets one of these. Anybody else's gets to read what is
 * asked.
 */
const OPEN: ReadonlySet<string> = new Set([
  '1.1.1.1',
  '1.0.0.1',
  '8.8.8.8',
  '8.8.4.4',
  '9.9.9.9',
  '149.112.112.112',
  '208.67.222.222',
  '208.67.220.220',
  '94.140.14.14',
  '94.140.15.15',
  '2606:4700:4700::1111',
  '2606:4700:4700::1001',
  '2001:4860:4860::8888',
  '2001:4860:4860::8844',
  '2620:fe::fe',
]);

export const foreignResolver: Detector = {
  name: 'foreign-resolver',
  description: 'DNS goes to another resolver than resolv.conf names, or over HTTPS to a public one.',
  technique: { id: 'T1071.004', name: 'DNS' },
  kind: 'channel',
  severity: 'high',
  benign: [
    'code that sets its own resolvers (dns.setServers): an open one, or one in the VPC, is medium at most',
    'a browser with DNS over HTTPS',
  ],
  runs: ['extension', 'process'],
  detect: (now: Observation, baseline: Observation, policy: DetectPolicy): readonly Finding[] => [
    ...bySocket(now, policy),
    ...bySetting(now, baseline, policy),
    ...byEvents(now, policy),
  ],
};

function bySocket(now: Observation, policy: DetectPolicy): Finding[] {
  const processes = new Map(now.processes.map((one) => [one.pid, one]));
  return now.sockets.flatMap((socket): Finding[] => {
    const how = wayOf(socket, now);
    if (how === undefined || isAllowed(policy, 'resolver', socket.remoteAddress)) return [];
    const one = socket.pids.flatMap((pid) => processes.get(pid) ?? [])[0];
    if (one === undefined || one.role === 'amber' || one.role === 'init') return [];
    return [
      makeFinding(foreignResolver, {
        title: `${named(one)} asks for names ${how} at ${socket.remoteAddress}`,
        severity: severityOf(one, socket.remoteAddress),
        subject: { ...subjectOf(one), address: `${socket.remoteAddress}:${String(socket.remotePort)}` },
        evidence: [socketEvidence(socket), `nameservers: ${now.nameservers.join(', ') || 'none'}`],
      }),
    ];
  });
}

/** Lambda's own resolver is link-local or in the VPC; a VPC may have more than resolv.conf names. */
function wayOf({ remoteAddress, remotePort, state }: ObservedSocket, { nameservers }: Observation): string | undefined {
  if (state === 'LISTEN' || remotePort === 0) return undefined;
  if (remotePort === 443 && OPEN.has(remoteAddress)) return 'over HTTPS';
  if (remotePort !== 53 && remotePort !== 853) return undefined;
  return nameservers.includes(remoteAddress) || placeOf(remoteAddress) === 'private' ? undefined : 'by DNS';
}

function severityOf(one: ObservedProcess, address: string): Severity {
  if (isDrivenBrowser(one)) return 'low';
  return one.role === 'other' || isSomebodys(address) ? 'high' : 'medium';
}

/** A public address of no open resolver: its owner reads the questions. */
function isSomebodys(address: string): boolean {
  return placeOf(address) === 'public' && !OPEN.has(address);
}

/** Questions of code that speaks DNS itself: Node's own resolver is native, and no event tells of its datagrams. */
function byEvents(now: Observation, policy: DetectPolicy): readonly Finding[] {
  return once(
    eventsOf(now, ['datagram']).flatMap((event): Finding[] => {
      const address = /^\[?(?<address>[\d.]+|[\da-f:]+)\]?:(?:53|853)$/u.exec(event.subject)?.groups?.['address'];
      if (address === undefined || now.nameservers.includes(address) || isAllowed(policy, 'resolver', address))
        return [];
      if (placeOf(address) === 'private' || placeOf(address) === 'local') return [];
      return [
        makeFinding(foreignResolver, {
          title: `code of the function asks for names by DNS at ${address}`,
          severity: isSomebodys(address) ? 'high' : 'medium',
          subject: { pid: event.pid, address: event.subject },
          part: 'asked',
          evidence: [...eventEvidence(event), `nameservers: ${now.nameservers.join(', ') || 'none'}`],
        }),
      ];
    }),
  );
}

/** `dns.setServers`: Node's own list differs from what it began with. */
function bySetting(now: Observation, baseline: Observation, policy: DetectPolicy): Finding[] {
  const known = [...(baseline.own?.resolvers ?? []), ...now.nameservers];
  const strange = (now.own?.resolvers ?? []).filter(
    (server) => !known.includes(server) && !isAllowed(policy, 'resolver', server),
  );
  if (strange.length === 0 || baseline.own === undefined) return [];
  return [
    makeFinding(foreignResolver, {
      title: `code of the function asks for names at ${strange.join(', ')}`,
      severity: strange.some(isSomebodys) ? 'high' : 'medium',
      subject: { pid: now.self, address: strange[0] ?? '' },
      part: 'setting',
      evidence: [`dns.getServers(): ${strange.join(', ')}`, `nameservers: ${now.nameservers.join(', ') || 'none'}`],
    }),
  ];
}
