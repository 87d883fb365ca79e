import type { Attack } from '../../detection/case.ts';

/** A7: a module of /tmp is found before the one that is meant. */
export const attack: Attack = {
  does: 'A variable leads children to a folder of /tmp, where a module of the name that they ask for lies.',
  techniques: ['T1574.007', 'T1574'],
  source: 'A7',
  level: 'medium',
  victims: ['node', 'python'],
  inProcess: ['node'],
  events: [{}, { attack: true }, { job: true }, { job: true }],
  detectors: ['environment-drift'],
  evidence: [{ path: /^\[root\]\/tmp\/\.cache\//u, holds: /203\.0\.113\.7/u }],
  arrives: [{ at: 'exfiltration', holds: /shadowed/u }],
};
