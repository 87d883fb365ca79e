import type { Benign } from '../../detection/case.ts';

export const benign: Benign = {
  does: 'Hands jobs to another Node.js process, which stays.',
  packages: [],
  victims: ['node'],
  events: [{}, {}, {}, {}],
};
