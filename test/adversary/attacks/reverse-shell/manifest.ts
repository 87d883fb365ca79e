import type { Attack } from '../../detection/case.ts';

/** A11: a shell whose input and output are a connection. */
export const attack: Attack = {
  does: 'A command injection starts an interactive shell that is connected to the attacker.',
  techniques: ['T1059.004'],
  source: 'A11',
  victims: ['node', 'python'],
  inProcess: ['node'],
  events: [{}, { attack: true }, {}, {}],
  detectors: ['stdio-socket', 'shell-child', 'child-process-use', 'outbound'],
  evidence: [
    { path: /^live_response\/sockets\.json$/u, holds: /4444/u },
    { path: /^live_response\/descriptors\.jsonl?$/u, holds: /socket:/u },
  ],
  arrives: [{ at: 'shell', holds: /shell-is-here|connected/u }],
  quick: 'wrapper',
};
