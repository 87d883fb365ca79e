import type { Benign } from '../../detection/case.ts';

export const benign: Benign = {
  does: 'Keeps sixty workers that are connected to the internet, with 7 % of a processor.',
  packages: [],
  nightly: true,
  victims: ['python'],
  events: [{}, {}, {}],
  cpuShare: 0.07,
  files: ['../sixty-workers/handler.py'],
  timeoutMs: 60_000,
};
