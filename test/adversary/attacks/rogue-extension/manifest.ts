import type { Attack } from '../../detection/case.ts';

/** A8: a layer brings an extension of which nobody wants to know what it does. */
export const attack: Attack = {
  does: 'An extension reads the environment of the runtime out of /proc, and sends it to a stranger.',
  techniques: ['T1552.007', 'T1552', 'T1525'],
  source: 'A8',
  victims: ['node', 'python'],
  inProcess: ['node'],
  blind: { wrapper: 'it cannot tell it from the extension of Amber, which reads the same' },
  opt: 'opt',
  beside: [{ command: ['/var/lang/bin/node', '/opt/extensions/cost-insights'] }],
  events: [{}, {}, {}, {}],
  detectors: ['environ-reader'],
  evidence: [
    { path: /^live_response\/descriptors\.jsonl?$/u, holds: /\/proc\/\d+\/environ/u },
    { path: /^live_response\/sockets\.json$/u, holds: /203\.0\.113\.7/u },
  ],
  arrives: [{ at: 'exfiltration', holds: /AWS_SECRET_ACCESS_KEY/u }],
  quick: 'extension',
};
