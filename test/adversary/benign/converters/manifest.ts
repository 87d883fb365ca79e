import type { Benign } from '../../detection/case.ts';

export const benign: Benign = {
  does: 'Converts pictures with options that look like those of netcat. The program does nothing under the name of gdal_translate.',
  packages: [],
  nightly: true,
  victims: ['node'],
  events: [{}, {}, {}],
  programs: { gdal_translate: '/usr/bin/true' },
};
