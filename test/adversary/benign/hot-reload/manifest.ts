import type { Benign } from '../../detection/case.ts';

export const benign: Benign = {
  does: 'Writes new versions of a module into /tmp and loads them in place of the cached one.',
  packages: [],
  victims: ['node'],
  events: [{}, {}, {}, {}],
};
