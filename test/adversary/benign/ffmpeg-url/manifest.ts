import type { Benign } from '../../detection/case.ts';

export const benign: Benign = {
  does: 'Reads a film from an address on the internet with an ffmpeg that was copied into /tmp.',
  packages: ['@ffmpeg-installer/ffmpeg'],
  nightly: true,
  victims: ['node'],
  events: [{}, {}, {}],
};
