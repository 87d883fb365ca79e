import type { Benign } from '../../detection/case.ts';

export const benign: Benign = {
  does: 'Keeps a database in /tmp, by the built-in module and by a package with native code.',
  packages: ['better-sqlite3'],
  victims: ['node'],
  events: [{}, {}, {}, {}],
};
