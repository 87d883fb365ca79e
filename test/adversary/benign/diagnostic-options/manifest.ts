import type { Benign } from '../../detection/case.ts';

export const benign: Benign = {
  does: 'Starts programs whose variables lead reports and dumps into /tmp. The program does nothing under the name of java.',
  packages: [],
  nightly: true,
  victims: ['node', 'python'],
  events: [{}, {}, {}],
  programs: { java: '/usr/bin/true' },
};
