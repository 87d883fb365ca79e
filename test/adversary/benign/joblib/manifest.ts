import type { Benign } from '../../detection/case.ts';

export const benign: Benign = {
  does: 'Shares work out to workers of joblib, which stay and call a service on the internet. The modules have the shape of joblib.',
  packages: [],
  nightly: true,
  victims: ['python'],
  events: [{}, {}, {}],
};
