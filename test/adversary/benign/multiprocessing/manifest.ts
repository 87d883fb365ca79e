import type { Benign } from '../../detection/case.ts';

export const benign: Benign = {
  does: 'Shares work out to processes of its own interpreter.',
  packages: [],
  victims: ['python'],
  events: [{}, {}, {}, {}],
};
