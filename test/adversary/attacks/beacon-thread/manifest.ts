import type { Attack } from '../../detection/case.ts';

/** A9: no hook reaches into a thread. */
export const attack: Attack = {
  does: 'A dependency starts a thread that keeps a connection to a stranger.',
  techniques: ['T1195.001', 'T1071'],
  source: 'A9',
  level: 'medium',
  victims: ['node'],
  inProcess: ['node'],
  blind: { extension: 'the runtime may talk to whom it likes, and it cannot tell its threads apart' },
  events: [{}, {}, {}, {}],
  detectors: ['lone-request'],
  evidence: [{ path: /^live_response\/sockets\.json$/u, holds: /203\.0\.113\.7/u }],
  arrives: [{ at: 'exfiltration', holds: /beacon/u }],
};
