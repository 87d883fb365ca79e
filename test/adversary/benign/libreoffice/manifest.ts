import type { Benign } from '../../detection/case.ts';

export const benign: Benign = {
  does: 'Unpacks an office into /tmp and converts a letter: a script, a launcher and the program. The programs are Perl.',
  packages: [],
  victims: ['node'],
  events: [{}, {}, {}],
};
