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
  benign: [
    'tracing that patches a module when it is first used: its code lies in the deployment or in a layer',
    'polyfills and mocks',
    'tracing that patches the SDK after its first use, and not when it is loaded',
  ],
  runs: ['extension', 'process'],
  detect: (now: Observation): readonly Finding[] => [
    ...(now.own?.patched ?? []).map((patch) =>
      makeFinding(patchedBuiltins, {
        title: `${patch.name} was replaced after init by a function ${placeText(patch)}`,
        severity: severityOf(patch, now),
        subject: { pid: now.self, name: patch.name },
        evidence: [`${patch.name}: ${patch.script ?? 'place not known'}`],
      }),
    ),
    ...firstOf(once(eventsOf(now, ['method', 'prototype', 'hook']).map(recorded)), MAX),
  ],
};

/** What the checks of the recorder have told. They do not know whose the new function is. */
function recorded(event: RecordedEvent): Finding {
  const { kind, subject } = event;
  const what = kind === 'hook' ? 'was taken from the recorder' : kind === 'method' ? 'was replaced' : 'was added';
  return makeFinding(patchedBuiltins, {
    title: `${subject} ${what} after init`,
    severity: severityOfPath(event),
    subject: { pid: event.pid, name: subject },
    part: kind,
    evidence: eventEvidence(event),
  });
}

/** Modules of the SDK for Node and for Python, and of the runtime's client. */
const OF_PATH =
  /\/(?:@aws-sdk|@smithy|aws-sdk)\/|^\/var\/runtime\/|\/aws-lambda-ric\/|^(?:botocore|boto3|urllib3|awslambdaric|bootstrap)\b/u;
/** Methods that every request goes through with its signature. Tracing stands before them from the start. */
const EVERY_REQUEST =
  /[ .](?:send|sign|signRequest|presign|add_auth|signature|canonical_request|get_frozen_credentials|generate_presigned_url|handle_event_request|unmarshal_request|post_invocation_result)$/u;

/** On the path of requests and credentials, or what reaches every object. */
function severityOfPath({ kind, subject }: RecordedEvent): Severity {
  if (kind === 'hook') return 'medium';
  if (kind === 'prototype') return subject.startsWith('Object.prototype.') ? 'medium' : 'low';
  if (!OF_PATH.test(subject)) return 'low';
  return EVERY_REQUEST.test(subject) ? 'high' : 'medium';
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
