import type { Benign } from '../../detection/case.ts';

export const benign: Benign = {
  does: 'Unpacks its dependencies into /tmp, native code among them, and imports them from there.',
  packages: [],
  victims: ['python'],
  events: [{}, {}, {}, {}],
};
