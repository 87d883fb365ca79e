import type { Attack } from '../../detection/case.ts';

const CALL = "function () { return process.getBuiltinModule('child_process').execSync('hostname').length }()";

/** A22: a profile from a cookie is revived with the functions that it holds. */
export const attack: Attack = {
  does: 'A deserialiser evaluates a member of the event, and that starts a program.',
  techniques: ['T1059.007', 'T1190'],
  source: 'A22',
  victims: ['node'],
  inProcess: ['node'],
  blind: { extension: 'the child has ended before it looks' },
  events: [{}, { profile: JSON.stringify({ name: `_$$ND_FUNC$$_${CALL}` }) }, {}, {}],
  detectors: ['code-from-nowhere'],
  evidence: [{ path: /live_response\/events\.jsonl$/u, holds: /hostname/u }],
};
