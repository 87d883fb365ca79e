import type { Benign } from '../../detection/case.ts';

export const benign: Benign = {
  does: 'Unpacks packages without their metadata into /tmp, with start hooks of their own, and runs a Python that finds them.',
  packages: [],
  nightly: true,
  victims: ['python'],
  events: [{}, {}, {}],
};
