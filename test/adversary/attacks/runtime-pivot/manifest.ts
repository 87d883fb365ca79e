import type { Attack } from '../../detection/case.ts';

/** A4: the handler that was called never returns; its client waits, and another one in the same process goes on. */
export const attack: Attack = {
  does: 'Code in the runtime asks the Runtime API for all further events itself, and sends each out.',
  techniques: ['T1620', 'T1557', 'T1041'],
  source: 'A4',
  victims: ['node'],
  inProcess: [],
  limit: 'the wrapper is called no more, and a look at the runtime shows one more connection to the Runtime API',
  events: [{}, { attack: true }, { card: '4111' }, { card: '4222' }],
  detectors: ['runtime-api-client', 'code-from-nowhere'],
  evidence: [{ path: /^live_response\/sockets\.json$/u, holds: /9001/u }],
  arrives: [{ at: 'exfiltration', holds: /4222/u }],
};
