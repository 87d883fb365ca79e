import type { Attack } from '../../detection/case.ts';

/** A10: secrets that are in no variable any more lie in the memory. */
export const attack: Attack = {
  does: 'A short child copies memory of the runtime out of /proc, without a debugger.',
  techniques: ['T1003.007', 'T1552'],
  source: 'A10',
  victims: ['node'],
  inProcess: ['node'],
  blind: { extension: 'the child has ended before it looks' },
  events: [{}, { attack: true }, {}, {}],
  detectors: ['child-process-use'],
  evidence: [{ path: /live_response\/events\.jsonl$/u, holds: /if=\/proc\/\d+\/mem/u }],
};
