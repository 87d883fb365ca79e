import type { Benign } from '../../detection/case.ts';

export const benign: Benign = {
  does: 'Keeps a server in a process of its own that sets its title and talks to the internet.',
  packages: [],
  victims: ['node'],
  events: [{}, {}, {}],
};
