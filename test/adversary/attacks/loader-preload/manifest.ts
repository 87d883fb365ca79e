import type { Attack } from '../../detection/case.ts';

/** A7: what the function starts from now on loads a library that an attacker brought. */
export const attack: Attack = {
  does: 'Puts a shared object into /tmp and its name into LD_PRELOAD of the runtime, so that every child loads it.',
  techniques: ['T1574.006'],
  source: 'A7',
  victims: ['node', 'python'],
  inProcess: ['node'],
  events: [{}, { attack: true }, {}, {}],
  detectors: ['environment-drift', 'mapped-object'],
  evidence: [
    { path: /^\[root\]\/tmp\/\.libstat\.so$/u },
    { path: /^\[root\]\/proc\/\d+\/maps$/u, holds: /\/tmp\/\.libstat\.so/u },
    { path: /^live_response\/environment\.json$/u, holds: /LD_PRELOAD/u },
  ],
  quick: 'wrapper',
};
