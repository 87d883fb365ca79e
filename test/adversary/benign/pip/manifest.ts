import type { Benign } from '../../detection/case.ts';

export const benign: Benign = {
  does: 'Runs scripts and tools of temporary folders and removes them, as pip does when it builds a package.',
  packages: [],
  nightly: true,
  victims: ['node', 'python'],
  events: [{}, {}, {}],
};
