/** A built-in of Node is another function than at init: a function that stands there sees what goes through it. */
import type { Detector, Finding, Observation, PatchedBuiltin, Severity } from '../contracts/evidence.ts';
import type { RecordedEvent } from '../contracts/recorded.ts';
import { firstOf, makeFinding, once } from './finding.ts';
import { isWritablePlace } from './places.ts';
import { eventEvidence, eventsOf } from './recorded.ts';

const MAX = 16;

export const patchedBuiltins: Detector = {
  name: 'patched-builtins',
  description: 'Functions of Node.js or of the language were replaced after init, seen from inside the process.',
  technique: { id: 'T1056.004', name: 'Credential API Hooking' },
  kind: 'hijack',
  severity: 'high',
  cost: 'facts',
  benign: [
    'tracing that patches a module when it is first used: its code lies in the deployment or in a layer',
    'polyfills and mocks',
  ],
  runs: ['process'],
  detect: (now: Observation): readonly Finding[] => [
    ...(now.own?.patched ?? []).map((patch) =>
      makeFinding(patchedBuiltins, {
        title: `${patch.name} was replaced after init by a function ${placeText(patch)}`,
        severity: severityOf(patch, now),
        subject: { pid: now.self, name: patch.name },
        evidence: [`${patch.name}: ${patch.script ?? 'place not known'}`],
      }),
    ),
    ...firstOf(once(eventsOf(now, ['method', 'prototype', 'hook']).map((event) => recorded(event, now))), MAX),
  ],
};

/** What the checks of the recorder have told. They do not know whose the new function is, so it is medium at most. */
function recorded(event: RecordedEvent, { self }: Observation): Finding {
  const { kind, subject } = event;
  const what = kind === 'hook' ? 'was taken from the recorder' : kind === 'method' ? 'was replaced' : 'was added';
  return makeFinding(patchedBuiltins, {
    title: `${subject} ${what} after init`,
    severity: isOfPath(event) ? 'medium' : 'low',
    subject: { pid: self, name: subject },
    part: kind,
    evidence: eventEvidence(event),
  });
}

/** On the path of requests and credentials, or what reaches every object. */
function isOfPath({ kind, subject }: RecordedEvent): boolean {
  if (kind === 'hook') return true;
  if (kind === 'prototype') return subject.startsWith('Object.prototype.');
  return /\/(?:@aws-sdk|@smithy|aws-sdk)\/|^\/var\/runtime\//u.test(subject);
}

function placeText({ script }: PatchedBuiltin): string {
  return script === undefined
    ? 'of a place that is not known'
    : script === ''
      ? 'that came from a text (eval)'
      : `of ${script}`;
}

/** Code that was deployed patches for a purpose; a text or a file that came later has none that is known. */
function severityOf({ script }: PatchedBuiltin, { writable }: Observation): Severity {
  if (script === undefined) return 'medium';
  const path = script.replace(/^file:\/\//u, '');
  return path === '' || path.startsWith('data:') || path.startsWith('evalmachine') || isWritablePlace(path, writable)
    ? 'high'
    : 'low';
}
