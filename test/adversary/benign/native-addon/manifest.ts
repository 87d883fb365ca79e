import type { Benign } from '../../detection/case.ts';

export const benign: Benign = {
  does: 'Loads native code that was unpacked into /tmp, beside the reading that Amber does itself.',
  packages: [],
  nightly: true,
  victims: ['node'],
  events: [{}, {}, {}],
};
