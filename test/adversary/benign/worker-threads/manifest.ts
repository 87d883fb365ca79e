import type { Benign } from '../../detection/case.ts';

export const benign: Benign = {
  does: 'Works in threads, one of which stays.',
  packages: [],
  victims: ['node'],
  events: [{}, {}, {}, {}],
};
