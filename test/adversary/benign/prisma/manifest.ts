import type { Benign } from '../../detection/case.ts';

export const benign: Benign = {
  does: 'Copies the engine of an ORM into /tmp and keeps it, connected to a database on the internet. The engine is Perl.',
  packages: [],
  victims: ['node'],
  events: [{}, {}, {}],
  files: ['engine.pl'],
};
