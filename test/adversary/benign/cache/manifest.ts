import type { Benign } from '../../detection/case.ts';

export const benign: Benign = {
  does: 'Fills /tmp with 500 MB of cached files, some of them anew at each invocation.',
  packages: [],
  victims: ['node'],
  events: [{}, {}, {}, {}],
  memoryMb: 2048,
  timeoutMs: 60_000,
};
