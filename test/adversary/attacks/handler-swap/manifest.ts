import type { Attack } from '../../detection/case.ts';

/** A4: nothing on disk, and the executable is what it was. */
export const attack: Attack = {
  does: 'Code in the runtime process puts itself between the runtime and the handler, and sends every event out.',
  techniques: ['T1620', 'T1546', 'T1041'],
  source: 'A4',
  victims: ['node', 'python'],
  inProcess: ['node'],
  files: ['../shared/poller.py'],
  events: [{}, { attack: true }, { card: '4111' }, { card: '4222' }],
  detectors: ['patched-builtins', 'runtime-api-client', 'outbound', 'code-changed'],
  evidence: [{ path: /^live_response\/sockets\.json$/u, holds: /203\.0\.113\.7/u }],
  arrives: [{ at: 'exfiltration', holds: /4222/u }],
  quick: 'wrapper',
};
