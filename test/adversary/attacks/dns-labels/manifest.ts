import type { Attack } from '../../detection/case.ts';

/** A14: no connection to anywhere, and no other resolver: the questions carry the data. */
export const attack: Attack = {
  does: 'Asks the resolver of the platform for names with long labels that hold a secret.',
  techniques: ['T1071.004', 'T1048'],
  source: 'A14',
  victims: ['node'],
  inProcess: ['node'],
  blind: { extension: 'the questions go to the resolver that they belong to' },
  events: [{}, { attack: true }, {}, {}],
  detectors: ['long-names'],
  evidence: [{ path: /live_response\/events\.jsonl$/u, holds: /exfil\.example/u }],
  arrives: [{ at: 'dns', holds: /wjalr/u }],
};
