import type { Attack } from '../../detection/case.ts';

/** A10: the credentials of the function, read from another process. */
export const attack: Attack = {
  does: 'A child opens the environment of the runtime in /proc and sends it to the attacker.',
  techniques: ['T1552.007', 'T1552.001', 'T1552'],
  source: 'A10',
  victims: ['node', 'python'],
  inProcess: ['node'],
  events: [{}, { attack: true }, {}, {}],
  detectors: ['environ-reader', 'shell-child', 'child-process-use'],
  evidence: [
    { path: /^live_response\/descriptors\.jsonl?$/u, holds: /\/proc\/\d+\/environ/u },
    { path: /^live_response\/sockets\.json$/u, holds: /203\.0\.113\.7/u },
  ],
  arrives: [{ at: 'exfiltration', holds: /AWS_SECRET_ACCESS_KEY/u }],
  quick: 'wrapper',
};
