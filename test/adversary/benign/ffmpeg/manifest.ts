import type { Benign } from '../../detection/case.ts';

export const benign: Benign = {
  does: 'Copies the ffmpeg that it brings into /tmp and converts a file with it.',
  packages: ['@ffmpeg-installer/ffmpeg'],
  victims: ['node'],
  events: [{}, {}, {}, {}],
  timeoutMs: 30_000,
};
