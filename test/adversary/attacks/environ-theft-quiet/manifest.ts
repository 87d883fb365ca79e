import type { Attack } from '../../detection/case.ts';

/** A10: the same by the runtime itself, as by a path traversal or an SSRF with file://. */
export const attack: Attack = {
  does: 'The function reads /proc/self/environ and sends it out by a request of its own.',
  techniques: ['T1552.001', 'T1552'],
  source: 'A10',
  victims: ['node', 'python'],
  inProcess: ['node'],
  events: [{}, { attack: true }, {}, {}],
  detectors: ['outbound', 'environ-reader'],
  evidence: [],
  arrives: [{ at: 'exfiltration', holds: /AWS_SECRET_ACCESS_KEY/u }],
  limit: 'a read leaves no trace, and a request of the function to an address on the internet is what functions do',
};
