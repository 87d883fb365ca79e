import type { Benign } from '../../detection/case.ts';

export const benign: Benign = {
  does: 'Starts a script of a package that asks a registry on the internet, loose from the function and beyond the invocation.',
  packages: [],
  victims: ['node'],
  events: [{}, {}, {}],
};
