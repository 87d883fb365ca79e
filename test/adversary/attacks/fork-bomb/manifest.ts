import type { Attack } from '../../detection/case.ts';

/** A11: a command that starts itself twice, and so do these. */
export const attack: Attack = {
  does: 'A shell starts copies of itself that start copies of themselves.',
  techniques: ['T1499'],
  source: 'A11',
  victims: ['node', 'python'],
  inProcess: ['node'],
  events: [{}, { attack: true }, {}, {}],
  detectors: ['process-flood'],
  evidence: [{ path: /^live_response\/processes\.json$/u, holds: /bomb/u }],
};
