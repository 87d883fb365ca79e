import type { Attack } from '../../detection/case.ts';

/** A1: after Denonia, an ELF that calls itself python. */
export const attack: Attack = {
  does: 'An ELF in /tmp that is called python uses all the CPU that it gets, and holds a connection to a pool.',
  techniques: ['T1496.001', 'T1496', 'T1036.005'],
  source: 'A1',
  victims: ['node', 'python'],
  inProcess: ['node'],
  events: [{}, { attack: true }, {}, {}],
  detectors: ['miner', 'disguised-name', 'staged-executable', 'child-process-use'],
  evidence: [
    { path: /^\[root\]\/tmp\/python$/u, is: '/usr/bin/bash' },
    { path: /^live_response\/sockets\.json$/u, holds: /3333/u },
    { path: /^live_response\/processes\.json$/u, holds: /stratum/u },
  ],
  arrives: [{ at: 'pool', holds: /login/u }],
  quick: 'wrapper',
};
