import type { Benign } from '../../detection/case.ts';

export const benign: Benign = {
  does: 'Copies an engine into /tmp and starts it; it stays, listens on loopback and talks to the database.',
  packages: [],
  victims: ['node'],
  events: [{}, {}, {}, {}],
};
