import type { Attack } from '../../detection/case.ts';

/** A14: a program of the function is made to load code that lies nowhere. */
export const attack: Attack = {
  does: 'A short child of Node is given NODE_OPTIONS with a data: URL.',
  techniques: ['T1574.006'],
  source: 'A14',
  victims: ['node'],
  inProcess: ['node'],
  blind: { extension: 'the child has ended before it looks' },
  events: [{}, { attack: true }, {}, {}],
  detectors: ['environment-drift'],
  evidence: [{ path: /live_response\/events\.jsonl$/u, holds: /--import data:/u }],
};
