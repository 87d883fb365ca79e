import type { Benign } from '../../detection/case.ts';

export const benign: Benign = {
  does: 'Runs scripts and tools of temporary folders and removes them, as pip does when it builds a package.',
  packages: [],
  victims: ['node', 'python'],
  events: [{}, {}, {}],
};
