import type { Benign } from '../../detection/case.ts';

export const benign: Benign = {
  does: 'Compiles with a service process that stays, writes the result into /tmp, and imports it.',
  packages: ['esbuild'],
  victims: ['node'],
  events: [{}, {}, {}, {}],
};
