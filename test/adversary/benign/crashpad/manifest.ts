import type { Benign } from '../../detection/case.ts';

export const benign: Benign = {
  does: 'Keeps a browser below /tmp whose reporter of crashes has left the session and belongs to init.',
  packages: [],
  nightly: true,
  victims: ['node'],
  events: [{}, {}, {}],
};
