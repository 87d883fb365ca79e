import type { Attack } from '../../detection/case.ts';

/** A14: no connection to anywhere; the questions carry the data. */
export const attack: Attack = {
  does: 'Sends data in the names that it asks a resolver of its own for, a few at a time, whenever the sandbox is awake.',
  techniques: ['T1048', 'T1071.004', 'T1048.003'],
  source: 'A14',
  victims: ['node', 'python'],
  inProcess: ['node'],
  events: [{}, { attack: true }, {}, {}],
  detectors: ['foreign-resolver'],
  evidence: [{ path: /^live_response\/sockets\.json$/u, holds: /203\.0\.113\.53/u }],
  arrives: [{ at: 'foreign-dns', holds: /exfil/u }],
};
