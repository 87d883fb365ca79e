import type { Benign } from '../../detection/case.ts';

export const benign: Benign = {
  does: 'Takes credentials from the environment, from a file in /tmp and from a credential process.',
  packages: ['@aws-sdk/credential-providers'],
  victims: ['node'],
  events: [{}, {}, {}, {}],
  opt: 'opt',
};
