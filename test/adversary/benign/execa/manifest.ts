import type { Benign } from '../../detection/case.ts';

export const benign: Benign = {
  does: 'Runs coreutils, one of them through a shell.',
  packages: ['execa'],
  victims: ['node'],
  events: [{}, {}, {}, {}],
};
