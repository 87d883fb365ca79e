import type { Benign } from '../../detection/case.ts';

export const benign: Benign = {
  does: 'Fetches a tool that is a script into /tmp and runs it while it loads from the internet. The script has the shape of yt-dlp.',
  packages: [],
  nightly: true,
  victims: ['node', 'python'],
  events: [{}, { wait: false }, {}],
};
