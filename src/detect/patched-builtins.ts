/** A built-in of Node is another function than at init: a function that stands there sees what goes through it. */
import type { Detector, Finding, Observation, PatchedBuiltin, Severity } from '../contracts/evidence.ts';
import { makeFinding } from './finding.ts';
import { isWritablePlace } from './places.ts';

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
  detect: (now: Observation): readonly Finding[] =>
    (now.own?.patched ?? []).map((patch) =>
      makeFinding(patchedBuiltins, {
        title: `${patch.name} was replaced after init by a function ${placeText(patch)}`,
        severity: severityOf(patch, now),
        subject: { pid: now.self, name: patch.name },
        evidence: [`${patch.name}: ${patch.script ?? 'place not known'}`],
      }),
    ),
};

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
