import type { Attack } from '../../detection/case.ts';

/** A13: what an invocation started goes on with the next ones. Nothing of it is in /tmp. */
export const attack: Attack = {
  does: 'A shell that has left the session of the runtime calls home whenever the sandbox is awake.',
  techniques: ['T1053', 'T1059.004', 'T1071'],
  source: 'A13',
  victims: ['node', 'python'],
  inProcess: ['node'],
  events: [{}, { attack: true }, {}, {}],
  detectors: ['survivor', 'shell-child', 'outbound', 'child-process-use'],
  evidence: [
    { path: /^live_response\/processes\.json$/u, holds: /203\.0\.113\.7/u },
    { path: /^live_response\/sockets\.json$/u, holds: /203\.0\.113\.7/u },
  ],
  arrives: [{ at: 'exfiltration', holds: /beacon/u }],
  quick: 'wrapper',
};
