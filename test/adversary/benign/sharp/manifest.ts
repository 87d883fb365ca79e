import type { Benign } from '../../detection/case.ts';

export const benign: Benign = {
  does: 'Makes a picture smaller, in native code with threads of its own.',
  packages: ['sharp'],
  victims: ['node'],
  events: [{}, {}, {}, {}],
};
