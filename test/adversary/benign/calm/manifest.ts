import type { Benign } from '../../detection/case.ts';

export const benign: Benign = {
  does: 'Does nothing that anybody could take for an attack.',
  packages: [],
  victims: ['node', 'python'],
  events: [{}, {}, {}, {}],
};
