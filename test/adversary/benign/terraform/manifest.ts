import type { Benign } from '../../detection/case.ts';

export const benign: Benign = {
  does: 'Starts a deployment tool whose provider lies in a hidden folder of /tmp and talks to the internet. Both are Perl.',
  packages: [],
  nightly: true,
  victims: ['node'],
  events: [{}, {}, {}],
  programs: { terraform: '/usr/bin/perl' },
  files: ['provider.pl'],
};
