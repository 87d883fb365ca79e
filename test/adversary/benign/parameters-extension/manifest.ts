import type { Benign } from '../../detection/case.ts';

export const benign: Benign = {
  does: 'Reads parameters from an extension that listens on loopback.',
  packages: [],
  victims: ['node', 'python'],
  events: [{}, {}, {}, {}],
  opt: 'opt',
  beside: [{ command: ['/var/lang/bin/node', '/opt/extensions/parameters-and-secrets'] }],
};
