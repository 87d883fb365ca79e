import type { Attack } from '../../detection/case.ts';

/** A11: whoever reaches the port runs what he likes in the function. */
export const attack: Attack = {
  does: 'The debugger of Node.js is opened for every address.',
  techniques: ['T1059.007'],
  source: 'A11',
  victims: ['node'],
  inProcess: ['node'],
  blind: { extension: 'a server of the function is nothing that it judges' },
  events: [{}, { attack: true }, {}, {}],
  detectors: ['open-inspector'],
  evidence: [{ path: /live_response\/events\.jsonl$/u, holds: /9229/u }],
};
