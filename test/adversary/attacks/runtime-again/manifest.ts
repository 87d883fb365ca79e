import type { Attack } from '../../detection/case.ts';

/** A2 without a file: the program that runs afterwards is the one that ran before. */
export const attack: Attack = {
  does: 'The runtime executes its own interpreter once more, with other code in its arguments, which then takes the invocations and sends the events out.',
  techniques: ['T1574', 'T1546', 'T1059.006'],
  source: 'A2',
  victims: ['python'],
  inProcess: [],
  files: ['../shared/poller.py'],
  events: [{}, { attack: true }, { card: '4111' }, { card: '4222' }],
  detectors: ['runtime-changed'],
  evidence: [{ path: /^live_response\/processes\.json$/u, holds: /203\.0\.113\.7/u }],
  arrives: [{ at: 'exfiltration', holds: /4222/u }],
};
