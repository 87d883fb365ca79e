import type { Benign } from '../../detection/case.ts';

export const benign: Benign = {
  does: 'Keeps php-fpm with workers that are connected to a database on the internet. The program is Perl under that name.',
  packages: [],
  nightly: true,
  victims: ['node'],
  events: [{}, {}, {}],
  programs: { 'php-fpm': '/usr/bin/perl' },
  files: ['php-fpm.pl'],
};
