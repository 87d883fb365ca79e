import type { Benign } from '../../detection/case.ts';

export const benign: Benign = {
  does: 'Loads files by curl for the tool that follows, and for longer than an invocation takes.',
  packages: [],
  victims: ['node', 'python'],
  events: [{}, {}, {}],
};
