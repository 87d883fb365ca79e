/** Names that are long enough to carry data away, asked of whichever resolver: its owner need not be in on it. */
import type { Detector, DetectPolicy, Finding, Observation, Severity } from '../contracts/evidence.ts';
import type { RecordedEvent } from '../contracts/recorded.ts';
import { firstOf, isAllowed, makeFinding, once } from './finding.ts';
import { eventEvidence, eventsOf } from './recorded.ts';

const MAX = 16;
/** A label holds 63 characters, a name 253 (RFC 1035 section 2.3.4). */
const LONG_LABEL = 48;
const LONG_NAME = 100;
/** Data needs more than one question. */
const OFTEN = 4;
/** Names of resources: of buckets, of generated hosts. */
const OF_CLOUDS =
  /(?:^|\.)(?:amazonaws\.com(?:\.cn)?|aws|on\.aws|cloudfront\.net|azure\.com|windows\.net|googleapis\.com)$/u;

export const longNames: Detector = {
  name: 'long-names',
  description: 'The function looks up names below one domain whose labels are as long as data that is carried away.',
  technique: { id: 'T1071.004', name: 'DNS' },
  kind: 'channel',
  severity: 'high',
  benign: ['hosts with generated names: one of them, or a short one many times, is medium at most'],
  runs: ['extension', 'process'],
  detect: (now: Observation, _: Observation, policy: DetectPolicy): readonly Finding[] => {
    const byDomain = Map.groupBy(eventsOf(now, ['resolve']).filter(isLong), ({ subject }) => domainOf(subject));
    const findings = [...byDomain].flatMap(([domain, events]): Finding[] => {
      const [last] = events.toReversed();
      if (last === undefined || OF_CLOUDS.test(domain) || isAllowed(policy, 'resolver', domain)) return [];
      return [
        makeFinding(longNames, {
          title: `names below ${domain} are looked up that hold labels of ${String(labelOf(last))} characters`,
          severity: severityOf(events),
          subject: { pid: last.pid, name: domain },
          evidence: events.flatMap(eventEvidence),
        }),
      ];
    });
    return firstOf(once(findings), MAX);
  },
};

function severityOf(events: readonly RecordedEvent[]): Severity {
  const often = Math.max(events.length, ...events.map(({ count }) => count)) >= OFTEN;
  const whole = events.some((one) => lengthOf(one) >= LONG_NAME || one.detail?.['type'] === 'txt');
  return often && whole ? 'high' : 'medium';
}

function isLong(event: RecordedEvent): boolean {
  return labelOf(event) >= LONG_LABEL;
}

function labelOf({ subject, detail }: RecordedEvent): number {
  const { label } = detail ?? {};
  return typeof label === 'number' ? label : Math.max(...subject.split('.').map(({ length }) => length));
}

function lengthOf({ subject, detail }: RecordedEvent): number {
  const { length } = detail ?? {};
  return typeof length === 'number' ? length : subject.length;
}

/** With AMBER_RECORD=paths the name is whole. */
function domainOf(name: string): string {
  return name.split('.').slice(-2).join('.');
}
