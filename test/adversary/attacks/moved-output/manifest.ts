import type { Attack } from '../../detection/case.ts';

/** A19: the log tells no more of the function. */
export const attack: Attack = {
  does: 'Code of the function moves its output and error output, from which the platform makes the log, to a file.',
  techniques: ['T1685'],
  source: 'A19',
  victims: ['node', 'python'],
  inProcess: ['node'],
  events: [{}, { attack: true }, {}, {}],
  detectors: ['moved-output'],
  evidence: [{ path: /^live_response\/descriptors\.jsonl?$/u, holds: /\/tmp\/\.log/u }],
};
