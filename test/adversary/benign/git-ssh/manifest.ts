import type { Benign } from '../../detection/case.ts';

export const benign: Benign = {
  does: 'Asks a repository on the internet by git over ssh.',
  packages: [],
  nightly: true,
  victims: ['node'],
  events: [{}, {}, {}],
};
