/**
 * A ring of the black box is no longer as the extension has read it: somebody removes the traces of what he did. The
 * recorder itself changes no event, and a ring never gets shorter.
 */
import type { Detector, Finding, Observation, Subject } from '../contracts/evidence.ts';
import type { RingDoubt } from '../contracts/recorded.ts';
import { many } from '../many.ts';
import { makeFinding, subjectOf } from './finding.ts';

/** Sequences that are named. */
const MAX_NAMED = 12;

export const rewrittenRecord: Detector = {
  name: 'rewritten-record',
  description: 'Events in a ring of the black box were rewritten, erased or cut off after the extension had read them.',
  technique: { id: 'T1070', name: 'Indicator Removal' },
  kind: 'disguise',
  severity: 'high',
  benign: ['a forked child that writes into the ring of its parent at the same moment: such pairs are left out'],
  runs: ['extension'],
  detect: (now: Observation): readonly Finding[] => (now.doubts ?? []).map((doubt) => findingOf(doubt, now)),
};

function findingOf(doubt: RingDoubt, now: Observation): Finding {
  const { identity, holders, changed, erased, back, bytesMissing = 0 } = doubt;
  const what = [
    ...(changed.length === 0 ? [] : [`${many(changed.length, 'event')} rewritten`]),
    ...(erased.length === 0 ? [] : [`${many(erased.length, 'event')} erased`]),
    ...(bytesMissing === 0 ? [] : [`${many(bytesMissing, 'byte')} cut off`]),
    ...(back === undefined ? [] : [`it ends with event ${back.to}, and had event ${back.from}`]),
  ];
  return makeFinding(rewrittenRecord, {
    title: `the ring of the black box was changed after it was read: ${what.join(', ')}`,
    severity: 'high',
    subject: holderOf(holders, now) ?? { name: `ring ${identity}` },
    part: identity,
    evidence: [
      `ring ${identity}, held by ${holders.length === 0 ? 'nobody' : holders.map((pid) => `pid ${pid}`).join(', ')}`,
      ...numbersOf('rewritten', changed),
      ...numbersOf('erased', erased),
      'live_response/events.jsonl has the events as they were read',
    ],
  });
}

/** A process that holds it need not be the one that wrote: any with the uid can. */
function holderOf(holders: readonly number[], { processes }: Observation): Subject | undefined {
  const holder = processes.find(({ pid }) => holders.includes(pid));
  return holder === undefined ? undefined : subjectOf(holder);
}

function numbersOf(what: string, sequences: readonly number[]): string[] {
  if (sequences.length === 0) return [];
  const beyond = sequences.length - MAX_NAMED;
  const named = sequences.slice(0, MAX_NAMED).join(', ');
  return [`${what}: event ${named}${beyond > 0 ? ` and ${beyond} more` : ''}`];
}
