import type { Benign } from '../../detection/case.ts';

export const benign: Benign = {
  does: 'Keeps sixty workers that are connected to the internet, with 29 % of a processor.',
  packages: [],
  nightly: true,
  victims: ['python'],
  events: [{}, {}, {}],
  cpuShare: 0.29,
  timeoutMs: 60_000,
};
