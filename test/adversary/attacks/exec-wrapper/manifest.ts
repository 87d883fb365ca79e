import type { Attack } from '../../detection/case.ts';

/** A6: a layer and one variable of the configuration; the code is untouched. */
export const attack: Attack = {
  does: 'AWS_LAMBDA_EXEC_WRAPPER of a layer starts a beacon, unpacks a library into /tmp, and executes the runtime with it preloaded.',
  techniques: ['T1574', 'T1574.006', 'T1525'],
  source: 'A6',
  victims: ['node', 'python'],
  inProcess: ['node'],
  opt: 'opt',
  env: { AWS_LAMBDA_EXEC_WRAPPER: '/opt/bin/tracing-setup' },
  events: [{}, {}, {}, {}],
  detectors: ['environment-drift', 'mapped-object', 'shell-child', 'outbound', 'survivor'],
  evidence: [
    { path: /^\[root\]\/proc\/\d+\/maps$/u, holds: /\/tmp\/\.libstat\.so/u },
    { path: /^live_response\/environment\.json$/u, holds: /AWS_LAMBDA_EXEC_WRAPPER/u },
    { path: /^live_response\/processes\.json$/u, holds: /203\.0\.113\.7/u },
  ],
  arrives: [{ at: 'exfiltration', holds: /beacon/u }],
};
