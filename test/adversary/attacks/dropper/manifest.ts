import type { Attack } from '../../detection/case.ts';

/** A12: no curl, no shell; the interpreter fetches and starts a second stage. */
export const attack: Attack = {
  does: 'Fetches an ELF into /tmp with the means of the language, makes it executable, and starts it in the background.',
  techniques: ['T1105', 'T1074.001'],
  source: 'A12',
  victims: ['node', 'python'],
  inProcess: ['node'],
  events: [{}, { attack: true }, {}, {}],
  detectors: ['staged-executable', 'staged-file', 'survivor'],
  evidence: [
    { path: /^\[root\]\/tmp\/\.X11-cache$/u, is: '/usr/bin/sleep' },
    { path: /^live_response\/processes\.json$/u, holds: /\/tmp\/\.X11-cache/u },
  ],
  arrives: [{ at: 'payload' }],
  quick: 'wrapper',
};
