import type { Attack } from '../../detection/case.ts';

/** A9: a dependency that acts when it is imported, before anything of the function runs. */
export const attack: Attack = {
  does: 'A package that is imported writes a script into /tmp, starts it in the background, and sends the environment out.',
  techniques: ['T1195.001', 'T1195.002', 'T1195', 'T1059.004'],
  source: 'A9',
  victims: ['node', 'python'],
  inProcess: ['node'],
  events: [{}, {}, {}, {}],
  detectors: ['staged-file', 'survivor', 'shell-child', 'outbound', 'second-interpreter', 'child-process-use'],
  evidence: [
    { path: /^\[root\]\/tmp\/processor\.sh$/u, holds: /203\.0\.113\.7/u },
    { path: /^live_response\/processes\.json$/u, holds: /\/tmp\/processor\.sh/u },
  ],
  arrives: [
    { at: 'exfiltration', holds: /AWS_SECRET_ACCESS_KEY/u },
    { at: 'exfiltration', holds: /beacon/u },
  ],
  quick: 'wrapper',
};
