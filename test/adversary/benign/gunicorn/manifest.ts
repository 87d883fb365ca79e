import type { Benign } from '../../detection/case.ts';

export const benign: Benign = {
  does: 'Keeps a server that was started by python -m, whose workers talk to the internet. The module has the shape of gunicorn.',
  packages: [],
  victims: ['python'],
  events: [{}, {}, {}],
};
