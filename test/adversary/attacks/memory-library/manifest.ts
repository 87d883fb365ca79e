import type { Attack } from '../../detection/case.ts';

/** A12: what the runtime has loaded is in memory alone. */
export const attack: Attack = {
  does: 'Loads machine code into the runtime from a memfd, or from a file that it deletes at once.',
  techniques: ['T1620', 'T1574.006'],
  source: 'A12',
  victims: ['node', 'python'],
  inProcess: ['node'],
  events: [{}, { attack: true }, {}, {}],
  detectors: ['mapped-object'],
  evidence: [{ path: /^\[root\]\/proc\/\d+\/maps$/u, holds: /memfd:libz|\/tmp\/\.cache\.node \(deleted\)/u }],
};
