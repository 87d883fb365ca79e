import type { Attack } from '../../detection/case.ts';

/** A10: the credentials of the function, read by a child that knows its parent. */
export const attack: Attack = {
  does: 'A short child asks for its parent, reads its environment out of /proc and sends it.',
  techniques: ['T1552.007', 'T1552.001', 'T1552'],
  source: 'A10',
  victims: ['node'],
  inProcess: ['node'],
  blind: { extension: 'the child has ended before it looks' },
  events: [{}, { attack: true }, {}, {}],
  detectors: ['child-process-use'],
  evidence: [{ path: /live_response\/events\.jsonl$/u, holds: /getppid/u }],
  arrives: [{ at: 'exfiltration', holds: /AWS_SECRET_ACCESS_KEY/u }],
};
