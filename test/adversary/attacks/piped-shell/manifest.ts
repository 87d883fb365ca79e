import type { Attack } from '../../detection/case.ts';

/** A11: no descriptor of the shell is a connection: the runtime carries the bytes. */
export const attack: Attack = {
  does: 'A shell without a command hangs by pipes at a connection of the runtime.',
  techniques: ['T1059.004', 'T1071'],
  source: 'A11',
  victims: ['node', 'python'],
  inProcess: ['node'],
  events: [{}, { attack: true }, {}, {}],
  detectors: ['child-process-use', 'shell-child'],
  evidence: [
    { path: /^live_response\/processes\.json$/u, holds: /\/bin\/(?:da)?sh/u },
    { path: /^live_response\/sockets\.json$/u, holds: /203\.0\.113\.7/u },
  ],
  arrives: [{ at: 'shell', holds: /shell-is-here/u }],
  quick: 'wrapper',
};
