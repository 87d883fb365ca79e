import type { Benign } from '../../detection/case.ts';

export const benign: Benign = {
  does: 'Keeps connections open to a database in its VPC and to a service on the internet.',
  packages: [],
  victims: ['node', 'python'],
  events: [{}, {}, {}, {}],
};
