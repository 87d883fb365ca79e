import type { Benign } from '../../detection/case.ts';

export const benign: Benign = {
  does: 'Runs programs whose names begin like those of kernel threads.',
  packages: [],
  nightly: true,
  victims: ['node', 'python'],
  events: [{}, {}, {}],
  programs: { 'migration-runner': '/usr/bin/sleep', watchdog: '/usr/bin/sleep' },
};
