import type { Attack } from '../../detection/case.ts';

/** A2: the same with nothing on disk. Node.js cannot make a memfd without native code. */
export const attack: Attack = {
  does: 'The runtime executes a program from a memfd in its own place, which then takes the invocations and sends the events out.',
  techniques: ['T1620', 'T1574', 'T1546'],
  source: 'A2',
  victims: ['python'],
  inProcess: [],
  files: ['../shared/poller.py'],
  events: [{}, { attack: true }, { card: '4111' }, { card: '4222' }],
  detectors: ['runtime-changed', 'staged-executable'],
  evidence: [
    { path: /^\[root\]\/proc\/\d+\/exe$/u, target: /memfd:new_runtime \(deleted\)$/u },
    { path: /^recovered\/\d+\/exe$/u, is: '/usr/bin/python3' },
  ],
  arrives: [{ at: 'exfiltration', holds: /4222/u }],
};
