import type { Benign } from '../../detection/case.ts';

export const benign: Benign = {
  does: 'Unpacks packages with start hooks of their own into /tmp and makes a virtual environment there, after init, and runs its Python.',
  packages: [],
  victims: ['python'],
  events: [{}, {}, {}, {}],
};
