import type { Attack } from '../../detection/case.ts';

/** A7: the same for interpreters: NODE_OPTIONS and PYTHONPATH. */
export const attack: Attack = {
  does: 'Puts a script into /tmp and a variable into the environment of the runtime, so that every interpreter that the function starts runs it.',
  techniques: ['T1574.007', 'T1574'],
  source: 'A7',
  victims: ['node', 'python'],
  inProcess: ['node'],
  events: [{}, { attack: true }, { job: true }, { job: true }],
  detectors: ['environment-drift', 'startup-hook'],
  evidence: [
    { path: /^\[root\]\/tmp\/\.site\/(?:hook\.cjs|sitecustomize\.py)$/u, holds: /203\.0\.113\.7/u },
    { path: /^live_response\/environment\.json$/u, holds: /NODE_OPTIONS|PYTHONPATH/u },
  ],
  arrives: [{ at: 'exfiltration', holds: /hooked/u }],
};
