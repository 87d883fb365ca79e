import type { Attack } from '../../detection/case.ts';

/** A1: no program is brought along; a thread of the runtime works. */
export const attack: Attack = {
  does: 'A thread of the runtime keeps a processor busy, and holds a connection to a pool.',
  techniques: ['T1496.001', 'T1496'],
  source: 'A1',
  victims: ['node'],
  inProcess: ['node'],
  blind: { extension: 'it cannot tell the threads of the runtime apart' },
  events: [{}, { attack: true }, {}, {}],
  detectors: ['miner'],
  evidence: [{ path: /^live_response\/sockets\.json$/u, holds: /3333/u }],
  arrives: [{ at: 'pool', holds: /login/u }],
};
