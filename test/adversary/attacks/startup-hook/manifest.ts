import type { Attack } from '../../detection/case.ts';

/** A7: nothing is started with it in its environment for longer than a Python takes to start. */
export const attack: Attack = {
  does: 'Makes /tmp the home of Python packages and leaves a .pth file there, so that every Python that the function starts runs it, however short it lives.',
  techniques: ['T1546.018'],
  source: 'A7',
  victims: ['python'],
  inProcess: [],
  // In the very first invocation: nobody has looked before it.
  events: [{ attack: true }, { job: true }, { job: true }],
  detectors: ['startup-hook'],
  evidence: [
    { path: /^\[root\]\/tmp\/\.local\/lib\/python3\.\d+\/site-packages\/colours\.pth$/u, holds: /203\.0\.113\.7/u },
  ],
  arrives: [{ at: 'exfiltration', holds: /hooked/u }],
};
