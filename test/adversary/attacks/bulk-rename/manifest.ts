import type { Attack } from '../../detection/case.ts';

/** A12: what ransomware does, in the one folder that a function may write. */
export const attack: Attack = {
  does: 'Encrypts the files of /tmp one after another, and gives each another name.',
  techniques: ['T1486'],
  source: 'A12',
  victims: ['node', 'python'],
  inProcess: ['node'],
  events: [{}, { attack: true }, {}, {}],
  detectors: ['bulk-rename'],
  evidence: [{ path: /^\[root\]\/tmp\/orders\/order-1\.json\.locked$/u }],
};
