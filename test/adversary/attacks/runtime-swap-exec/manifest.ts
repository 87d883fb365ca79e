import type { Attack } from '../../detection/case.ts';

/** A2: the runtime's process goes on as another program. */
export const attack: Attack = {
  does: 'The runtime executes a program from /tmp in its own place, which then takes the invocations and sends the events out.',
  techniques: ['T1574', 'T1546', 'T1036.005'],
  source: 'A2',
  victims: ['node', 'python'],
  inProcess: [],
  files: ['../shared/poller.py'],
  events: [{}, { attack: true }, { card: '4111' }, { card: '4222' }],
  detectors: ['runtime-changed', 'staged-executable'],
  evidence: [
    { path: /^\[root\]\/proc\/\d+\/exe$/u, target: /\/tmp\/new_runtime$/u },
    { path: /^\[root\]\/tmp\/new_runtime$/u, is: '/usr/bin/python3' },
  ],
  arrives: [{ at: 'exfiltration', holds: /4222/u }],
  quick: 'extension',
};
