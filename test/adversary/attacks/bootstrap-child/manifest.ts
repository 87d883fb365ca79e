import type { Attack } from '../../detection/case.ts';

/** A3: the runtime waits for a child that has taken its place at the Runtime API. */
export const attack: Attack = {
  does: 'The handler never returns: a child of a shell, another interpreter with a script in /tmp, answers for it and takes the next invocations.',
  techniques: ['T1059', 'T1546', 'T1041'],
  source: 'A3',
  victims: ['node', 'python'],
  inProcess: [],
  files: ['../shared/poller.py'],
  events: [{}, { attack: true }, { card: '4111' }, { card: '4222' }],
  detectors: ['runtime-api-client', 'second-interpreter', 'child-process-use'],
  evidence: [
    { path: /^\[root\]\/tmp\/bootstrap\.py$/u, holds: /203\.0\.113\.7/u },
    { path: /^live_response\/processes\.json$/u, holds: /\/tmp\/bootstrap\.py/u },
    { path: /^live_response\/sockets\.json$/u, holds: /203\.0\.113\.7/u },
  ],
  arrives: [{ at: 'exfiltration', holds: /4222/u }],
  quick: 'extension',
};
