import type { Benign } from '../../detection/case.ts';

export const benign: Benign = {
  does: 'Runs command lines whose words look like those of intruders, and a child with a folder for reports in /tmp.',
  packages: [],
  victims: ['node'],
  events: [{}, {}, {}, {}],
};
