import type { Attack } from '../../detection/case.ts';

/** A7: the file looks like one that a package has brought. */
export const attack: Attack = {
  does: 'A .pth file with code comes to a folder of installed packages, long after they were installed.',
  techniques: ['T1546.018'],
  source: 'A7',
  victims: ['python'],
  inProcess: [],
  events: [{}, { attack: true }, { job: true }, { job: true }],
  detectors: ['startup-hook'],
  evidence: [
    {
      path: /^\[root\]\/tmp\/\.local\/lib\/python3\.\d+\/site-packages\/colours-nspkg\.pth$/u,
      holds: /203\.0\.113\.7/u,
    },
  ],
  arrives: [{ at: 'exfiltration', holds: /hooked/u }],
};
