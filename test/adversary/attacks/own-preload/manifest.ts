import type { Attack } from '../../detection/case.ts';

/** A7: nothing is on disk; every Node that the function starts from now on runs the text. */
export const attack: Attack = {
  does: 'Code of the function gives its own environment NODE_OPTIONS with a data: URL.',
  techniques: ['T1574.006'],
  source: 'A7',
  victims: ['node'],
  inProcess: ['node'],
  blind: { extension: 'the environment that /proc shows is that of the start' },
  events: [{}, { attack: true }, {}, {}],
  detectors: ['environment-drift'],
  evidence: [{ path: /live_response\/events\.jsonl$/u, holds: /--import data:/u }],
};
