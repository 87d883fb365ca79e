import type { Attack } from '../../detection/case.ts';

/** A11, A12: what runs is no longer on disk. */
export const attack: Attack = {
  does: 'Copies a program into /tmp, starts it in the background, and deletes it while it runs.',
  techniques: ['T1070.004', 'T1059.004'],
  source: 'A12',
  victims: ['node', 'python'],
  inProcess: ['node'],
  events: [{}, { attack: true }, {}, {}],
  detectors: ['staged-executable'],
  evidence: [
    { path: /^recovered\/\d+\/exe$/u, is: '/usr/bin/sleep' },
    { path: /^\[root\]\/proc\/\d+\/exe$/u, target: /\/tmp\/\.kworker \(deleted\)$/u },
  ],
  quick: 'wrapper',
};
